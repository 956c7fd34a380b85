// What a screen shows, as a file by itself: text, text with colours, a picture.
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

// The rows as lines, each ending in a LF, without the blanks at their ends and
// the empty lines at the end.
std::string Text(const Screen& screen);

// The same with SGR sequences for colours and attributes; a coloured blank
// isn't blank, and each line ends in the usual style.
std::string Ansi(const Screen& screen);

// An SVG document.  `title` is UTF-8 without controls, as Modes::title().
std::string Svg(const Screen& screen, absl::string_view title = "");

}  // namespace deptyr
