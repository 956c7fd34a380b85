#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "lib/render/render.h"

namespace deptyr {
namespace {

// The size of a character, and the margin around all, in pixels.
constexpr double kWidth = 8.4;
constexpr double kHeight = 17;
constexpr double kBaseline = 13;
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

std::string Rectangle(double x, double y, double width, uint32_t rgb) {
  return absl::StrFormat(
      "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" %s/>\n", x, y, width,
      kHeight, Fill(rgb));
}

// The attributes of a <text>, without its place.
std::string Look(const Style& style, uint32_t fg) {
  std::string out = Fill(fg);
  if (style.bold) out += " font-weight=\"bold\"";
  if (style.italic) out += " font-style=\"italic\"";
  if (style.dim) out += " fill-opacity=\"0.6\"";
  std::vector<absl::string_view> lines;
  if (style.underline != Underline::kNone) lines.push_back("underline");
  if (style.strike) lines.push_back("line-through");
  if (style.overline) lines.push_back("overline");
  if (!lines.empty()) {
    absl::StrAppend(&out, " text-decoration=\"", absl::StrJoin(lines, " "),
                    "\"");
  }
  return out;
}

class Picture {
 public:
  explicit Picture(const Screen& screen)
      : rows_(screen.Rows()), reversed_(screen.reverse_video()) {}

  std::string Draw(const Screen& screen, absl::string_view title);

 private:
  struct Colors {
    uint32_t fg;
    uint32_t bg;
  };

  Colors ColorsOf(const Style& style, bool under_cursor) const;
  void DrawRow(const std::vector<Cell>& row, size_t number, int cursor);
  void DrawRun(absl::string_view text, const Style& style, const Colors& colors,
               double x, double y, double width);

  const std::vector<Row> rows_;
  const bool reversed_;
  std::string out_;
};

Picture::Colors Picture::ColorsOf(const Style& style, bool under_cursor) const {
  Colors colors = {Rgb(style.fg, kForeground), Rgb(style.bg, kBackground)};
  if ((style.reverse != reversed_) != under_cursor) {
    std::swap(colors.fg, colors.bg);
  }
  return colors;
}

std::string Picture::Draw(const Screen& screen, absl::string_view title) {
  const double width =
      2 * kMargin + kWidth * static_cast<double>(rows_[0].cells.size());
  const double height =
      2 * kMargin + kHeight * static_cast<double>(rows_.size());
  out_ = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
      "viewBox=\"0 0 %g %g\" font-family=\"DejaVu Sans Mono, Liberation Mono, "
      "monospace\" font-size=\"14\">\n",
      width, height, width, height);
  if (!title.empty()) {
    absl::StrAppend(&out_, "<title>", Escaped(title), "</title>\n");
  }
  absl::StrAppend(&out_, "<rect width=\"100%\" height=\"100%\" ",
                  Fill(ColorsOf({}, false).bg), "/>\n");
  const Cursor cursor = screen.cursor();
  for (size_t row = 0; row < rows_.size(); ++row) {
    const bool here =
        screen.cursor_visible() && static_cast<size_t>(cursor.row) == row;
    DrawRow(rows_[row].cells, row, here ? cursor.col : -1);
  }
  return out_ + "</svg>\n";
}

// Cells that look the same are drawn at once.  Wide ones and the cursor's are
// each drawn alone, so that they are where they belong whatever the font.
void Picture::DrawRow(const std::vector<Cell>& row, size_t number, int cursor) {
  const auto at = static_cast<size_t>(cursor);
  const double y = kMargin + kHeight * static_cast<double>(number);
  for (size_t col = 0; col < row.size();) {
    const bool under_cursor =
        cursor >= 0 && (at == col || at + 1 == col + row[col].width);
    std::string text;
    row[col].AppendTo(text);
    size_t end = col + row[col].width;
    const bool alone = under_cursor || row[col].width != 1;
    while (!alone && end < row.size() && row[end].width == 1 && end != at &&
           row[end].style == row[col].style) {
      row[end++].AppendTo(text);
    }
    const Style& style = row[col].style;
    DrawRun(text, style, ColorsOf(style, under_cursor),
            kMargin + kWidth * static_cast<double>(col), y,
            kWidth * static_cast<double>(end - col));
    col = end;
  }
}

void Picture::DrawRun(absl::string_view text, const Style& style,
                      const Colors& colors, double x, double y, double width) {
  if (colors.bg != ColorsOf({}, false).bg) {
    out_ += Rectangle(x, y, width, colors.bg);
  }
  const bool lines =
      style.underline != Underline::kNone || style.strike || style.overline;
  const bool blank = text.find_first_not_of(' ') == absl::string_view::npos;
  if ((blank && !lines) || style.conceal) return;
  absl::StrAppendFormat(
      &out_,
      "<text x=\"%g\" y=\"%g\" textLength=\"%g\" "
      "lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" %s>%s</text>\n",
      x, y + kBaseline, width, Look(style, colors.fg), Escaped(text));
}

}  // namespace

std::string Svg(const Screen& screen, absl::string_view title) {
  return Picture(screen).Draw(screen, title);
}

}  // namespace deptyr
