// The modes of a terminal: how it writes, which keys and reports it sends, what
// its title is.  Digest keeps them for every byte a program writes, Interpreter
// for the screen that is shown.
//
//   SequenceParser parser;
//   Modes modes;
//   for (const char c : bytes) {
//     const SequenceParser::Event event = parser.Take(c);
//     modes.Take(event, parser, [](Modes::Effect) {});
//   }
//   std::string out = modes.Sequences();
//
// A few hundred bytes of memory, whatever it is given.  Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

#include "lib/term/charsets.h"
#include "lib/term/dec_modes.h"
#include "lib/term/sequence.h"

namespace deptyr {

class Modes {
 public:
  // The rest of a longer title is dropped.  In bytes.
  static constexpr size_t kLongestTitle = 256;

  // An effect that a sequence has on the screen.  It is reported after the
  // modes have changed; a sequence may have several, which are reported in
  // order.
  enum class Effect : uint8_t {
    kInsert,          // insert mode was set or reset
    kNewLine,         // and so was new line mode,
    kAutowrap,        // autowrap,
    kOrigin,          // origin mode: the cursor goes home
    kRegion,          // the scroll region was set: the cursor goes home
    kSave,            // cursor and pen are saved,
    kRestore,         // and restored
    kAlternate,       // the alternate screen is shown, blank,
    kPrimary,         // the primary screen is shown
    kRestorePrimary,  // with the cursor and the pen it had at kAlternate
    kAlign,           // DECALN: E everywhere, and no region
    kSoftReset,       // DECSTR
    kReset,           // RIS
  };
  using OnEffect = absl::FunctionRef<void(Effect)>;

  // What ESC 7 saves.
  struct Saved {
    Charsets charsets;
    bool origin = false;
  };
  // The rows of the scroll region, counted from 1, as the program gave them.
  struct Region {
    int16_t top = 0;     // 0 or 1 is the first row
    int16_t bottom = 0;  // 0 is the last row
  };

  // Call it for every event of `parser`; only whole sequences change anything.
  void Take(SequenceParser::Event event, const SequenceParser& parser,
            OnEffect on_effect);
  // Call it when the terminal's size changes, which ends its region.
  void ForgetRegion() { region_ = {}; }

  bool alternate() const { return alternate_ != 0; }
  // 47, 1047 or 1049, by which the alternate screen was entered, or 0.
  int alternate_mode() const { return alternate_; }
  bool application_cursor_keys() const { return Is(1); }
  bool reverse_video() const { return Is(5); }
  bool origin() const { return Is(6); }
  bool autowrap() const { return Is(7); }
  bool cursor_visible() const { return Is(25); }
  bool insert() const { return insert_; }
  bool new_line() const { return new_line_; }
  Region region() const { return region_; }
  const Charsets& charsets() const { return charsets_; }
  const Saved& saved() const { return saved_; }
  // The state that was saved when mode 1049 was set.
  const Saved& saved_primary() const { return saved_primary_; }
  // Valid UTF-8 without controls.
  const std::string& title() const { return title_; }

  // The escape sequences that put a terminal into these modes, after
  // kResetModes (lib/sys/terminal.h).  They may move the cursor.  The alternate
  // screen is not among them.
  std::string Sequences() const;

 private:
  struct KittyStack {
    std::array<uint8_t, 8> flags = {};
    uint8_t depth = 0;
  };

  bool Is(int dec_mode) const {
    return (dec_modes_ & DecModeBit(dec_mode)) != 0;
  }
  void Set(int dec_mode, bool on);
  void Escape(const SequenceParser& escape, OnEffect on_effect);
  void Csi(const SequenceParser& csi, OnEffect on_effect);
  void PlainCsi(const SequenceParser& csi, OnEffect on_effect);
  void SetModes(const SequenceParser& csi, OnEffect on_effect);
  void SetDecModes(const SequenceParser& csi, OnEffect on_effect);
  void SetDecMode(int mode, bool on, OnEffect on_effect);
  void SetAlternate(int mode, bool on, OnEffect on_effect);
  bool SetRegion(const Parameters& parameters);
  void SetModifyKeys(const SequenceParser& csi);
  void SetKittyFlags(const SequenceParser& csi);
  void SetTitle(absl::string_view body);
  void Save(OnEffect on_effect);
  void Restore(OnEffect on_effect);
  void SoftReset();
  void Reset(OnEffect on_effect);
  KittyStack& kitty() { return kitty_[alternate() ? 1 : 0]; }

  uint32_t dec_modes_ = kDecModesAtReset;  // a bit for each of kDecModes
  bool insert_ = false;
  bool new_line_ = false;
  bool application_keypad_ = false;
  int16_t mouse_ = 0;
  int16_t alternate_ = 0;
  int16_t cursor_shape_ = 0;
  int16_t modify_other_keys_ = 0;
  Region region_;
  Charsets charsets_;
  Saved saved_;
  Saved saved_primary_;
  std::array<KittyStack, 2> kitty_;  // of the primary and the alternate screen
  std::string title_;
};

}  // namespace deptyr
