// Whatever a program writes, in whatever pieces, it becomes the same text,
// without anything that a terminal acts on.  The first byte says how long the
// pieces are.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/term/plain_text.h"

namespace {

bool IsText(const std::string& text) {
  deptyr::Utf8Decoder decoder;
  for (const char c : text) {
    const auto result = decoder.Take(c);
    if (result == deptyr::Utf8Decoder::Result::kMore) continue;
    if (result != deptyr::Utf8Decoder::Result::kCharacter) return false;
    const char32_t character = decoder.character();
    if (character == '\n' || character == '\t') continue;
    if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
      return false;
    }
  }
  return decoder.pending() == 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const size_t longest = size_t{1} + bytes[0] % 32;
  absl::string_view stream(reinterpret_cast<const char*>(bytes), size);
  stream.remove_prefix(1);

  deptyr::PlainText at_once;
  std::string whole = at_once.Feed(stream);
  whole += at_once.Flush();
  if (!IsText(whole)) std::abort();

  deptyr::PlainText plain;
  std::string cut;
  for (size_t n = 0; !stream.empty(); ++n) {
    const size_t length = std::min(1 + n * 7 % longest, stream.size());
    cut += plain.Feed(stream.substr(0, length));
    stream.remove_prefix(length);
  }
  cut += plain.Flush();
  if (whole != cut) std::abort();
  return 0;
}
