// What a body and head say to each other on the head socket.
//
//   body -> head   register   + the PTY's controlling end (SCM_RIGHTS)
//   head -> body   accepted   the body may exec; or
//                  refused    and why; head closes
//   body -> head   exec-failed  the program could not be executed
//                  or the connection closes (it is close-on-exec): it runs
//
// Every message is one uwsgi packet with modifier1 kDeptyr, modifier2 the kind,
// and a key/value block; every first message carries the protocol version.
// docs/protocol.md says the same for people.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

inline constexpr uint8_t kDeptyr = 222;  // modifier1; unused by uWSGI
inline constexpr int kProtocolVersion = 1;

// A session's name becomes a file name (head --client-dir) and part of log
// lines: 1 to 64 of A-Z a-z 0-9 _ . @ : + - and not first a dot or a dash.
bool IsSessionName(absl::string_view name);
// The basename of `program` with what a name can't have made '_'.
std::string SessionNameFor(absl::string_view program);

struct Register {
  int version = kProtocolVersion;
  std::string name;
  uint16_t rows = 0;
  uint16_t cols = 0;
  std::string term;
  std::vector<std::string> argv;  // for display; cut to kLongestArgv bytes
  bool replace = false;
  bool operator==(const Register&) const = default;
};
inline constexpr size_t kLongestArgv = 4096;
// `term` and every `text` are cut to this: a path can be longer than a packet.
inline constexpr size_t kLongestText = 4096;

struct Accepted {
  int version = kProtocolVersion;
  std::string name;
  bool operator==(const Accepted&) const = default;
};

// `code` is for programs, `text` the sentence for people.
struct Refused {
  int version = kProtocolVersion;
  std::string code;
  std::string text;
  bool operator==(const Refused&) const = default;
};
inline constexpr char kRefusedVersion[] = "version";
inline constexpr char kRefusedMalformed[] = "malformed";
inline constexpr char kRefusedDescriptor[] = "descriptor";
inline constexpr char kRefusedNameTaken[] = "name-taken";
inline constexpr char kRefusedNotOwner[] = "not-owner";
inline constexpr char kRefusedLimit[] = "limit";
inline constexpr char kRefusedTimeout[] = "timeout";
inline constexpr char kRefusedStopping[] = "stopping";

struct ExecFailed {
  std::string text;
  bool operator==(const ExecFailed&) const = default;
};

using HeadMessage = std::variant<Register, Accepted, Refused, ExecFailed>;

std::string Encode(const HeadMessage& message);

// Takes the first message off `bytes`.  Nothing: it isn't there whole yet (it
// needs kPacketHeader + kLongestPayload bytes at most).  An error: these bytes
// are no message; InvalidArgument, and `bytes` must not be used any more.
absl::StatusOr<std::optional<HeadMessage>> TakeMessage(
    absl::string_view& bytes);

}  // namespace deptyr
