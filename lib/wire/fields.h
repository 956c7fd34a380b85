// The fields of a structure, listed once.  Whatever is to be done with each of
// them (encode, decode, compare with the documentation) goes over that list:
//
//   struct Resize {
//     uint16_t rows = 0;
//     uint16_t cols = 0;
//     DEPTYR_FIELDS(rows, cols)
//   };
//   Resize resize;
//   ForEachField([](absl::string_view name, auto& field) { field = 1; },
//                resize);
//
// A list that lacks a member doesn't compile.  Its order has to be that of the
// declarations, and the names are those on the wire: a member that is renamed
// or moved changes a format.  Pure.
#pragma once

#include <algorithm>
#include <tuple>

#include "absl/strings/string_view.h"

#define DEPTYR_FIELDS(...)                            \
  static constexpr char kFieldNames[] = #__VA_ARGS__; \
  static auto Fields(auto& object) {                  \
    auto& [__VA_ARGS__] = object;                     \
    return std::tie(__VA_ARGS__);                     \
  }

namespace deptyr {

template <typename T>
concept HasFields = requires {
  T::kFieldNames;
};

// Calls each(name, field) for one field after the other.
template <HasFields T>
void ForEachField(auto&& each, T& object) {
  absl::string_view names = T::kFieldNames;
  const auto visit = [&](auto& field) {
    const absl::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(names.size(), name.size() + 2));
    each(name, field);
  };
  std::apply([&](auto&... field) { (visit(field), ...); }, T::Fields(object));
}

template <HasFields T>
bool operator==(const T& a, const T& b) {
  return T::Fields(a) == T::Fields(b);
}

}  // namespace deptyr
