#include "lib/verbs/cast.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/base/utf8.h"
#include "lib/verbs/json.h"

namespace deptyr {
namespace {

constexpr size_t kLongestCharacter = 4;

// How long the character is that begins with this byte.
size_t LengthOf(unsigned char first) {
  constexpr unsigned kFour = 0xf0;
  constexpr unsigned kThree = 0xe0;
  constexpr unsigned kTwo = 0xc0;
  if (first >= kFour) return kLongestCharacter;
  if (first >= kThree) return 3;
  return first >= kTwo ? 2 : 1;
}

// How much of `bytes` doesn't end inside a character.
size_t WholeSize(absl::string_view bytes) {
  const size_t most = std::min(bytes.size(), kLongestCharacter - 1);
  for (size_t back = 1; back <= most; ++back) {
    const char byte = bytes[bytes.size() - back];
    if (IsUtf8Continuation(byte)) continue;
    const bool whole = LengthOf(static_cast<unsigned char>(byte)) <= back;
    return whole ? bytes.size() : bytes.size() - back;
  }
  return bytes.size();
}

std::string Line(absl::Duration at, char kind, absl::string_view text) {
  return CastEventJson(at, kind, text) + "\n";
}

}  // namespace

std::string CastWriter::Header(WindowSize size, absl::Time start,
                               absl::string_view title) {
  return CastHeaderJson(size, start, title) + "\n";
}

std::string CastWriter::Output(absl::Duration at, absl::string_view bytes) {
  rest_.append(bytes.data(), bytes.size());
  const std::string whole = rest_.substr(0, WholeSize(rest_));
  rest_.erase(0, whole.size());
  return whole.empty() ? "" : Line(at, 'o', whole);
}

std::string CastWriter::Resized(absl::Duration at, WindowSize size) {
  return Line(at, 'r', absl::StrCat(size.cols, "x", size.rows));
}

std::string CastWriter::Mark(absl::Duration at, absl::string_view text) {
  return Line(at, 'm', text);
}

}  // namespace deptyr
