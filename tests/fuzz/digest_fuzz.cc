// Whatever a program writes, in whatever pieces, the digest knows the same of
// it, and answers the same queries, but none of its own answers; and the
// sequences of its modes make the same modes.  The first byte says how long the
// pieces are.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/term/digest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const size_t longest = size_t{1} + bytes[0] % 32;
  absl::string_view stream(reinterpret_cast<const char*>(bytes), size);
  stream.remove_prefix(1);

  deptyr::Digest at_once;
  std::string answers;
  at_once.Scan(stream, [&](const deptyr::Query& query) {
    answers += AnswerTo(query, at_once.modes(), {});
  });
  if (at_once.offset() != stream.size()) std::abort();
  if (at_once.whole() > at_once.offset()) std::abort();
  if (at_once.last_clear() > at_once.offset()) std::abort();
  if (at_once.last_query() > at_once.offset()) std::abort();
  if (at_once.modes().title().size() > deptyr::OscSettings::kLongestTitle)
    std::abort();

  deptyr::Digest cut;
  std::string answers_in_pieces;
  for (size_t n = 0; !stream.empty(); ++n) {
    const size_t length = std::min(1 + n * 7 % longest, stream.size());
    cut.Scan(stream.substr(0, length), [&](const deptyr::Query& query) {
      answers_in_pieces += AnswerTo(query, cut.modes(), {});
    });
    stream.remove_prefix(length);
  }
  if (cut.whole() != at_once.whole()) std::abort();
  if (cut.last_clear() != at_once.last_clear()) std::abort();
  if (cut.last_picture() != at_once.last_picture()) std::abort();
  if (cut.last_query() != at_once.last_query()) std::abort();
  if (cut.last_bell() != at_once.last_bell()) std::abort();
  if (cut.modes().alternate_mode() != at_once.modes().alternate_mode())
    std::abort();
  if (cut.modes().Sequences() != at_once.modes().Sequences()) std::abort();

  if (answers_in_pieces != answers) std::abort();
  deptyr::Digest echo;
  echo.Scan(answers);
  if (echo.last_query() != 0) std::abort();

  deptyr::Digest again;
  again.Scan(at_once.modes().Sequences());
  if (again.modes().Sequences() != at_once.modes().Sequences()) std::abort();
  if (again.whole() != again.offset()) std::abort();
  return 0;
}
