#include "lib/render/formats.h"

#include "lib/render/json.h"
#include "lib/render/render.h"
#include "lib/term/paint_row.h"

namespace deptyr {
namespace {

std::string PlainSnapshot(const Screen& screen, const KeyValues&) {
  return Text(screen);
}

// Lines with their colours and attributes, without the empty ones at the end.
std::string AnsiSnapshot(const Screen& screen, const KeyValues&) {
  std::string text;
  size_t filled = 0;
  for (const Row& row : screen.Rows()) {
    const std::string line = PaintLine(row);
    text += line + "\n";
    if (!line.empty()) filled = text.size();
  }
  text.resize(filled);
  return text;
}

std::string SvgSnapshot(const Screen& screen, const KeyValues& item) {
  return Svg(screen, ValueOf(item, "title"));
}

}  // namespace

const SnapshotFormat kSnapshotFormats[] = {{"text", PlainSnapshot},
                                           {"ansi", AnsiSnapshot},
                                           {"svg", SvgSnapshot},
                                           {"json", SnapshotJson}};

}  // namespace deptyr
