#include "lib/wire/protocol_detection.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"

namespace deptyr {
namespace {

using absl::string_view;

enum class Match { kNo, kMaybe, kYes };

// Whether `bytes` begin with the pattern, in which '?' is any byte.
Match Begins(string_view bytes, string_view pattern) {
  const size_t count = std::min(bytes.size(), pattern.size());
  for (size_t i = 0; i < count; ++i) {
    if (pattern[i] != '?' && pattern[i] != bytes[i]) return Match::kNo;
  }
  return count == pattern.size() ? Match::kYes : Match::kMaybe;
}

Match BeginsWithAny(string_view bytes, absl::Span<const string_view> patterns) {
  Match best = Match::kNo;
  for (const string_view pattern : patterns) {
    best = std::max(best, Begins(bytes, pattern));
  }
  return best;
}

// The kinds of messages are small numbers, and most texts have no control
// character in that place.
Match IsDeptyr(string_view bytes) {
  constexpr string_view kPattern("\xde???\x07\0version", 13);
  constexpr uint8_t kKinds = 0x20;
  if (bytes.size() > 3 && static_cast<uint8_t>(bytes[3]) >= kKinds) {
    return Match::kNo;
  }
  return Begins(bytes, kPattern);
}

// The client hello of TLS, then what WebRTC sends to a TURN server, and to a
// TCP candidate of its peer.
constexpr string_view kBinary[] = {
    string_view("\x16\x03???\x01", 6),
    string_view("\0\x03\0?\x21\x12\xa4\x42", 8),
    string_view("\0?\0\x01\0?\x21\x12\xa4\x42", 10),
};

constexpr string_view kMethods[] = {"GET ",   "HEAD ",  "POST ",
                                    "PUT ",   "PATCH ", "DELETE ",
                                    "TRACE ", "PRI ",   "OPTIONS "};
constexpr string_view kTargets[] = {"/", "*", "http"};

bool IsTokenChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", string_view(&c, 1));
}

// A page may choose any word as a method, and a shell's user any as a command:
// the whole line has to be HTTP's.
Match IsRequestLine(string_view bytes) {
  string_view rest = bytes;
  while (!rest.empty() && IsTokenChar(rest[0])) rest.remove_prefix(1);
  if (rest.size() == bytes.size() || !absl::ConsumePrefix(&rest, " ") ||
      BeginsWithAny(rest, kTargets) != Match::kYes) {
    return Match::kNo;
  }
  while (!rest.empty() && rest[0] != ' ' &&
         !absl::ascii_iscntrl(static_cast<unsigned char>(rest[0]))) {
    rest.remove_prefix(1);
  }
  // Nobody types a word this long, but a page may use one to hide the line's
  // end.
  if (rest.empty() && bytes.size() >= kLongestBeginning) return Match::kYes;
  return Begins(rest, " HTTP/");
}

Match IsBrowser(string_view bytes) {
  Match best = BeginsWithAny(bytes, kBinary);
  for (const string_view method : kMethods) {
    Match match = Begins(bytes, method);
    if (match == Match::kYes) {
      match = BeginsWithAny(bytes.substr(method.size()), kTargets);
    }
    best = std::max(best, match);
  }
  return std::max(best, IsRequestLine(bytes));
}

}  // namespace

Protocol DetectProtocol(string_view beginning, bool over_tcp) {
  if (beginning.empty()) return Protocol::kUndecided;
  const Match deptyr = IsDeptyr(beginning);
  if (deptyr == Match::kYes) return Protocol::kHead;
  const Match browser = over_tcp ? IsBrowser(beginning) : Match::kNo;
  if (browser == Match::kYes) return Protocol::kBrowser;
  return std::max(deptyr, browser) == Match::kMaybe ? Protocol::kUndecided
                                                    : Protocol::kClient;
}

}  // namespace deptyr
