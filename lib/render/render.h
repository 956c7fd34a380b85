// A screen as text, as runs of characters that look the same, as a picture.
// (As escape sequences: Screen::Paint().)  Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/term/screen.h"

namespace deptyr {

// The rows, each ending in a LF, without the blanks at their ends and the empty
// rows at the end.
std::string Text(const Screen& screen);

// Characters of a row that look the same.
struct TextRun {
  std::string text;
  std::string fg;  // "" the usual one, "0" to "255" of the palette, "#rrggbb"
  std::string bg;
  std::vector<std::string> attributes;  // "bold", "underline", "curly", ...

  bool operator==(const TextRun&) const = default;
};

// Row by row; what has no colour and no text at a row's end isn't there.
std::vector<std::vector<TextRun>> Runs(const Screen& screen);

// A picture, by itself a file: an XML document.  `title` is UTF-8 without
// controls, as Digest::title().
std::string Svg(const Screen& screen, absl::string_view title = "");

}  // namespace deptyr
