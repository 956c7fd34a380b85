// Types any bytes into a program's terminal so that the program reads these
// very bytes, as from a pipe, and an end of file after them.
//
//   ASSIGN_OR_RETURN(Pty pty, OpenPty({}));
//   RETURN_IF_ERROR(MakeTransparent(pty.terminal.get()));
//   LineInput input(pty.controller.get());
//   const std::string to_write = input.Quote("any bytes") + input.End();
//
// A terminal that takes lines (ICANON, termios(3)) has characters that mean
// something else, and it drops what goes beyond 4,095 bytes of a line.  So such
// characters are quoted (VLNEXT), and long lines are given to the program piece
// by piece (VEOF).  A terminal that takes characters is given the bytes as they
// are.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// Makes a PTY's client end pass bytes on unchanged, both ways: it doesn't echo,
// and changes no end of a line.  It takes lines, so that there is an end of
// file.
absl::Status MakeTransparent(int terminal);

class LineInput {
 public:
  // `controller` stays the caller's.
  explicit LineInput(int controller) : controller_(controller) {}

  // Returns the bytes to write to the controlling end so that the program reads
  // these, under the settings that its terminal has now.
  std::string Quote(absl::string_view bytes);
  // Does the same for an end of file.  It ends one read(2) of the program, so
  // it may be needed again.
  std::string End();

 private:
  const int controller_;
  size_t unfinished_ = 0;  // bytes of the line that the terminal waits to end
};

// Whether the program's terminal takes lines, and has none that wasn't read.
// `terminal` is its client end.
bool AwaitsLine(int terminal);

}  // namespace deptyr
