#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/render/render.h"
#include "lib/term/painter.h"

namespace deptyr {
namespace {

std::string Joined(std::vector<std::string> lines) {
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

// Returns what the program wrote after "8;": "PARAMETERS;URI".
absl::string_view LinkOf(const Cell& cell) {
  return IsPrintable(cell.link) ? absl::string_view(cell.link) : "";
}

// Puts the sequences that begin and end a link next to its characters.
void WriteLinks(std::vector<Cell>& cells) {
  for (size_t i = 0; i < cells.size(); ++i) {
    Cell& cell = cells[i];
    if (LinkOf(cell).empty()) continue;
    std::string text;
    if (i == 0 || cells[i - 1].link != cell.link) {
      text = absl::StrCat("\x1b]8;", cell.link, "\x1b\\");
    }
    cell.AppendTo(text);
    if (i + 1 == cells.size() || cells[i + 1].link != cell.link) {
      text += "\x1b]8;;\x1b\\";
    }
    cell.text = text;
  }
}

}  // namespace

absl::string_view UriOf(const Cell& cell) {
  const absl::string_view link = LinkOf(cell);
  return link.substr(std::min(link.find(';') + 1, link.size()));
}

std::string Text(const Screen& screen) {
  std::vector<std::string> lines;
  for (const Row& row : screen.Rows()) {
    std::string& line = lines.emplace_back();
    for (const Cell& cell : row.cells) cell.AppendTo(line);
    line.resize(line.find_last_not_of(' ') + 1);
  }
  return Joined(std::move(lines));
}

std::string Ansi(const Screen& screen) {
  std::vector<std::string> lines;
  Row line;
  for (Row& row : screen.Rows()) {
    // A wide character that didn't fit has left the last column empty.
    const bool wide = row.cells[0].width == 2;
    if (wide && !line.cells.empty() && line.cells.back().erased()) {
      line.cells.pop_back();
    }
    std::move(row.cells.begin(), row.cells.end(),
              std::back_inserter(line.cells));
    if (row.wraps) continue;
    WriteLinks(line.cells);
    lines.push_back(PaintLine(line));
    line.cells.clear();
  }
  return Joined(std::move(lines));
}

// FNV-1a, which is the same everywhere.
uint64_t Fingerprint(const Screen& screen) {
  constexpr uint64_t kBasis = 0xcbf29ce484222325;
  constexpr uint64_t kPrime = 0x100000001b3;
  const Cursor cursor = screen.cursor();
  uint64_t hash = kBasis;
  for (const char c :
       absl::StrCat(Ansi(screen), cursor.row, " ", cursor.col, " ",
                    screen.cursor_visible(), screen.reverse_video(),
                    screen.alternate_screen())) {
    hash = (hash ^ static_cast<uint8_t>(c)) * kPrime;
  }
  return hash;
}

}  // namespace deptyr
