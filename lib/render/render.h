// Makes a file of what a screen shows: text, text with colours, or a picture.
// Each format is a function.
//
//   Screen screen({24, 80});
//   screen.Write(bytes);
//   std::string text = Text(screen);
//
// Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/term/screen.h"

namespace deptyr {

// Returns the rows as lines, each ending in an LF, without the blanks at their
// ends and the empty lines at the end.
std::string Text(const Screen& screen);

// Returns the same with SGR sequences for colours and attributes; a coloured
// blank isn't blank, and each line ends in the usual style.
std::string Ansi(const Screen& screen);

// Returns an SVG document.  `title` is UTF-8 without controls, as
// Modes::title().
std::string Svg(const Screen& screen, absl::string_view title = "");

}  // namespace deptyr
