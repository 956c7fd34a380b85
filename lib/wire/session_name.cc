#include "lib/wire/session_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

constexpr size_t kLongestName = 64;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("_.@:+-", absl::string_view(&c, 1));
}

}  // namespace

bool IsSessionName(absl::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' &&
         name[0] != '-' &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

std::string SessionNameFor(absl::string_view program) {
  // Without a slash that is from 0 on.
  std::string name(program.substr(program.rfind('/') + 1, kLongestName));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !IsNameCharacter(c); },
      '_');
  if (name.empty()) name = "_";
  if (name[0] == '.' || name[0] == '-') name[0] = '_';
  return name;
}

std::string NumberedName(absl::string_view name, int number) {
  const std::string suffix = absl::StrCat("-", number);
  return absl::StrCat(name.substr(0, kLongestName - suffix.size()), suffix);
}

}  // namespace deptyr
