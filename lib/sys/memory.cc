#include "lib/sys/memory.h"

#include <malloc.h>

namespace deptyr {

void MapLargeBlocks() {
  (void)::mallopt(M_MMAP_THRESHOLD, 16 << 10);
}

void ReturnFreeMemory() {
  (void)::malloc_trim(0);
}

}  // namespace deptyr
