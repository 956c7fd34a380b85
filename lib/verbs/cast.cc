#include "lib/verbs/cast.h"

#include "absl/strings/str_cat.h"

#include "lib/render/json.h"

namespace deptyr {
namespace {

std::string Line(absl::Duration at, char kind, absl::string_view text) {
  return CastEventJson(at, kind, text) + "\n";
}

}  // namespace

std::string CastWriter::Header(WindowSize size, absl::Time start,
                               absl::string_view title) {
  return CastHeaderJson(size, start, title) + "\n";
}

std::string CastWriter::Output(absl::Duration at, absl::string_view bytes) {
  for (const char byte : bytes) {
    if (decoder_.Take(byte) == Utf8Decoder::Result::kAgain) {
      (void)decoder_.Take(byte);
    }
  }
  rest_.append(bytes.data(), bytes.size());
  const std::string whole = rest_.substr(0, rest_.size() - decoder_.pending());
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
