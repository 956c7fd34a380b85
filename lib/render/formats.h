// The formats a snapshot can have.  Another one is a line in formats.cc: what
// --format takes, its help and the shells' completions follow.
//
//   for (const SnapshotFormat& format : kSnapshotFormats) {
//     if (format.name == "svg") return format.value(screen, item);
//   }
//
// Pure.
#pragma once

#include <string>

#include "lib/base/named.h"
#include "lib/term/screen.h"
#include "lib/wire/key_values.h"

namespace deptyr {

// Makes a whole file of a screen and of what head says about it, a `snapshot`
// item (lib/wire/report_fields.h).
using SnapshotRenderer = std::string (*)(const Screen& screen,
                                         const KeyValues& item);
using SnapshotFormat = Named<SnapshotRenderer>;

// The first one is the default.
extern const SnapshotFormat kSnapshotFormats[4];

}  // namespace deptyr
