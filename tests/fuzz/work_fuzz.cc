// Whatever a program writes, on a screen of any size, a slice of the model's
// work ends soon after it has cost what it may, and whatever it costs brings it
// forward; a change of size costs no more than an act; and no picture is longer
// than it may be.  The first byte chooses the size; then a byte chooses a
// sequence that is costly, and the next says how often; or a text, or a size.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "lib/term/digest.h"
#include "lib/term/screen.h"
#include "tests/fuzz/input.h"
#include "tests/term/costly.h"

namespace {

using deptyr::Digest;
using deptyr::Expect;
using deptyr::Screen;
using deptyr::WindowSize;

constexpr WindowSize kSizes[] = {{24, 80},   {135, 480}, {65, 1000},
                                 {1000, 65}, {1000, 2},  {1, 1000}};
constexpr uint64_t kSlice = 20'000;
// An input of a fuzzer shouldn't take seconds.
constexpr uint64_t kMostInAll = 20'000'000;
constexpr size_t kLongestPicture = 4 << 20;

void WriteInSlices(Screen& screen, absl::string_view bytes) {
  while (!bytes.empty()) {
    const uint64_t before = screen.work();
    const size_t taken = screen.WriteSome(bytes, kSlice);
    const uint64_t done = screen.work() - before;
    Expect(taken > 0);
    Expect(taken == bytes.size() || done >= kSlice);
    Expect(done <= kSlice + deptyr::MostOver(screen.size()));
    bytes.remove_prefix(taken);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  deptyr::Input input(bytes, size);
  Screen screen(input.OneOf(kSizes));
  Digest digest;
  constexpr size_t kCount = std::size(deptyr::kCostly);
  while (!input.empty() && screen.work() < kMostInAll) {
    const size_t choice = input.Choice(kCount + 2);
    if (choice == kCount) {
      const uint64_t before = screen.work();
      const WindowSize other = input.OneOf(kSizes);
      const uint64_t most =
          deptyr::MostOver(screen.size()) + deptyr::MostOver(other);
      screen.Resize(other);
      digest.Resized();
      Expect(screen.work() - before <= most);
      continue;
    }
    std::string text;
    if (choice < kCount) {
      for (size_t n = size_t{1} + input.Byte(); n > 0; --n) {
        absl::StrAppend(&text, deptyr::kCostly[choice]);
      }
    } else {
      text = std::string(input.Text());
    }
    WriteInSlices(screen, text);
    digest.Scan(text);
  }
  bool all = false;
  Expect(screen.Paint(digest.modes(), screen.size(), &all).size() <=
         kLongestPicture);
  return 0;
}
