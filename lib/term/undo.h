// Undo knows what a stream has done to the terminal that it was written to, and
// takes just that back: modes, keyboard flags, colours, titles, links, on the
// screen where they are on.  Terminals that know little (minicom, dvtm, the
// Linux console) show or obey what they should skip, so nothing is reset that
// was never set.
//
//   Undo undo;
//   undo.Note(bytes);  // all that is written, however it is cut
//   std::string out = undo.Sequences(/*cols=*/80);
//   undo.Note(out);    // now there is nothing to undo
//
// The window's title was somebody else's before.  To have it back, write
// kKeepTitle first.  Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/term/digest.h"

namespace deptyr {

// XTPUSHTITLE (xterm's "ctlseqs").  Terminals without a stack of titles skip
// it.
inline constexpr char kKeepTitle[] = "\x1b[22;0t";

class Undo {
 public:
  void Note(absl::string_view bytes);
  // Ends a sequence that isn't whole, and takes back what was done, on a
  // terminal that is `cols` wide.  The cursor stays where it is; if that can't
  // be, it goes to the beginning of the last row.
  std::string Sequences(int cols) const;
  // Does to another Undo what was done to this one.
  std::string Redo() const;
  // Whether the terminal may still send something that nobody typed: reports
  // are on, or it was asked something.
  bool expects_input() const {
    return digest_.modes().reports() || digest_.last_query() > 0;
  }

 private:
  Digest digest_;
};

}  // namespace deptyr
