// Writes what head reports as JSON: each field as its type says
// (lib/wire/report_fields.h), with underscores for the dashes of its name.  A
// time is text in the form of ISO 8601, to the second and in UTC, and, as
// NAME_ms, milliseconds since 1970; both are null for "not yet".  Bytes that
// aren't UTF-8 become U+FFFD, and characters that a terminal would act on are
// escaped.  docs/json.md describes all of it.
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
// An object with one member, an array of objects.
std::string ItemsJson(const std::string& name,
                      const std::vector<KeyValues>& items);
// One line, without a newline.  A message says what failed, and mostly, after
// a semicolon, what to do about it.
std::string ErrorJson(absl::string_view message, int exit_status);
// An object for the session, with `attached` and `incarnations` in it.
std::string StatusJson(const std::vector<KeyValues>& items);
// An object for head itself, with `users` in it.
std::string HeadJson(const std::vector<KeyValues>& items);

// An object for a router, with its `clients` in it.
std::string RouterJson(const std::vector<KeyValues>& items);

// The item, where the cursor is, the lines, and the cells with their styles
// (deptyr-snapshot(1)); this ends in a newline.
std::string SnapshotJson(const Screen& screen, const KeyValues& item);

// The lines of an asciicast file, without newlines.  In version 2 an event has
// the time since the beginning, in version 3 that since the event before.
enum class CastVersion { k2 = 2, k3 = 3 };
std::string CastHeaderJson(CastVersion version, WindowSize size,
                           absl::Time start, absl::string_view title);
std::string CastEventJson(absl::Duration time, char kind,
                          absl::string_view text);

}  // namespace deptyr
