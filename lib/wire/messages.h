// The messages of the head socket.
//
// A body hands its program's terminal over:
//
//   body -> head   register   + the PTY's controlling end (SCM_RIGHTS)
//   head -> body   accepted   the body may exec; or
//                  refused    and why; head closes
//   body -> head   send-log   + where its lines shall go, if head takes that
//   body -> head   exec-failed  the program could not be executed
//                  or the connection closes (it is close-on-exec): it runs
//
// Somebody else hands over the terminal of a program that runs (deptyr adopt):
//
//   adopter -> head  adopt      + the PTY's controlling end
//   head -> adopter  accepted, or refused
//
// A client attaches to a session (deptyr attach, send, history, ...):
//
//   client -> head  attach
//   head -> client  attached, or refused
//   head -> client  output, paint, notice   in the order of the stream
//   client -> head  keys, resize
//   head -> client  done   all that was typed is taken, after a half-close
//
// A client asks (deptyr ls, kick, ...):
//
//   client -> head  ask
//   head -> client  item, ... then done; or refused
//
// Every message is one uwsgi packet with modifier1 kDeptyr and modifier2 the
// kind.  Its payload is a key/value block with one pair for each field, where
// read_only is spelt "read-only"; a message with `bytes` is those bytes.
// docs/protocol.md describes every key, and a test compares the two.  Pure.
//
//   const std::string packet = Encode(Resize{.rows = 24, .cols = 80});
//   absl::string_view rest = packet;
//   auto message = TakeMessage(rest);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/wire/fields.h"
#include "lib/wire/key_values.h"
#include "lib/wire/rights.h"

