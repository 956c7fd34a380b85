// The text in a terminal's stream, for people and programs that read it as
// text: a history, or the line that is waited for.
//
//   PlainText plain(80);
//   out += plain.Feed(bytes);  // however the stream is cut
//   out += plain.Flush();
//
// A line is what the terminal showed when the cursor left it: what was written
// over or erased is gone, and tabs and other gaps are blanks.  The cursor
// leaves a line by going to another one, in whatever way; a line that only
// wrapped goes on.  So what a program draws on a whole screen comes in the
// order in which it was drawn.  Bytes that aren't UTF-8 become U+FFFD.  Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/term/screen.h"
#include "lib/term/sequence.h"

namespace deptyr {

class PlainText {
 public:
  // Lines wrap after so many columns.
  explicit PlainText(int cols = 80);
  void SetCols(int cols);

  // Returns the lines that the cursor has left, each with an LF, and of a long
  // line the rows that have wrapped.
  std::string Feed(absl::string_view bytes);
  // The row with the cursor, as it stands.
  std::string row() const { return TextOf(0); }
  // Call it at the end of the stream.  Returns the rest of the last line.
  std::string Flush();

 private:
  void Take(absl::string_view bytes, std::string& out);
  void LeaveLine(std::string& out);
  void Collect(std::string& out);
  std::string TextOf(int row) const;

  // Finds the sequences that leave the line.
  SequenceParser parser_;
  // It has one row, so that all others have left it.
  Screen screen_;
};

}  // namespace deptyr
