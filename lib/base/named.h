// A value and the name that people use for it: a line of a table of names.
//
//   constexpr Named<bool> kBooleans[] = {{"no", false}, {"yes", true}};
//   ValueNamed(kBooleans, "yes");   // true
//   NameIn(kBooleans, false);       // "no"
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"

namespace deptyr {

template <typename T>
struct Named {
  absl::string_view name;
  T value;
};

template <typename T, size_t size>
std::optional<T> ValueNamed(const Named<T> (&table)[size],
                            absl::string_view name) {
  for (const Named<T>& line : table) {
    if (line.name == name) return line.value;
  }
  return std::nullopt;
}

// Returns "" for a value that isn't in the table.
template <typename T, size_t size>
absl::string_view NameIn(const Named<T> (&table)[size], T value) {
  for (const Named<T>& line : table) {
    if (line.value == value) return line.name;
  }
  return "";
}

template <typename T, size_t size>
std::vector<absl::string_view> NamesOf(const Named<T> (&table)[size]) {
  std::vector<absl::string_view> names;
  for (const Named<T>& line : table) names.push_back(line.name);
  return names;
}

}  // namespace deptyr
