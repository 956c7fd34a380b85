// Controls the memory that malloc(3) holds for us.
#pragma once

#include <malloc.h>

namespace deptyr {

// Makes malloc map each block of 16 KiB or more by itself (mallopt(3)), so that
// it goes back to the kernel when it is freed, instead of leaving a hole
// between small blocks that stay.
inline void MapLargeBlocks() {
  (void)::mallopt(M_MMAP_THRESHOLD, 16 << 10);
}

// Gives free memory in the heap back to the kernel (malloc_trim(3)).
inline void ReturnFreeMemory() {
  (void)::malloc_trim(0);
}

}  // namespace deptyr
