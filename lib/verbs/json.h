// What head says, as JSON: numbers are numbers, flags true or false, times
// seconds since 1970 (null for "not yet"), a program's words an array; a dash
// in a key is an underscore.  What isn't UTF-8 becomes U+FFFD.  Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/window_size.h"
#include "lib/wire/key_values.h"

namespace deptyr {

// One line, without its end.
std::string ItemJson(const KeyValues& item);
// An array of objects.
std::string ItemsJson(const std::vector<KeyValues>& items);
// The session, and in it `attached` and `incarnations`.
std::string StatusJson(const std::vector<KeyValues>& items);
// Head itself, and in it `users`.
std::string HeadJson(const std::vector<KeyValues>& items);

// A screen: what head says of it, where its cursor is, and its lines.
struct ScreenText {
  int cursor_row = 0;
  int cursor_col = 0;
  bool cursor_visible = true;
  bool alternate_screen = false;
  std::vector<std::string> lines;
};
std::string SnapshotJson(const KeyValues& item, const ScreenText& screen);

// The lines of an asciicast v2 file, without their ends.
std::string CastHeaderJson(WindowSize size, absl::Time start,
                           absl::string_view title);
std::string CastEventJson(absl::Duration since_start, char kind,
                          absl::string_view text);

}  // namespace deptyr
