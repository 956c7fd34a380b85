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
#include <cstddef>
#include <tuple>
#include <utility>

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

// Calls each(name, field of the first, field of the next, ...) for one field
// after the other.  All objects have the same type.
template <typename Each, typename First, typename... Others>
void ForEachField(Each&& each, First& first, Others&... others) {
  absl::string_view names = First::kFieldNames;
  const auto next_name = [&names] {
    const absl::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(names.size(), name.size() + 2));
    return name;
  };
  using Tuple = decltype(First::Fields(first));
  [&]<size_t... i>(std::index_sequence<i...>) {
    const auto call = [&]<size_t at>() {
      each(next_name(), std::get<at>(First::Fields(first)),
           std::get<at>(First::Fields(others))...);
    };
    (call.template operator()<i>(), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<Tuple>>());
}

}  // namespace deptyr
