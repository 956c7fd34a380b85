// Whatever a terminal sends, in whatever pieces, the same passes, in its order,
// and all of it if it has no ESC.  The first byte says how long the pieces are.
// No piece ends with ESC, which is a key when it is alone.  The second
// byte says which answers are taken out.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

#include "lib/term/replies.h"

namespace {

bool IsSubsequence(absl::string_view part, absl::string_view whole) {
  for (const char c : part) {
    const size_t at = whole.find(c);
    if (at == absl::string_view::npos) return false;
    whole.remove_prefix(at + 1);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2) return 0;
  const size_t longest = size_t{1} + bytes[0] % 32;
  constexpr deptyr::ReplyFilter::Kinds kKinds[] = {deptyr::ReplyFilter::kAll,
                                                   deptyr::ReplyFilter::kOurs,
                                                   deptyr::ReplyFilter::kSizes};
  const auto kinds = kKinds[bytes[1] % std::size(kKinds)];
  absl::string_view stream(reinterpret_cast<const char*>(bytes), size);
  stream.remove_prefix(1);

  deptyr::ReplyFilter at_once;
  std::string whole = at_once.Feed(stream, kinds);
  whole += at_once.Flush();
  if (at_once.patience() != absl::ZeroDuration()) std::abort();
  if (!IsSubsequence(whole, stream)) std::abort();
  if (!absl::StrContains(stream, '\x1b') && whole != stream) std::abort();

  deptyr::ReplyFilter filter;
  std::string cut;
  for (size_t n = 0; !stream.empty(); ++n) {
    size_t length = std::min(1 + n * 7 % longest, stream.size());
    while (length < stream.size() && stream[length - 1] == '\x1b') ++length;
    cut += filter.Feed(stream.substr(0, length), kinds);
    stream.remove_prefix(length);
  }
  cut += filter.Flush();
  if (whole != cut) std::abort();
  return 0;
}
