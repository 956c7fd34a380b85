// How much memory a screen takes.

#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include <gtest/gtest.h>

#include "lib/term/grid.h"
#include "lib/term/screen.h"
#include "tests/term/everything.h"

namespace {

// Bytes that are allocated and not freed yet.
size_t in_use = 0;

void Free(void* memory) {
  in_use -= ::malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

// These replace those of the library in all of this program.
void* operator new(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  in_use += ::malloc_usable_size(memory);
  return memory;
}
void operator delete(void* memory) noexcept {
  Free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  Free(memory);
}

namespace deptyr {
namespace {

constexpr WindowSize kSize{24, 80};

size_t MemoryAfter(absl::string_view bytes) {
  const size_t before = in_use;
  const auto screen = std::make_unique<Screen>(kSize);
  screen->Write(bytes);
  return in_use - before;
}

TEST(MemoryTest, ACellTakesEightBytes) {
  EXPECT_EQ(sizeof(GridCell), 8U);
  const auto of_cells = [](size_t rows) {
    const size_t before = in_use;
    const Grid grid(static_cast<int>(rows), 80, /*history=*/0);
    return in_use - before;
  };
  // A row has a few bytes of its own.
  EXPECT_LT(of_cells(1000) - of_cells(500), 500 * (80 * 8 + 64));
}

TEST(MemoryTest, AnEmptyScreenIsSmall) {
  EXPECT_LT(MemoryAfter(""), size_t{32} << 10);
}

TEST(MemoryTest, WithEverythingInUseAScreenTakesAHundredKibibytes) {
  const size_t everything = MemoryAfter(Everything());
  EXPECT_LT(everything, size_t{100} << 10);
  EXPECT_GT(everything, 3 * 24 * 80 * sizeof(GridCell))
      << "is all of it in use?";
}

}  // namespace
}  // namespace deptyr