namespace deptyr {

inline constexpr uint8_t kDeptyr = 222;  // modifier1; unused by uWSGI
// The first message of each side carries it, and so do the answers.
inline constexpr uint16_t kProtocolVersion = 1;

// A field's type is its limit: a number that doesn't fit is refused, and so is
// a name that isn't a session's; other texts are cut to kLongestText.  Fields
// that came after 0.1.0 are optional: they are not written without a value, and
// may be missing.

struct Register {
  uint16_t version = kProtocolVersion;
  std::string name;
  uint16_t rows = 0;
  uint16_t cols = 0;
  std::string term;
  std::vector<std::string> argv;  // for display; cut to kLongestText, joined
  bool replace = false;
  // It says whose size the terminal has: latest, smallest, largest or fixed.
  std::optional<std::string> size_policy = {};
  // It says who may type at one time: all, or one.
  std::optional<std::string> writers = {};
  DEPTYR_FIELDS(version, name, rows, cols, term, argv, replace, size_policy,
                writers)
};

struct Accepted {
  uint16_t version = kProtocolVersion;
  std::string name;
  // Head writes to a log that a body sends before it executes its program.
  std::optional<bool> log = {};
  DEPTYR_FIELDS(version, name, log)
};

// `code` is for programs, `text` the sentence for people.
struct Refused {
  uint16_t version = kProtocolVersion;
  std::string code;
  std::string text;
  DEPTYR_FIELDS(version, code, text)
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
inline constexpr char kRefusedCircle[] = "circle";
inline constexpr char kRefusedHeld[] = "held";

struct ExecFailed {
  std::string text;
  DEPTYR_FIELDS(text)
};

// The first thing that a client gets when it attaches.
enum class From {
  kScreen,   // the screen as it is now, then what comes
  kHistory,  // at most the last `value` bytes that head remembers; 0: all
  kOffset,   // the stream from the offset `value` on, if head still has it
  kNow,      // what comes
};

struct Attach {
  uint16_t version = kProtocolVersion;
  std::string session = {};  // "" for the one that registered last
  uint16_t rows = 0;         // of the client's terminal; 0: it has none
  uint16_t cols = 0;
  From from = From::kScreen;
  uint64_t value = 0;  // of kHistory and kOffset
  bool read_only = false;
  bool kick = false;  // other attached clients have to leave
  // A client that comes back has this stream up to `offset`.  It goes on there,
  // without another beginning, if head still has it; it may be told again what
  // happened to programs at that very offset.
  uint64_t stream = 0;  // 0: the client is new
  uint64_t offset = 0;
  // It resets and clears its terminal itself before a picture, which an empty
  // paint announces.
  std::optional<bool> resets = {};
  // The session on whose terminal the client shows what it is sent.
  std::optional<std::string> inside = {};
  // The size of the client's terminal in pixels, if it knows that.
  std::optional<uint16_t> xpixels = {};
  std::optional<uint16_t> ypixels = {};
  // The client is to have the keys for itself; if it comes back, then only if
  // nobody else has them.
  std::optional<bool> exclusive = {};
  // Whether the client's terminal shows UTF-8, or only ASCII.
  std::optional<bool> utf8 = {};
  DEPTYR_FIELDS(version, session, rows, cols, from, value, read_only, kick,
                stream, offset, resets, inside, xpixels, ypixels, exclusive,
                utf8)
};

struct Attached {
  uint16_t version = kProtocolVersion;
  std::string session;
  uint64_t stream = 0;  // every session's has another number
  uint64_t offset = 0;  // of the first byte of output that follows
  uint64_t end = 0;     // of the stream now
  uint16_t rows = 0;    // of the program's terminal
  uint16_t cols = 0;
  uint64_t number = 0;  // of the last program; 0: there was none
  bool running = false;
  std::string state;  // for people: "runs, pid 12", "ended: exit status 0"
  // The client's rights in this session.  A head that doesn't send them serves
  // only clients that have all of them.
  Rights rights = Rights::All();
  std::optional<bool> stopped = {};  // somebody has stopped its output by ^S
  // The client's own number, by which a report names it.
  std::optional<uint64_t> client = {};
  // The client that has the keys for itself, and its user.
  std::optional<uint64_t> writer = {};
  std::optional<uint32_t> writer_uid = {};
  DEPTYR_FIELDS(version, session, stream, offset, end, rows, cols, number,
                running, state, rights, stopped, client, writer, writer_uid)
};

// A message without keys.
struct RawBytes {
  std::string bytes;
  bool operator==(const RawBytes&) const = default;
};
// The next bytes of the stream.
struct Output : RawBytes {};
// Escape sequences that paint the screen as it is; not part of the stream.
struct Paint : RawBytes {};
struct Keys : RawBytes {};

struct Resize {
  uint16_t rows = 0;
  uint16_t cols = 0;
  std::optional<uint16_t> xpixels = {};
  std::optional<uint16_t> ypixels = {};
  DEPTYR_FIELDS(rows, cols, xpixels, ypixels)
};

// Here `fields` stands for all pairs that the message doesn't name itself.

// Something happened at this place of the stream; the key "event" names it.
struct Notice {
  KeyValues fields;
  DEPTYR_FIELDS(fields)
};

struct Ask {
  uint16_t version = kProtocolVersion;
  std::string what;
  KeyValues fields;
  DEPTYR_FIELDS(version, what, fields)
};
struct Item {
  KeyValues fields;
  DEPTYR_FIELDS(fields)
};
struct Done {
  bool operator==(const Done&) const = default;
};

// Where the lines of the program shall go: a pipe or a UNIX socket, which comes
// along.  `style` is text, ansi or raw.
struct SendLog {
  std::string style;
  DEPTYR_FIELDS(style)
};

// The program is the leader of the session that the terminal belongs to.
struct Adopt {
  uint16_t version = kProtocolVersion;
  std::string name;
  std::vector<std::string> argv;  // for display, as in Register
  bool probe = false;             // only say whether head would take it
  DEPTYR_FIELDS(version, name, argv, probe)
};

// A message's place in this list, from 1 on, is its number on the wire: the
// order is frozen.
using HeadMessage = std::variant<Register, Accepted, Refused, ExecFailed,
                                 Attach, Attached, Output, Paint, Keys, Resize,
                                 Notice, Ask, Item, Done, SendLog, Adopt>;

// Every value is cut to this many bytes, because a path can be longer than a
// packet.
inline constexpr size_t kLongestText = 4096;
// The most output, paint or keys that are sent in one packet.
inline constexpr size_t kLongestOutput = 16 << 10;
// Neither a first message nor a question is longer.
inline constexpr size_t kLongestRequest = 16 << 10;
// Head holds no more than this of a later question that isn't whole yet.
inline constexpr size_t kLongestQuestion = 4 << 10;

// Pairs that don't fit into a packet are left out.
std::string Encode(const HeadMessage& message);
// Adds to `packets` any number of bytes as paint messages of at most
// kLongestOutput each, because head has to keep the rest of a packet that was
// begun, for a client that doesn't take it.
std::string EncodePaint(absl::string_view bytes, std::string packets = "");

// Returns only the header of a packet of that kind, for `size` bytes that are
// sent from where they are; at most kLongestPayload.
std::string HeaderOf(const HeadMessage& kind, size_t size);
// Whether `bytes` begin with a header of keys, which are typed as they come.
bool BeginsKeys(absl::string_view bytes);

// Takes the first message off `bytes`, or returns nothing until it is there
// whole.  Fails with InvalidArgument if these bytes are no message, or if they
// are more than `longest` and not a whole one; `bytes` must not be used then.
absl::StatusOr<std::optional<HeadMessage>> TakeMessage(
    absl::string_view& bytes, size_t longest = SIZE_MAX);

}  // namespace deptyr
