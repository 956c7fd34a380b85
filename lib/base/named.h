// A value and the name that people use for it: a line of a table of names.
#pragma once

#include "absl/strings/string_view.h"

namespace deptyr {

template <typename T>
struct Named {
  absl::string_view name;
  T value;
};

}  // namespace deptyr
