// Numbers that nobody has had before.
#pragma once

#include <cstdint>

namespace deptyr {

// Of getrandom(2); never 0.
uint64_t RandomNumber();

}  // namespace deptyr
