// Makes a file of what a screen shows: text, text with colours, or a picture.
// Each format is a function.
//
//   Screen screen({24, 80});
//   screen.Write(bytes);
//   std::string text = Text(screen);
//
// Pure.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/term/screen.h"

namespace deptyr {

// Returns the rows as lines, each ending in an LF, without the blanks at their
// ends and the empty lines at the end.  A line that was wrapped stays as many
// lines as it has rows, so that a reader can count columns.
std::string Text(const Screen& screen);

// Returns the same with sequences for colours, attributes (SGR) and links
// (OSC 8); a coloured blank isn't blank, and each line ends in the usual style.
// A line that was wrapped is one line, which the reader's terminal wraps.
std::string Ansi(const Screen& screen);

// Returns an SVG document.  `title` is UTF-8 without controls, as
// Modes::title().
std::string Svg(const Screen& screen, absl::string_view title = "");

// Returns a number that stays the same as long as the screen shows the same:
// text, colours, attributes, links, and the cursor.  It is the same in every
// process.
uint64_t Fingerprint(const Screen& screen);

// Where the cell's link leads; "" if nowhere, or if that isn't printable.
absl::string_view UriOf(const Cell& cell);

}  // namespace deptyr
