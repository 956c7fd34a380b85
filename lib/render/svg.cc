#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

#include "lib/render/render.h"

namespace deptyr {
namespace {

// The size of a character, and the margin around all, in pixels.  At this size
// of font DejaVu Sans Mono, the first choice, has characters of this width, and
// its lines for frames are a little longer than the row.
constexpr double kWidth = 8.4;
constexpr double kHeight = 16;
constexpr double kBaseline = 13;
constexpr double kUnderline = 14.3;
constexpr double kFontSize = 13.95;
constexpr double kMargin = 8;

constexpr uint32_t kForeground = 0xd8d8d8;
constexpr uint32_t kBackground = 0x181818;

// xterm's colours.
constexpr std::array<uint32_t, 16> kPalette = {
    0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x3b78ff, 0xcd00cd,
    0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
    0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};

uint32_t Grey(uint32_t level) {
  return level << 16 | level << 8 | level;
}

// The palette has 16 colours, a cube of 6x6x6, and 24 greys.
uint32_t PaletteColor(uint32_t index) {
  if (index < 16) return kPalette[index];
  if (index >= 232) return Grey(8 + (index - 232) * 10);
  const auto level = [](uint32_t step) {
    return step % 6 == 0 ? 0 : 55 + step % 6 * 40;
  };
  index -= 16;
  return level(index / 36) << 16 | level(index / 6) << 8 | level(index);
}

uint32_t Rgb(const Color& color, uint32_t usual) {
  switch (color.kind) {
    case Color::Kind::kDefault:
      return usual;
    case Color::Kind::kIndexed:
      return PaletteColor(color.red);
    case Color::Kind::kRgb:
      break;
  }
  return uint32_t{color.red} << 16 | uint32_t{color.green} << 8 | color.blue;
}

// XML has no U+FFFE and no U+FFFF.
std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"},
                                    {"<", "&lt;"},
                                    {">", "&gt;"},
                                    {"\"", "&quot;"},
                                    {"\xef\xbf\xbe", "\xef\xbf\xbd"},
                                    {"\xef\xbf\xbf", "\xef\xbf\xbd"}});
}

std::string Fill(uint32_t rgb) {
  return absl::StrFormat("fill=\"#%06x\"", rgb);
}

// Returns the attributes of a <text>, without its place.
std::string StyleOf(const Style& style, uint32_t fg) {
  std::string out = Fill(fg);
  if (style.bold) out += " font-weight=\"bold\"";
  if (style.italic) out += " font-style=\"italic\"";
  if (style.dim) out += " fill-opacity=\"0.6\"";
  const absl::string_view strike = style.strike ? "line-through " : "";
  const absl::string_view overline = style.overline ? "overline" : "";
  if (style.strike || style.overline) {
    absl::StrAppend(&out, " text-decoration=\"", strike, overline, "\"");
  }
  return out;
}

// Draws an underline column by column: few programs draw other styles and
// colours than those of plain text where text-decoration asks for them.
std::string UnderlinePath(const Style& style, double x, double y,
                          size_t columns, uint32_t rgb) {
  constexpr const char* kColumns[] = {"",
                                      "h8.4",
                                      "m0-.7h8.4m-8.4 2h8.4m0-1.3",
                                      "q2.1-3 4.2 0t4.2 0",
                                      "h1.4m1.4 0h1.4m1.4 0h1.4m1.4 0",
                                      "h5.6m2.8 0"};
  std::string path;
  for (size_t i = 0; i < columns; ++i) {
    path += kColumns[static_cast<size_t>(style.underline)];
  }
  return absl::StrFormat(
      "<path d=\"M%g %g%s\" fill=\"none\" stroke=\"#%06x\"/>\n", x, y, path,
      rgb);
}

// Whether people expect to be able to follow such a link from a document.  With
// others (javascript:, data:) a program could act in the reader's browser.
bool MayBeFollowed(absl::string_view uri) {
  for (const char* scheme : {"http:", "https:", "mailto:", "ftp:", "file:"}) {
    if (absl::StartsWithIgnoreCase(uri, scheme)) return true;
  }
  return false;
}

// Characters of different fonts differ in width, and would shift each other if
// they were drawn at once.  So what a text font may lack (frames, Braille, ...)
// is of a kind of its own: 256 characters that are neighbours in Unicode.
int KindOf(const Cell& cell) {
  constexpr uint8_t kThreeBytes = 0xe0;
  const auto byte = [&](size_t i) {
    return static_cast<uint8_t>(cell.text[i]);
  };
  if (cell.text.empty() || byte(0) < kThreeBytes) return 0;
  return byte(0) << 8 | byte(1) >> 2;
}

struct Colors {
  uint32_t fg;
  uint32_t bg;
};

// Bold text in one of the first eight colours is bright, as in most terminals.
Colors ColorsOf(Style style, bool reversed) {
  constexpr uint8_t kBright = 8;
  if (style.bold && style.fg.kind == Color::Kind::kIndexed &&
      style.fg.red < kBright) {
    style.fg.red += kBright;
  }
  Colors colors = {Rgb(style.fg, kForeground), Rgb(style.bg, kBackground)};
  if (style.reverse != reversed) std::swap(colors.fg, colors.bg);
  return colors;
}

// Cells that look the same and are drawn at once.
struct Run {
  const Cell* first;
  Colors colors;
  std::string text;
  size_t col;
  size_t end;
};

