// The modes in force in a terminal: a small, fast scanner that sees every byte
// of a stream, also where a flood laps the screen's model
// (lib/term/screen.h).
//
//   Digest digest;
//   digest.Scan(bytes);           // any cut between calls
//   out = digest.Modes();         // puts a terminal that was reset into them
//
// A few hundred bytes of memory, whatever it is given.  Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/term/charsets.h"
#include "lib/term/sequence.h"

namespace deptyr {

class Digest {
 public:
  Digest();

  // A sequence that goes on for longer isn't waited for: whole() passes it.
  static constexpr uint64_t kLongestHeld = 65536;
  // In bytes; what a longer title has after them is dropped.
  static constexpr size_t kLongestTitle = 256;

  void Scan(absl::string_view bytes);
  // The terminal's size has changed: its scroll region is all of it again.
  void Resized() { top_ = bottom_ = 0; }

  // What it has seen so far was no part of the stream: offsets begin at 0, and
  // nothing was cleared.
  void Rebase();

  // How many bytes it has seen.
  uint64_t offset() const { return offset_; }
  // Where the escape sequence or the UTF-8 character began that isn't whole
  // yet; offset() if there is none.  A terminal that is painted in the middle
  // of one has to be given these bytes too.
  uint64_t whole() const;
  // From where on the stream alone makes the screen: the last time when all of
  // it was cleared (ED 2, ED from the top left, RIS, the alternate screen
  // entered), or 0.  Leaving the alternate screen, what it was before.
  uint64_t last_clear() const { return last_clear_; }

  bool alternate_screen() const { return alternate_ != 0; }
  // The mode it was entered by (47, 1047, 1049), or 0.
  int alternate_mode() const { return alternate_; }
  // The last thing that ended at whole() was a printed character.
  bool printed_last() const { return printed_last_; }
  // Valid UTF-8, no controls.
  const std::string& title() const { return title_; }

  // The escape sequences that put a terminal, after kResetModes
  // (lib/sys/terminal.h), into the modes in force: cursor keys, keypad, mouse,
  // focus events, bracketed paste, autowrap, insert, new line, origin and
  // scroll region, cursor's visibility and shape, character sets, reverse
  // video, modifyOtherKeys and kitty's keyboard flags, title.  The alternate
  // screen is not among them.  May move the cursor.
  std::string Modes() const;

 private:
  // What ESC 7 keeps, of the things this knows.
  struct Saved {
    Charsets charsets;
    bool origin = false;
  };
  struct KittyStack {
    std::array<uint8_t, 8> flags = {};
    uint8_t depth = 0;
  };

  const char* SkipPlain(const char* p, const char* end);
  const char* SkipCsi(const char* p, const char* end);
  void ScanByte(char c, uint64_t at);
  void TakeCharacter(char c);
  void Act(SequenceParser::Event event, uint64_t begin);

  void Escape(uint64_t begin);
  void Csi(uint64_t begin);
  void PlainCsi(const Parameters& parameters, uint64_t begin);
  void SetMode(const Parameters& parameters, bool on);
  void SetDecMode(const Parameters& parameters, bool on, uint64_t begin);
  void SetDecMode(int mode, bool on, uint64_t begin);
  void SetAlternate(int mode, bool on, uint64_t begin);
  void SetRegion(const Parameters& parameters);
  void SetModifyKeys(const Parameters& parameters);
  void Kitty(const Parameters& parameters);
  void SetTitle();
  void Save();
  void Restore();
  void SoftReset();
  void Reset(uint64_t begin);
  void Cleared(uint64_t begin) { last_clear_ = begin; }
  bool Is(int dec_mode) const;
  std::string KittyModes() const;

  uint64_t offset_ = 0;
  uint64_t begin_ = 0;  // of the sequence that isn't whole
  uint64_t home_ = 0;   // the end of a CUP to the top left, if it came last
  uint64_t home_begin_ = 0;
  uint64_t last_clear_ = 0;
  uint64_t primary_clear_ = 0;
  SequenceParser parser_;
  Utf8Decoder utf8_;
  bool printed_last_ = false;

  uint32_t dec_modes_;  // a bit for each of kDecModes
  bool insert_ = false;
  bool new_line_ = false;
  bool application_keypad_ = false;
  int16_t mouse_ = 0;
  int16_t alternate_ = 0;
  int16_t top_ = 0;     // of the scroll region, from 1; 0: all
  int16_t bottom_ = 0;  // 0: the last row
  int16_t cursor_shape_ = 0;
  int16_t modify_other_keys_ = 0;
  Charsets charsets_;
  Saved saved_;
  Saved saved_primary_;              // when mode 1049 was set
  std::array<KittyStack, 2> kitty_;  // of the primary and the alternate screen
  std::string title_;
};

}  // namespace deptyr
