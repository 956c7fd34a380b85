// Records whatever a program writes, in whatever pieces, beside changes of the
// size and marks.  Every line has to be JSON that asciicast's readers know, and
// to hold what was written, except for bytes that aren't UTF-8.

#include <string>
#include <vector>

#include "absl/strings/str_split.h"

#include "lib/base/utf8.h"
#include "lib/verbs/cast.h"
#include "tests/fuzz/input.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using nlohmann::json;

// Returns the lines without their ends; each must have one.
std::vector<json> Parsed(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  Expect(lines.back().empty());
  lines.pop_back();
  std::vector<json> values;
  for (const std::string& line : lines) {
    values.push_back(json::parse(line, nullptr, /*allow_exceptions=*/false));
    Expect(!values.back().is_discarded());
  }
  return values;
}

// Returns the bytes with U+FFFD for each piece that isn't UTF-8.
std::string AsUtf8(absl::string_view bytes) {
  std::string text;
  Utf8Decoder decoder;
  for (size_t i = 0; i < bytes.size();) {
    switch (decoder.Take(bytes[i])) {
      case Utf8Decoder::Result::kMore:
        ++i;
        break;
      case Utf8Decoder::Result::kCharacter:
        AppendUtf8(decoder.character(), text);
        ++i;
        break;
      case Utf8Decoder::Result::kInvalid:
        AppendUtf8(kReplacement, text);
        ++i;
        break;
      case Utf8Decoder::Result::kAgain:
        AppendUtf8(kReplacement, text);
        break;
    }
  }
  if (decoder.pending() > 0) AppendUtf8(kReplacement, text);
  return text;
}

// The last character may be incomplete, and then isn't in there.
bool IsBegin(const std::string& recorded, absl::string_view written) {
  constexpr size_t kLongestRest = 3;
  for (size_t rest = 0; rest <= kLongestRest && rest <= written.size();
       ++rest) {
    if (recorded == AsUtf8(written.substr(0, written.size() - rest))) {
      return true;
    }
  }
  return false;
}

void ExpectHeader(Input& input) {
  const WindowSize size{input.Short(), input.Short()};
  const absl::Time start = absl::FromUnixSeconds(input.Short());
  const absl::string_view title = input.Text();
  const auto lines =
      Parsed(CastWriter(CastVersion::k2).Header(size, start, title));
  Expect(lines.size() == 1 && lines[0]["version"] == 2);
  Expect(lines[0]["width"] == size.cols && lines[0]["height"] == size.rows);
  Expect(lines[0]["timestamp"] == absl::ToUnixSeconds(start));
  Expect(lines[0]["title"] == AsUtf8(title));
}

}  // namespace
}  // namespace deptyr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace deptyr;  // NOLINT(google-build-using-namespace)
  Input input(bytes, size);
  ExpectHeader(input);
  CastWriter cast(CastVersion::k2);
  std::string recorded;
  std::string written;
  absl::Duration at;
  while (!input.empty()) {
    at += absl::Microseconds(input.Short());
    const size_t kind = input.Choice(6);
    const absl::string_view text = input.Text();
    const WindowSize window{input.Byte(), input.Byte()};
    const std::string line = kind == 0   ? cast.Mark(at, text)
                             : kind == 1 ? cast.Resized(at, window)
                                         : cast.Output(at, text);
    const auto events = Parsed(line);
    Expect(events.size() <= 1);
    if (kind > 1) written += std::string(text);
    if (events.empty()) continue;
    const json& event = events[0];
    Expect(event.size() == 3 && event[0].is_number());
    Expect(absl::Seconds(event[0].get<double>()) - at < absl::Microseconds(1));
    if (event[1] == "o") recorded += event[2].get<std::string>();
    if (event[1] == "m") Expect(event[2] == AsUtf8(text));
  }
  Expect(IsBegin(recorded, written));
  return 0;
}