// Wide cells and the cursor's are each drawn alone, so that they are where they
// belong whatever the font.  `cursor` is its column, or -1.
std::vector<Run> RunsOf(const Row& row, int cursor, bool reversed) {
  const std::vector<Cell>& cells = row.cells;
  const bool single = row.size == RowSize::kSingle;
  const size_t length = single ? cells.size() : cells.size() / 2;
  const auto at = static_cast<size_t>(cursor);
  std::vector<Run> runs;
  for (size_t col = 0; col < length; col = runs.back().end) {
    const Cell& first = cells[col];
    Run& run = runs.emplace_back(Run{&first, ColorsOf(first.style, reversed),
                                     "", col, col + first.width});
    first.AppendTo(run.text);
    if (cursor >= 0 && (at == col || at + 1 == run.end)) {
      std::swap(run.colors.fg, run.colors.bg);
      continue;
    }
    const auto joins = [&](const Cell& cell) {
      return first.width == 1 && cell.width == 1 && cell.style == first.style &&
             cell.link == first.link && KindOf(cell) == KindOf(first);
    };
    while (run.end < length && run.end != at && joins(cells[run.end])) {
      cells[run.end++].AppendTo(run.text);
    }
  }
  return runs;
}

// Backgrounds of one colour are one rectangle.  It goes on beneath the next
// one's first cells, so that there is no gap between them.
std::string Backgrounds(const std::vector<Run>& runs, double y,
                        double cell_width, uint32_t usual) {
  std::string out;
  for (size_t i = 0; i < runs.size();) {
    const Run& first = runs[i];
    while (i < runs.size() && runs[i].colors.bg == first.colors.bg) ++i;
    if (first.colors.bg == usual) continue;
    const bool ends = i == runs.size() || runs[i].colors.bg == usual;
    const size_t end = runs[ends ? i - 1 : i].end;
    absl::StrAppendFormat(
        &out, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" %s/>\n",
        kMargin + cell_width * static_cast<double>(first.col), y,
        cell_width * static_cast<double>(end - first.col), kHeight,
        Fill(first.colors.bg));
  }
  return out;
}

std::string TextOf(const Run& run, double y) {
  std::string out;
  const Style& style = run.first->style;
  if (style.conceal) return out;
  const double x = kMargin + kWidth * static_cast<double>(run.col);
  const size_t columns = run.end - run.col;
  if (style.underline != Underline::kNone) {
    out = UnderlinePath(style, x, y + kUnderline, columns,
                        Rgb(style.line, run.colors.fg));
  }
  const bool blank = run.text.find_first_not_of(' ') == std::string::npos;
  if (blank && !style.strike && !style.overline) return out;
  const absl::string_view uri = UriOf(*run.first);
  const bool leads = MayBeFollowed(uri);
  if (leads) absl::StrAppend(&out, "<a href=\"", Escaped(uri), "\">");
  absl::StrAppendFormat(
      &out,
      "<text x=\"%g\" y=\"%g\" textLength=\"%g\" "
      "lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" %s>%s</text>%s",
      x, y + kBaseline, kWidth * static_cast<double>(columns),
      StyleOf(style, run.colors.fg), Escaped(run.text),
      leads ? "</a>\n" : "\n");
  return out;
}

// Larger characters are drawn as usual, in a picture that is stretched.
std::string TextsOf(const std::vector<Run>& runs, const Row& row, double y) {
  std::string out;
  for (const Run& run : runs) out += TextOf(run, y);
  if (row.size == RowSize::kSingle) return out;
  const double width = kWidth * static_cast<double>(row.cells.size());
  const double height = row.size == RowSize::kWide ? kHeight : kHeight / 2;
  const double top = row.size == RowSize::kLowerHalf ? y + height : y;
  return absl::StrFormat(
      "<svg x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" viewBox=\"%g %g %g "
      "%g\" preserveAspectRatio=\"none\">\n%s</svg>\n",
      kMargin, y, width, kHeight, kMargin, top, width / 2, height, out);
}

}  // namespace

// All backgrounds are beneath all text, because a slanted letter or an emoji
// may reach into the next cell.  Their edges aren't smoothed, or there would
// be a thin line between neighbours.
std::string Svg(const Screen& screen, absl::string_view title) {
  const bool reversed = screen.reverse_video();
  const uint32_t usual = ColorsOf({}, reversed).bg;
  const Cursor cursor = screen.cursor();
  std::string backgrounds;
  std::string texts;
  int number = 0;
  for (const Row& row : screen.Rows()) {
    const bool here = screen.cursor_visible() && cursor.row == number;
    const std::vector<Run> runs = RunsOf(row, here ? cursor.col : -1, reversed);
    const double y = kMargin + kHeight * number++;
    const bool single = row.size == RowSize::kSingle;
    backgrounds += Backgrounds(runs, y, single ? kWidth : 2 * kWidth, usual);
    texts += TextsOf(runs, row, y);
  }
  const double width = 2 * kMargin + kWidth * screen.cols();
  const double height = 2 * kMargin + kHeight * screen.rows();
  std::string out = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
      "viewBox=\"0 0 %g %g\" font-family=\"DejaVu Sans Mono, Liberation Mono, "
      "monospace\" font-size=\"%g\">\n",
      width, height, width, height, kFontSize);
  if (!title.empty()) {
    absl::StrAppend(&out, "<title>", Escaped(title), "</title>\n");
  }
  absl::StrAppend(&out, "<rect width=\"100%\" height=\"100%\" ", Fill(usual),
                  "/>\n<g shape-rendering=\"crispEdges\">\n", backgrounds,
                  "</g>\n", texts, "</svg>\n");
  return out;
}

}  // namespace deptyr
