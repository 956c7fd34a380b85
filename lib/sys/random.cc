#include "lib/sys/random.h"

#include <sys/random.h>

namespace deptyr {

uint64_t RandomNumber() {
  uint64_t number = 0;
  // So few bytes come whole, but for a signal before the first.
  while (number == 0) (void)!::getrandom(&number, sizeof number, 0);
  return number;
}

}  // namespace deptyr
