#include "lib/render/formats.h"

#include "lib/render/json.h"
#include "lib/render/render.h"

namespace deptyr {
namespace {

std::string PlainSnapshot(const Screen& screen, const KeyValues&) {
  return Text(screen);
}

std::string AnsiSnapshot(const Screen& screen, const KeyValues&) {
  return Ansi(screen);
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
