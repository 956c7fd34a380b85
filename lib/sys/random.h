#pragma once

#include <sys/random.h>

#include <cstdint>

namespace deptyr {

// Returns a number that nobody can guess (getrandom(2)) and that is never 0.
inline uint64_t RandomNumber() {
  uint64_t number = 0;
  // So few bytes are never cut short; only a signal before the first one can
  // end the call.
  while (number == 0) (void)!::getrandom(&number, sizeof number, 0);
  return number;
}

}  // namespace deptyr
