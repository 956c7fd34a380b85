// The modes of a terminal: how it writes, which keys and reports it sends, what
// its title is.  Digest keeps them for every byte a program writes, Screen for
// what is shown.
//
//   SequenceParser parser;
//   Modes modes;
//   for (const char c : bytes) {
//     const SequenceParser::Event event = parser.Take(c);
//     modes.Take(event, parser, [](Modes::Effect) {});
//   }
//   std::string out = modes.Sequences();
//
// A few hundred bytes of memory; some KiB for a program that sets a palette.
// Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

#include "lib/term/charsets.h"
#include "lib/term/dec_modes.h"
#include "lib/term/guard.h"
#include "lib/term/keyboard_flags.h"
#include "lib/term/modify_keys.h"
#include "lib/term/osc_settings.h"
#include "lib/term/printer.h"
#include "lib/term/sequence.h"

namespace deptyr {

class Modes {
 public:
  // An effect that a sequence has on the screen.  It is reported after the
  // modes have changed; a sequence may have several, which are reported in
  // order.
  enum class Effect : uint8_t {
    kOrigin,     // origin mode was set or reset: the cursor goes home
    kRegion,     // the scroll region was set: the cursor goes home
    kMargins,    // the left and right margins were set: the cursor goes home
    kSave,       // cursor and pen are saved,
    kRestore,    // and restored
    kNoMargins,  // there are no left and right margins any more
    kAlternate,  // the alternate screen is shown,
    kClearAlternate,  // it is cleared,
    kPrimary,         // the primary screen is shown
    kAlign,           // DECALN: E everywhere, and no region
    kSoftReset,       // DECSTR
    kReset,           // RIS
    kPushStyle,       // XTPUSHSGR: how the pen writes is put aside,
    kPopStyle,        // XTPOPSGR: and taken back
    kPicture,         // an image was drawn, which nobody keeps
    kGuard,           // guard() was set
  };
  using OnEffect = absl::FunctionRef<void(Effect)>;

  // What ESC 7 saves.
  struct Saved {
    Charsets charsets;
    bool origin = false;
    bool guards = false;
  };
  // The first and last row of the scroll region, or column between the margins,
  // counted from 1, as the program gave them.
  struct Region {
    int16_t first = 0;  // 0 or 1 is the first of the screen
    int16_t last = 0;   // 0 is the last one
    // Tells where it begins, and what is after it, counted from 0, if the
    // screen has `size` rows or columns.  Returns false if fewer than two are
    // left.
    bool Within(int size, int& begin, int& end) const;
    bool operator==(const Region&) const = default;
  };

  // A terminal puts aside this many styles; of more it only counts how many.
  static constexpr size_t kMostPushedStyles = 10;

  // Call it for every event of `parser`; only whole sequences change anything.
  void Take(SequenceParser::Event event, const SequenceParser& parser,
            OnEffect on_effect);
  // Whether Take() has to be called for this CSI.
  static bool Minds(const SequenceParser& csi) {
    return csi.prefix() != 0 || csi.intermediate() != 0 || Minds(csi.final());
  }
  // The same of a CSI without a prefix and an intermediate.
  static bool Minds(char final) { return final >= 'g' && final != 'm'; }
  // Call it when the terminal's size changes, which ends its region.
  void ForgetRegion() { region_ = margins_ = {}; }

  // Whether a mode is set, of ANSI's or, with `dec`, of DEC's; nothing if it
  // isn't known here.
  std::optional<bool> IsSet(bool dec, int mode) const;
  bool reports_size() const { return Is(kReportsSize); }
  bool alternate() const { return alternate_ != 0; }
  // 47, 1047 or 1049, by which the alternate screen was entered, or 0.
  int alternate_mode() const { return alternate_; }
  bool application_cursor_keys() const { return Is(1); }
  bool reverse_video() const { return Is(5); }
  bool origin() const { return Is(6); }
  bool autowrap() const { return Is(7); }
  bool reverse_wrap() const { return Is(45); }
  bool cursor_visible() const { return Is(25); }
  bool insert() const { return insert_; }
  bool new_line() const { return new_line_; }
  Region region() const { return region_; }
  const Charsets& charsets() const { return charsets_; }
  Region margins() const { return margins_; }
  bool has_margins() const { return Is(69); }
  const Guard& guard() const { return guard_; }
  const Printer& printer() const { return printer_; }
  // How many times a style was put aside and not taken back.
  size_t pushed_styles() const { return pushed_styles_; }
  // The state saved on the primary or the alternate screen.
  const Saved& saved(bool alternate) const { return saved_[alternate ? 1 : 0]; }
  // Valid UTF-8 without controls.
  const std::string& title() const { return settings_.title(); }

