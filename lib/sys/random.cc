#include "lib/sys/random.h"

#include <sys/random.h>

namespace deptyr {

uint64_t RandomNumber() {
  uint64_t number = 0;
  // So few bytes are never cut short; only a signal before the first one can
  // end the call (getrandom(2)).
  while (number == 0) (void)!::getrandom(&number, sizeof number, 0);
  return number;
}

}  // namespace deptyr
