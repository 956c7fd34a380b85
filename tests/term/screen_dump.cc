// Prints what deptyr's model of a terminal shows after a stream was written to
// it, as one JSON object on one line.
//
//   screen-dump ROWS COLS [--resize ROWSxCOLS@OFFSET]... < STREAM
//
// tests/term/differential compares it with real terminals.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"
#include "lib/term/cell.h"
#include "lib/term/digest.h"
#include "lib/term/modes.h"
#include "lib/term/screen.h"
#include "lib/term/style.h"

#include <nlohmann/json.hpp>

namespace {

using deptyr::Cell;
using deptyr::Color;
using deptyr::Digest;
using deptyr::Screen;
using deptyr::Style;
using deptyr::Underline;
using deptyr::WindowSize;
using nlohmann::json;

struct Resize {
  size_t offset;
  WindowSize size;
};

// "" is the usual colour, "12" one of the palette, "1:2:3" red, green, blue.
std::string Said(const Color& color) {
  switch (color.kind) {
    case Color::Kind::kDefault:
      return "";
    case Color::Kind::kIndexed:
      return absl::StrCat(color.red);
    case Color::Kind::kRgb:
      return absl::StrCat(color.red, ":", color.green, ":", color.blue);
  }
  return "";
}

json Attributes(const Style& style) {
  json names = json::array();
  const auto add = [&](bool is, const char* name) {
    if (is) names.push_back(name);
  };
  add(style.bold, "bold");
  add(style.dim, "dim");
  add(style.italic, "italic");
  add(style.underline == Underline::kSingle, "underline");
  add(style.underline == Underline::kDouble, "double");
  add(style.underline == Underline::kCurly, "curly");
  add(style.underline == Underline::kDotted, "dotted");
  add(style.underline == Underline::kDashed, "dashed");
  add(style.blink, "blink");
  add(style.reverse, "reverse");
  add(style.conceal, "conceal");
  add(style.strike, "strike");
  add(style.overline, "overline");
  return names;
}

json ToJson(const Cell& cell) {
  std::string text;
  if (!cell.erased()) cell.AppendTo(text);
  return {{"text", text},
          {"width", cell.width},
          {"attributes", Attributes(cell.style)},
          {"fg", Said(cell.style.fg)},
          {"bg", Said(cell.style.bg)}};
}

json ToJson(const Screen& screen, const Digest& digest) {
  json rows = json::array();
  json wrapped = json::array();
  for (const deptyr::Row& row : screen.Rows()) {
    json cells = json::array();
    for (const Cell& cell : row.cells) cells.push_back(ToJson(cell));
    rows.push_back(std::move(cells));
    wrapped.push_back(row.wraps);
  }
  const deptyr::Cursor cursor = screen.cursor();
  const deptyr::Modes& modes = digest.modes();
  return {{"rows", screen.size().rows},
          {"cols", screen.size().cols},
          {"cells", std::move(rows)},
          {"wrapped", std::move(wrapped)},
          {"cursor", {cursor.row, cursor.col, cursor.wraps}},
          // By their numbers, those of DEC's with a question mark.
          {"modes",
           {{"?5", screen.reverse_video()},
            {"?6", modes.origin()},
            {"?7", modes.autowrap()},
            {"?45", modes.reverse_wrap()},
            {"?69", modes.has_margins()},
            {"?25", screen.cursor_visible()},
            {"?47", screen.alternate_screen()},
            {"4", modes.insert()},
            {"20", modes.new_line()}}}};
}

bool ParseSize(const char* rows, const char* cols, WindowSize& size) {
  const int r = std::atoi(rows);
  const int c = std::atoi(cols);
  if (r < 1 || r > UINT16_MAX || c < 1 || c > UINT16_MAX) return false;
  size.rows = static_cast<uint16_t>(r);
  size.cols = static_cast<uint16_t>(c);
  return true;
}

int Usage() {
  std::cerr << "usage: screen-dump ROWS COLS [--resize ROWSxCOLS@OFFSET]...\n";
  return 64;
}

}  // namespace

int main(int argc, char** argv) {
  WindowSize size;
  if (argc < 3 || !ParseSize(argv[1], argv[2], size)) return Usage();
  std::vector<Resize> resizes;
  for (int i = 3; i < argc; i += 2) {
    int rows = 0;
    int cols = 0;
    Resize resize;
    if (argv[i] != absl::string_view("--resize") || i + 1 == argc ||
        std::sscanf(argv[i + 1], "%dx%d@%zu", &rows, &cols, &resize.offset) !=
            3) {
      return Usage();
    }
    resize.size.rows = static_cast<uint16_t>(rows);
    resize.size.cols = static_cast<uint16_t>(cols);
    resizes.push_back(resize);
  }
  const std::string stream{std::istreambuf_iterator<char>(std::cin), {}};

  Screen screen(size);
  Digest digest;
  size_t at = 0;
  const auto write = [&](size_t end) {
    if (end > stream.size()) end = stream.size();
    if (end <= at) return;
    const auto part = absl::string_view(stream).substr(at, end - at);
    screen.Write(part);
    digest.Scan(part);
    at = end;
  };
  for (const Resize& resize : resizes) {
    write(resize.offset);
    screen.Resize(resize.size);
    digest.Resized();
  }
  write(stream.size());

  std::cout << ToJson(screen, digest)
                   .dump(-1, ' ', false, json::error_handler_t::replace)
            << "\n";
}
