// What is said on the head socket.
//
// By a body, which hands its program's terminal over:
//
//   body -> head   register   + the PTY's controlling end (SCM_RIGHTS)
//   head -> body   accepted   the body may exec; or
//                  refused    and why; head closes
//   body -> head   exec-failed  the program could not be executed
//                  or the connection closes (it is close-on-exec): it runs
//
// By one who attaches to a session (deptyr attach, send, history, ...):
//
//   client -> head  attach
//   head -> client  attached, or refused
//   head -> client  output, paint, notice   in the order of the stream
//   client -> head  keys, size
//   head -> client  done       all that was typed is taken, after a half-close
//
// By one who asks (deptyr ls, kick, ...):
//
//   client -> head  ask
//   head -> client  item, ... then done; or refused
//
// Every message is one uwsgi packet with modifier1 kDeptyr, modifier2 the kind,
// and a key/value block, or, of output, paint and keys, the bytes themselves.
// Every first message carries the protocol version.  docs/protocol.md says the
// same for people, with the keys and their values.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/wire/key_values.h"
#include "lib/wire/rights.h"

namespace deptyr {

inline constexpr uint8_t kDeptyr = 222;  // modifier1; unused by uWSGI
inline constexpr int kProtocolVersion = 1;

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
// Every value is cut to this: a path can be longer than a packet.
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
inline constexpr char kRefusedNotPermitted[] = "not-permitted";
inline constexpr char kRefusedLimit[] = "limit";
inline constexpr char kRefusedTimeout[] = "timeout";
inline constexpr char kRefusedStopping[] = "stopping";
inline constexpr char kRefusedNoSession[] = "no-session";
inline constexpr char kRefusedKicked[] = "kicked";
inline constexpr char kRefusedUpgrade[] = "upgrade";
inline constexpr char kRefusedWrongSocket[] = "wrong-socket";

struct ExecFailed {
  std::string text;
  bool operator==(const ExecFailed&) const = default;
};

// What a client that attaches gets first.
enum class From {
  kScreen,   // what is on the screen now, then what comes
  kHistory,  // at most the last `bytes` bytes that head remembers; 0: all
  kOffset,   // the stream from this offset on, if head still has it
  kNow,      // what comes
};

struct Attach {
  int version = kProtocolVersion;
  std::string session = {};  // "" for the one that registered last
  uint16_t rows = 0;         // of the client's terminal; 0: it has none
  uint16_t cols = 0;
  From from = From::kScreen;
  uint64_t value = 0;  // of kHistory and kOffset
  bool read_only = false;
  bool kick = false;  // who else is attached has to leave
  // Where a client that comes back was: it has this stream up to `offset`, and
  // goes on there, without another beginning, if head still has it; what
  // happened to programs at that offset it may be told again.
  uint64_t stream = 0;  // 0: it is new
  uint64_t offset = 0;
  bool operator==(const Attach&) const = default;
};

struct Attached {
  int version = kProtocolVersion;
  std::string session;
  uint64_t stream = 0;  // which it is; another session's is another
  uint64_t offset = 0;  // of the first byte of output that follows
  uint64_t end = 0;     // of the stream now
  uint16_t rows = 0;    // of the program's terminal
  uint16_t cols = 0;
  uint64_t number = 0;  // of the last program; 0: there was none
  bool running = false;
  std::string state;  // for people: "runs, pid 12", "ended: exit status 0"
  Rights rights = Rights::All();  // of the client, in this session
  bool operator==(const Attached&) const = default;
};

// The next bytes of the stream.
struct Output {
  std::string bytes;
  bool operator==(const Output&) const = default;
};
// Escape sequences that paint the screen as it is; not part of the stream.
struct Paint {
  std::string bytes;
  bool operator==(const Paint&) const = default;
};
struct Keys {
  std::string bytes;
  bool operator==(const Keys&) const = default;
};
// The longest that are sent in one packet.
inline constexpr size_t kLongestOutput = 16 << 10;

struct Resize {
  uint16_t rows = 0;
  uint16_t cols = 0;
  bool operator==(const Resize&) const = default;
};

// Something happened at this place of the stream.  "event" says what.
struct Notice {
  KeyValues fields;
  bool operator==(const Notice&) const = default;
};

struct Ask {
  int version = kProtocolVersion;
  std::string what;
  KeyValues fields;
  bool operator==(const Ask&) const = default;
};
struct Item {
  KeyValues fields;
  bool operator==(const Item&) const = default;
};
struct Done {
  bool operator==(const Done&) const = default;
};

using HeadMessage =
    std::variant<Register, Accepted, Refused, ExecFailed, Attach, Attached,
                 Output, Paint, Keys, Resize, Notice, Ask, Item, Done>;

std::string Encode(const HeadMessage& message);
// Any number of bytes, as one paint after the other, each of kLongestOutput at
// most: what is begun of one has to be kept for who doesn't take it.
std::string EncodePaint(absl::string_view bytes);
void AppendPaint(std::string& packets, absl::string_view bytes);
// No first message, and no question, is longer.
inline constexpr size_t kLongestRequest = 16 << 10;
// Head holds no more than this of a later question that isn't whole yet.
inline constexpr size_t kLongestQuestion = 4 << 10;
inline constexpr char kTooLong[] = "a message longer than any there is";

// Nothing but the header of an output packet, for bytes that are sent from
// where they are; `size` is at most kLongestPayload.
std::string OutputHeader(size_t size);
// The same of keys, which are typed as they come; and whether it is that.
std::string KeysHeader(size_t size);
bool BeginsKeys(absl::string_view bytes);

// Takes the first message off `bytes`.  Nothing: it isn't there whole yet (it
// needs kPacketHeader + kLongestPayload bytes at most).  An error: these bytes
// are no message; InvalidArgument, and `bytes` must not be used any more.
absl::StatusOr<std::optional<HeadMessage>> TakeMessage(
    absl::string_view& bytes);

}  // namespace deptyr
