#include "absl/functional/function_ref.h"

#include "lib/render/render.h"
#include "lib/term/painter.h"

namespace deptyr {
namespace {

std::string Lines(const Screen& screen,
                  absl::FunctionRef<std::string(const Row&)> to_line) {
  std::string text;
  size_t filled = 0;
  for (const Row& row : screen.Rows()) {
    const std::string line = to_line(row);
    text += line + "\n";
    if (!line.empty()) filled = text.size();
  }
  text.resize(filled);
  return text;
}

}  // namespace

std::string Text(const Screen& screen) {
  return Lines(screen, [](const Row& row) {
    std::string line;
    for (const Cell& cell : row.cells) cell.AppendTo(line);
    line.resize(line.find_last_not_of(' ') + 1);
    return line;
  });
}

std::string Ansi(const Screen& screen) {
  return Lines(screen, PaintLine);
}

}  // namespace deptyr
