// Whatever a program writes, in whatever pieces, a screen of any size shows the
// same; and so does a new screen that is painted, with the cursor where it was.
// The first three bytes are rows, columns and how long the pieces are; a byte
// 0xfe in the stream is a change of size, to what the next two say.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/render/render.h"
#include "lib/term/screen.h"
#include "tests/term/terminal.h"

namespace {

using deptyr::Screen;
using deptyr::Terminal;
using deptyr::WindowSize;

WindowSize SizeOf(absl::string_view two) {
  const auto number = [&](size_t i) {
    return static_cast<uint16_t>(static_cast<uint8_t>(two[i]) % 48);
  };
  return {number(0), number(1)};
}

void Expect(bool expected) {
  if (!expected) std::abort();
}

void ExpectSame(Screen& a, Screen& b) {
  Expect(a.Rows() == b.Rows());
  Expect(a.cursor() == b.cursor());
  Expect(a.alternate_screen() == b.alternate_screen());
  Expect(a.Rows(false) == b.Rows(false));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 3) return 0;
  absl::string_view stream(reinterpret_cast<const char*>(bytes), size);
  Terminal at_once(SizeOf(stream));
  Terminal in_pieces(SizeOf(stream));
  const size_t longest = size_t{1} + bytes[2] % 32;
  stream.remove_prefix(3);

  while (!stream.empty()) {
    absl::string_view part = stream.substr(0, stream.find('\xfe'));
    stream.remove_prefix(part.size());
    at_once.Write(part);
    for (size_t n = 0; !part.empty(); ++n) {
      const size_t length = std::min(1 + n * 7 % longest, part.size());
      in_pieces.Write(part.substr(0, length));
      part.remove_prefix(length);
    }
    if (stream.size() < 3) break;
    at_once.Resize(SizeOf(stream.substr(1)));
    in_pieces.Resize(SizeOf(stream.substr(1)));
    stream.remove_prefix(3);
  }
  ExpectSame(at_once.screen, in_pieces.screen);

  // No screen is modelled smaller than this.
  WindowSize now = at_once.screen.size();
  now = {std::max<uint16_t>(now.rows, 1), std::max<uint16_t>(now.cols, 2)};
  Terminal painted(now);
  painted.Write(at_once.screen.Paint(at_once.digest.modes(), now));
  ExpectSame(at_once.screen, painted.screen);
  // Less room does no harm.
  (void)at_once.screen.Paint(at_once.digest.modes(), {3, 7});
  (void)at_once.screen.Paint(at_once.digest.modes(), {3, 0});
  (void)deptyr::Text(painted.screen);
  (void)deptyr::Svg(painted.screen, painted.digest.modes().title());
  return 0;
}
