// What head reports, as JSON: each field as its type says
// (lib/wire/report_fields.h), with underscores for the dashes of its name.
// Times are seconds since 1970, null for "not yet".  What isn't UTF-8 becomes
// U+FFFD, and what a terminal would act on is escaped.
//
//   ItemJson({{"item", "client"}, {"pid", "7"}})   // {"pid":7}
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/window_size.h"
#include "lib/term/screen.h"
#include "lib/wire/key_values.h"

namespace deptyr {

// One line, without a newline.
std::string ItemJson(const KeyValues& item);
// An array of objects.
std::string ItemsJson(const std::vector<KeyValues>& items);
// The session, and in it `attached` and `incarnations`.
std::string StatusJson(const std::vector<KeyValues>& items);
// Head itself, and in it `users`.
std::string HeadJson(const std::vector<KeyValues>& items);

// The item, where the cursor is, and the lines; with a newline at the end.
std::string SnapshotJson(const Screen& screen, const KeyValues& item);

// The lines of an asciicast v2 file, without newlines.
std::string CastHeaderJson(WindowSize size, absl::Time start,
                           absl::string_view title);
std::string CastEventJson(absl::Duration since_start, char kind,
                          absl::string_view text);

}  // namespace deptyr
