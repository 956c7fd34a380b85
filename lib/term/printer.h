// The printer that a terminal has, or says it has: a program may send it what
// the terminal is given (MC in xterm's "ctlseqs").
//
//   Printer printer;
//   printer.Take(/*dec=*/false, 5);      // CSI 5 i: all that follows
//   std::string out = printer.Undo();    // CSI 4 i
//
// Pure.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"

namespace deptyr {

class Printer {
 public:
  // Takes CSI `what` i or, with `dec`, CSI ? `what` i.
  void Take(bool dec, int what) {
    if (what == 4 || what == 5) (dec ? gets_lines_ : gets_all_) = what == 5;
  }

  // The sequences that do this again, and those that end it, before which a
  // terminal may obey no others.
  std::string Sequences() const {
    return absl::StrCat(gets_all_ ? "\x1b[5i" : "",
                        gets_lines_ ? "\x1b[?5i" : "");
  }
  std::string Undo() const {
    return absl::StrCat(gets_all_ ? "\x1b[4i" : "",
                        gets_lines_ ? "\x1b[?4i" : "");
  }

 private:
  bool gets_all_ = false;    // instead of the screen
  bool gets_lines_ = false;  // a line that the cursor leaves
};

}  // namespace deptyr
