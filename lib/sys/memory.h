// The memory that malloc(3) holds for us.
#pragma once

namespace deptyr {

// From now on blocks of 16 KiB and more are mapped each by itself (mallopt(3)),
// so that they go back to the kernel when they are freed, instead of leaving
// holes between small ones that stay.
void MapLargeBlocks();

// Gives back what is free in the heap (malloc_trim(3)).
void ReturnFreeMemory();

}  // namespace deptyr
