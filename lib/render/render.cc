#include "lib/render/render.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace deptyr {
namespace {

std::string NameOf(const Color& color) {
  switch (color.kind) {
    case Color::Kind::kDefault:
      return "";
    case Color::Kind::kIndexed:
      return absl::StrCat(int{color.red});
    case Color::Kind::kRgb:
      break;
  }
  return absl::StrFormat("#%02x%02x%02x", color.red, color.green, color.blue);
}

std::vector<std::string> AttributesOf(const Style& style) {
  const std::pair<bool, const char*> all[] = {
      {style.bold, "bold"},
      {style.dim, "dim"},
      {style.italic, "italic"},
      {style.underline == Underline::kSingle, "underline"},
      {style.underline == Underline::kDouble, "double-underline"},
      {style.underline == Underline::kCurly, "curly-underline"},
      {style.blink, "blink"},
      {style.reverse, "reverse"},
      {style.conceal, "conceal"},
      {style.strike, "strike"},
      {style.overline, "overline"},
  };
  std::vector<std::string> names;
  for (const auto& [on, name] : all) {
    if (on) names.emplace_back(name);
  }
  return names;
}

std::string TextOf(const Row& row) {
  std::string text;
  for (const Cell& cell : row) cell.AppendTo(text);
  text.resize(text.find_last_not_of(' ') + 1);
  return text;
}

std::vector<TextRun> RunsOf(const Row& row) {
  size_t length = row.size();
  while (length > 0 && row[length - 1].width == 1 && row[length - 1].blank() &&
         row[length - 1].style == Style{}) {
    --length;
  }
  std::vector<TextRun> runs;
  for (size_t col = 0; col < length; ++col) {
    const Style& style = row[col].style;
    if (col == 0 || style != row[col - 1].style) {
      runs.push_back(
          {"", NameOf(style.fg), NameOf(style.bg), AttributesOf(style)});
    }
    row[col].AppendTo(runs.back().text);
  }
  return runs;
}

}  // namespace

std::string Text(const Screen& screen) {
  std::string text;
  size_t used = 0;
  for (const Row& row : screen.Rows()) {
    text += TextOf(row);
    if (!text.empty() && text.back() != '\n') used = text.size() + 1;
    text += '\n';
  }
  text.resize(used);
  return text;
}

std::vector<std::vector<TextRun>> Runs(const Screen& screen) {
  std::vector<std::vector<TextRun>> rows;
  for (const Row& row : screen.Rows()) rows.push_back(RunsOf(row));
  return rows;
}

}  // namespace deptyr
