// The output of programs that leave behind all that a screen of 24x80 keeps.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"

namespace deptyr {

// Both screens and all lines that have left the top are full.  Each cell has
// one of some hundred styles, as in a picture made of characters, every tenth a
// link, and there are wide characters and marks.
inline std::string Everything() {
  std::string out;
  const auto fill = [&](int lines) {
    for (int i = 0; i < lines * 40; ++i) {
      absl::StrAppend(&out, "\x1b[0;", i % 10, ";", 40 + i % 8, ";38;2;",
                      i % 16, ";7;9m");
      if (i % 10 == 0) {
        absl::StrAppend(&out, "\x1b]8;;http://example.org/", i % 100,
                        "\x1b\\a\x1b]8;;\x1b\\b");
      } else {
        out += i % 10 == 1 ? "世" : i % 10 == 2 ? "e\u0301o\u0308" : "xy";
      }
    }
  };
  fill(49);
  out += "\x1b\x37\x1b[1\"q";
  out += "\x1b[?1049h";
  fill(24);
  for (int i = 0; i < 16; ++i) {
    absl::StrAppend(&out, "\x1b]4;", i, ";rgb:01/23/45\x07");
  }
  for (int i = 0; i < 10; ++i) {
    absl::StrAppend(&out, "\x1b]0;a title of a program's window, ", i,
                    "\x07\x1b[22;0t\x1b[>", 1 + i % 7, "u\x1b[1m\x1b[#{");
  }
  return out +
         "\x1b]7;file:///home/somebody/somewhere\x07\x1b]12;red\x07"
         "\x1b[3;20r\x1b[?69h\x1b[5;70s\x1b[?1003;1006;2004;1004h\x1b)0\x0e"
         "\x1b[5 q\x1b\x37";
}

}  // namespace deptyr
