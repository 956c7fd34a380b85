// Whatever a framed client sends means the same, however it is cut into reads.
// The first byte of the input says how long the pieces are.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

#include "lib/wire/uwsgi.h"
#include "tests/fuzz/input.h"

namespace {

using deptyr::Expect;
using deptyr::FramedDecoder;

class Meaning {
 public:
  void Feed(absl::string_view bytes) {
    while (const auto input = decoder_.Take(bytes)) {
      const bool typed = input->index() == 0;
      if (!typed || !typing_) text_ += '|';
      typing_ = typed;
      std::visit([this](const auto& it) { Note(it); }, *input);
    }
    Expect(bytes.empty());
  }
  const std::string& text() const { return text_; }

 private:
  void Note(const deptyr::FramedKeys& keys) {
    Expect(!keys.bytes.empty());
    absl::StrAppend(&text_, keys.bytes);
  }
  void Note(const deptyr::FramedRows& it) { absl::StrAppend(&text_, it.rows); }
  void Note(const deptyr::FramedCols& it) { absl::StrAppend(&text_, it.cols); }
  void Note(const deptyr::FramedSignal& it) {
    Expect(it.number >= 1 && it.number <= 64);
    absl::StrAppend(&text_, "s", it.number);
  }
  void Note(const deptyr::FramedOther& it) {
    absl::StrAppend(&text_, "o", it.modifier2);
  }
  void Note(const deptyr::FramedForeign& it) {
    Expect(it.modifier1 != 0);
    absl::StrAppend(&text_, "f", it.modifier1);
  }

  FramedDecoder decoder_;
  bool typing_ = false;
  std::string text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const size_t longest = size_t{1} + bytes[0] % 32;
  absl::string_view stream(reinterpret_cast<const char*>(bytes), size);
  stream.remove_prefix(1);
  Meaning whole;
  whole.Feed(stream);
  Meaning cut;
  for (size_t n = 0; !stream.empty(); ++n) {
    const absl::string_view piece = stream.substr(0, 1 + n * 7 % longest);
    cut.Feed(piece);
    stream.remove_prefix(piece.size());
  }
  Expect(whole.text() == cut.text());
  return 0;
}
