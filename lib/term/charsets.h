// The character sets a terminal writes with (ISO 2022, as a VT100 has it): four
// are designated, and one of them is used.
//
//   Charsets charsets;
//   charsets.Escape('(', '0');          // line drawing
//   char32_t c = charsets.Translate('q');
//
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace deptyr {

class Charsets {
 public:
  // Takes ESC `intermediate` `final`: "(0", "*B", ...  False if that is another
  // sequence.
  bool Escape(char intermediate, char final);
  // Takes SO or SI.  False if it is another control.
  bool Control(char c);

  // Whether characters below 0x80 are what they are in ASCII.
  bool ascii() const { return set() != '0' && set() != 'A'; }
  char32_t Translate(char32_t character) const {
    return Translate(character, set());
  }
  // The same after a single shift: ESC `shift`, 'N' or 'O'.
  char32_t TranslateShifted(char c, char shift) const {
    return Translate(static_cast<unsigned char>(c),
                     sets_[shift == 'N' ? 2 : 3]);
  }

  // The sequences that switch a terminal from the usual sets to these.
  std::string Sequences() const;

  // Switches a terminal to the usual sets, whatever it has.
  static constexpr char kReset[] = "\x1b(B\x1b)B\x1b*B\x1b+B\x0f";

  bool operator==(const Charsets&) const = default;

 private:
  char set() const { return sets_[used_]; }
  static char32_t Translate(char32_t character, char set);

  std::array<char, 4> sets_ = {'B', 'B', 'B', 'B'};
  uint8_t used_ = 0;
};

}  // namespace deptyr
