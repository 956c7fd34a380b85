#include "lib/render/formats.h"

#include "lib/render/json.h"
#include "lib/render/render.h"

namespace deptyr {

const SnapshotFormat kSnapshotFormats[] = {
    {"text",
     [](const Screen& screen, const KeyValues&) { return Text(screen); }},
    {"ansi",
     [](const Screen& screen, const KeyValues&) { return Ansi(screen); }},
    {"svg",
     [](const Screen& screen, const KeyValues& item) {
       return Svg(screen, ValueOf(item, "title"));
     }},
    {"json", SnapshotJson}};

}  // namespace deptyr