  // The escape sequences that put a terminal into these modes, after
  // kResetModes (lib/sys/terminal.h).  They may move the cursor.  The alternate
  // screen is not among them.
  std::string Sequences() const;
  // The same without titles, colours and the like, which may be long: at most
  // 700 bytes.
  std::string ShortSequences() const;
  // The sequences that take a terminal out of these modes, and nothing else;
  // printer().Undo() comes before them.
  // The first leaves the alternate screen, whose keyboard flags it takes back
  // before; Undo() is for the modes that are in force then.
  std::string LeaveAlternate() const;
  std::string Undo() const;
  // These modes for a terminal of another size, on which somebody else prints:
  // none that changes what writing does, and the cursor is left to whoever
  // prints.  Reports of the mouse say where it is on that terminal.
  enum class Mouse : uint8_t { kKept, kDropped };
  Modes WithoutPrinting(Mouse mouse) const;
  // The sequences that put a terminal into these modes that is in `before`; to
  // show the alternate screen or the primary one is among them.
  std::string ChangeFrom(const Modes& before) const;
  // Whether Undo() or LeaveAlternate() puts the cursor somewhere else.
  bool UndoMovesCursor() const;
  // Whether tab stops were set or cleared.
  bool has_tabs() const { return has_tabs_; }
  // Whether what is printed is part of a link (OSC 8).
  bool link_open() const { return settings_.link_open(); }
  // Whether the terminal sends something that nobody types: reports of the
  // mouse, focus, size or colours, and of keys that are released.
  bool reports() const;
  // The sequences for what the alternate screen hides; they belong before it is
  // entered.
  std::string HiddenSequences() const { return keyboard_flags_[0].Sequences(); }

 private:
  bool Is(int dec_mode) const {
    return (dec_modes_ & DecModeBit(dec_mode)) != 0;
  }
  void Set(int dec_mode, bool on);
  std::string CursorSequences() const;
  std::string ShortUndo(const KeyboardFlags& flags) const;
  void Escape(const SequenceParser& escape, OnEffect on_effect);
  void Csi(const SequenceParser& csi, OnEffect on_effect);
  void PlainCsi(const SequenceParser& csi, OnEffect on_effect);
  void SetModes(const SequenceParser& csi);
  void SetDecModes(const SequenceParser& csi, OnEffect on_effect);
  void SetDecMode(int mode, bool on, OnEffect on_effect);
  void KeepDecModes(const SequenceParser& csi, OnEffect on_effect);
  void SetAlternate(int mode, bool on, OnEffect on_effect);
  void StackStyle(char final, OnEffect on_effect);
  void Save(OnEffect on_effect);
  void Restore(OnEffect on_effect);
  void SoftReset();
  void Reset(OnEffect on_effect);
  KeyboardFlags& keyboard_flags() {
    return keyboard_flags_[alternate() ? 1 : 0];
  }
  const KeyboardFlags& keyboard_flags() const {
    return keyboard_flags_[alternate() ? 1 : 0];
  }

  uint32_t dec_modes_ = kDecModesAtReset;   // a bit for each of kDecModes
  uint32_t kept_modes_ = kDecModesAtReset;  // by XTSAVE
  bool insert_ = false;
  bool new_line_ = false;
  bool application_keypad_ = false;
  bool has_tabs_ = false;
  Guard guard_;
  Printer printer_;
  int16_t mouse_ = 0;
  int16_t kept_mouse_ = 0;  // by XTSAVE
  int16_t alternate_ = 0;
  int16_t cursor_shape_ = 0;
  // Terminals differ in whether their cursor blinks if nobody says so (?12),
  // and in whether the cursor's shape (DECSCUSR), which says so too, has the
  // last word.
  bool says_blink_ = false;
  bool blink_is_last_ = false;
  uint8_t pushed_styles_ = 0;
  Region region_;
  Region margins_;
  Charsets charsets_;
  std::array<Saved, 2> saved_;
  // The primary and the alternate screen have flags each.
  std::array<KeyboardFlags, 2> keyboard_flags_;
  ModifyKeys modify_keys_;
  OscSettings settings_;
};

}  // namespace deptyr
