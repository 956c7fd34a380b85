// The character sets a terminal writes with (ISO 2022, as a VT100 has it): four
// are designated, one of them is used.  Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace deptyr {

class Charsets {
 public:
  // ESC `intermediate` `final`: "(0", "*B", ...  False if it isn't about them.
  bool Escape(char intermediate, char final);
  // SO or SI.  False if it is something else.
  bool Control(char c);

  // Bytes below 0x80 are what they are in ASCII.
  bool ascii() const { return set() != '0' && set() != 'A'; }
  char32_t Translate(char c) const;

  // What puts a terminal that has the usual ones into these.
  std::string Select() const;

  // What puts a terminal into the usual ones, whatever it has.
  static constexpr char kReset[] = "\x1b(B\x1b)B\x1b*B\x1b+B\x0f";

  bool operator==(const Charsets&) const = default;

 private:
  char set() const { return sets_[used_]; }

  std::array<char, 4> sets_ = {'B', 'B', 'B', 'B'};
  uint8_t used_ = 0;
};

}  // namespace deptyr
