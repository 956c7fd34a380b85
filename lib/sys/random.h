// Makes numbers that nobody can guess.
#pragma once

#include <cstdint>

namespace deptyr {

// Returns a number from getrandom(2) that is never 0.
uint64_t RandomNumber();

}  // namespace deptyr
