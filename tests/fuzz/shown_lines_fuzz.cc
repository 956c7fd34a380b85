// Whatever a program writes, in whatever pieces, it becomes the same lines,
// without anything that a terminal acts on.  The first byte says how long the
// pieces are, the next two how large the terminal is.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/term/shown_lines.h"
#include "tests/fuzz/input.h"

namespace {

bool IsText(const std::string& text) {
  deptyr::Utf8Decoder decoder;
  for (const char c : text) {
    const auto result = decoder.Take(c);
    if (result == deptyr::Utf8Decoder::Result::kMore) continue;
    if (result != deptyr::Utf8Decoder::Result::kCharacter) return false;
    const char32_t character = decoder.character();
    if (character == '\n') continue;
    if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
      return false;
    }
  }
  return decoder.pending() == 0 && (text.empty() || text.back() == '\n');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  deptyr::Input input(bytes, size);
  const size_t longest = 1 + input.Choice(32);
  const deptyr::WindowSize window{input.Byte(), input.Byte()};
  const absl::string_view stream = input.Rest();

  deptyr::ShownLines at_once(window);
  std::string whole = at_once.Feed(stream);
  whole += at_once.Finish();
  deptyr::Expect(IsText(whole));

  deptyr::ShownLines pieces(window);
  std::string cut;
  size_t at = 0;
  for (size_t n = 0; at < stream.size(); ++n) {
    const size_t length = std::min(1 + n * 7 % longest, stream.size() - at);
    cut += pieces.Feed(stream.substr(at, length));
    at += length;
  }
  cut += pieces.Finish();
  deptyr::Expect(whole == cut);

  // Colours and resizes change what is given, but harm nothing.
  deptyr::ShownLines resized(window, deptyr::ShownLines::Colors::kKept);
  (void)resized.Feed(stream.substr(0, stream.size() / 2));
  (void)resized.Resize({window.cols, window.rows});
  (void)resized.Feed(stream.substr(stream.size() / 2));
  (void)resized.Finish();
  return 0;
}
