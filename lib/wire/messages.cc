#include "lib/wire/messages.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "lib/base/status.h"
#include "lib/wire/key_values.h"
#include "lib/wire/session_name.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

constexpr uint64_t kMostShort = 65535;
constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

// modifier2.  Wire values are frozen.
enum class Kind : uint8_t {
  kRegister = 1,
  kAccepted = 2,
  kRefused = 3,
  kExecFailed = 4,
  kAttach = 5,
  kAttached = 6,
  kOutput = 7,
  kPaint = 8,
  kKeys = 9,
  kResize = 10,
  kNotice = 11,
  kAsk = 12,
  kItem = 13,
  kDone = 14,
};

constexpr std::pair<From, absl::string_view> kFroms[] = {
    {From::kScreen, "screen"},
    {From::kHistory, "history"},
    {From::kOffset, "offset"},
    {From::kNow, "now"},
};

template <typename T>
absl::StatusOr<T> Number(const KeyValues& pairs, absl::string_view key,
                         uint64_t most) {
  const absl::string_view text = ValueOf(pairs, key);
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("no number from 0 to ", most, " for ", key));
  }
  return static_cast<T>(number);
}

std::string Text(const KeyValues& pairs, absl::string_view key) {
  return std::string(ValueOf(pairs, key));
}

std::string JoinArgv(const std::vector<std::string>& argv) {
  return absl::StrJoin(argv, absl::string_view("\0", 1))
      .substr(0, kLongestArgv);
}

std::string Cut(const std::string& text) {
  return text.substr(0, kLongestText);
}

using Payload = std::pair<Kind, std::string>;

// What doesn't fit into a packet is left out; every value is cut to
// kLongestText.
Payload Block(Kind kind, const KeyValues& pairs) {
  std::string block;
  for (const auto& [key, value] : pairs) {
    const std::string pair = EncodeKeyValues({{Cut(key), Cut(value)}});
    if (block.size() + pair.size() > kLongestPayload) break;
    block += pair;
  }
  return {kind, std::move(block)};
}

Payload PayloadOf(const Register& message) {
  return Block(Kind::kRegister, {{"version", absl::StrCat(message.version)},
                                 {"name", message.name},
                                 {"rows", absl::StrCat(message.rows)},
                                 {"cols", absl::StrCat(message.cols)},
                                 {"term", message.term},
                                 {"argv", JoinArgv(message.argv)},
                                 {"replace", message.replace ? "1" : "0"}});
}

Payload PayloadOf(const Accepted& message) {
  return Block(Kind::kAccepted, {{"version", absl::StrCat(message.version)},
                                 {"name", message.name}});
}

Payload PayloadOf(const Refused& message) {
  return Block(Kind::kRefused, {{"version", absl::StrCat(message.version)},
                                {"code", message.code},
                                {"text", message.text}});
}

Payload PayloadOf(const ExecFailed& message) {
  return Block(Kind::kExecFailed, {{"text", message.text}});
}

Payload PayloadOf(const Attach& message) {
  absl::string_view from;
  for (const auto& [value, name] : kFroms) {
    if (value == message.from) from = name;
  }
  return Block(Kind::kAttach, {{"version", absl::StrCat(message.version)},
                               {"session", message.session},
                               {"rows", absl::StrCat(message.rows)},
                               {"cols", absl::StrCat(message.cols)},
                               {"from", std::string(from)},
                               {"value", absl::StrCat(message.value)},
                               {"read-only", message.read_only ? "1" : "0"},
                               {"kick", message.kick ? "1" : "0"},
                               {"stream", absl::StrCat(message.stream)},
                               {"offset", absl::StrCat(message.offset)}});
}

Payload PayloadOf(const Attached& message) {
  return Block(Kind::kAttached, {{"version", absl::StrCat(message.version)},
                                 {"session", message.session},
                                 {"stream", absl::StrCat(message.stream)},
                                 {"offset", absl::StrCat(message.offset)},
                                 {"end", absl::StrCat(message.end)},
                                 {"rows", absl::StrCat(message.rows)},
                                 {"cols", absl::StrCat(message.cols)},
                                 {"number", absl::StrCat(message.number)},
                                 {"running", message.running ? "1" : "0"},
                                 {"state", message.state},
                                 {"rights", Spell(message.rights)}});
}

Payload PayloadOf(const Output& message) {
  return {Kind::kOutput, message.bytes.substr(0, kLongestPayload)};
}

Payload PayloadOf(const Paint& message) {
  return {Kind::kPaint, message.bytes.substr(0, kLongestPayload)};
}

Payload PayloadOf(const Keys& message) {
  return {Kind::kKeys, message.bytes.substr(0, kLongestPayload)};
}

Payload PayloadOf(const Resize& message) {
  return Block(Kind::kResize, {{"rows", absl::StrCat(message.rows)},
                               {"cols", absl::StrCat(message.cols)}});
}

Payload PayloadOf(const Notice& message) {
  return Block(Kind::kNotice, message.fields);
}

Payload PayloadOf(const Ask& message) {
  KeyValues pairs = {{"version", absl::StrCat(message.version)},
                     {"what", message.what}};
  pairs.insert(pairs.end(), message.fields.begin(), message.fields.end());
  return Block(Kind::kAsk, pairs);
}

Payload PayloadOf(const Item& message) {
  return Block(Kind::kItem, message.fields);
}

Payload PayloadOf(const Done&) {
  return Block(Kind::kDone, {});
}

absl::StatusOr<HeadMessage> DecodeRegister(const KeyValues& pairs) {
  Register message;
  ASSIGN_OR_RETURN(message.version, Number<int>(pairs, "version", kMostShort));
  message.name = Text(pairs, "name");
  // What another version says besides, and how, isn't ours to judge.
  if (message.version != kProtocolVersion) return message;
  ASSIGN_OR_RETURN(message.rows, Number<uint16_t>(pairs, "rows", kMostShort));
  ASSIGN_OR_RETURN(message.cols, Number<uint16_t>(pairs, "cols", kMostShort));
  ASSIGN_OR_RETURN(message.replace, Number<bool>(pairs, "replace", 1));
  if (!IsSessionName(message.name)) {
    return absl::InvalidArgumentError("no valid session name");
  }
  message.term = Text(pairs, "term");
  message.argv =
      absl::StrSplit(ValueOf(pairs, "argv").substr(0, kLongestArgv), '\0');
  return message;
}

absl::StatusOr<HeadMessage> DecodeAttach(const KeyValues& pairs) {
  Attach message;
  ASSIGN_OR_RETURN(message.version, Number<int>(pairs, "version", kMostShort));
  message.session = Text(pairs, "session");
  if (message.version != kProtocolVersion) return message;
  if (!message.session.empty() && !IsSessionName(message.session)) {
    return absl::InvalidArgumentError("no valid session name");
  }
  ASSIGN_OR_RETURN(message.rows, Number<uint16_t>(pairs, "rows", kMostShort));
  ASSIGN_OR_RETURN(message.cols, Number<uint16_t>(pairs, "cols", kMostShort));
  ASSIGN_OR_RETURN(message.value, Number<uint64_t>(pairs, "value", kMost));
  ASSIGN_OR_RETURN(message.read_only, Number<bool>(pairs, "read-only", 1));
  ASSIGN_OR_RETURN(message.kick, Number<bool>(pairs, "kick", 1));
  ASSIGN_OR_RETURN(message.stream, Number<uint64_t>(pairs, "stream", kMost));
  ASSIGN_OR_RETURN(message.offset, Number<uint64_t>(pairs, "offset", kMost));
  const absl::string_view from = ValueOf(pairs, "from");
  for (const auto& [value, name] : kFroms) {
    message.from = value;
    if (name == from) return message;
  }
  return absl::InvalidArgumentError("no known value for from");
}

absl::StatusOr<HeadMessage> DecodeAttached(const KeyValues& pairs) {
  Attached message;
  ASSIGN_OR_RETURN(message.version, Number<int>(pairs, "version", kMostShort));
  message.session = Text(pairs, "session");
  if (message.version != kProtocolVersion) return message;
  ASSIGN_OR_RETURN(message.stream, Number<uint64_t>(pairs, "stream", kMost));
  ASSIGN_OR_RETURN(message.offset, Number<uint64_t>(pairs, "offset", kMost));
  ASSIGN_OR_RETURN(message.end, Number<uint64_t>(pairs, "end", kMost));
  ASSIGN_OR_RETURN(message.rows, Number<uint16_t>(pairs, "rows", kMostShort));
  ASSIGN_OR_RETURN(message.cols, Number<uint16_t>(pairs, "cols", kMostShort));
  ASSIGN_OR_RETURN(message.number, Number<uint64_t>(pairs, "number", kMost));
  ASSIGN_OR_RETURN(message.running, Number<bool>(pairs, "running", 1));
  message.state = Text(pairs, "state");
  // A head that knows no rights serves only those who have all.
  const absl::string_view rights = ValueOf(pairs, "rights");
  if (!rights.empty()) message.rights = KnownRights(rights);
  return message;
}

absl::StatusOr<HeadMessage> DecodeAsk(KeyValues pairs) {
  Ask message;
  ASSIGN_OR_RETURN(message.version, Number<int>(pairs, "version", kMostShort));
  message.what = Text(pairs, "what");
  for (const absl::string_view key : {"version", "what"}) {
    const auto found =
        std::find_if(pairs.begin(), pairs.end(),
                     [key](const auto& pair) { return pair.first == key; });
    if (found != pairs.end()) pairs.erase(found);
  }
  message.fields = std::move(pairs);
  return message;
}

absl::StatusOr<HeadMessage> DecodeBlock(Kind kind, const KeyValues& pairs) {
  switch (kind) {
    case Kind::kRegister:
      return DecodeRegister(pairs);
    case Kind::kAccepted: {
      ASSIGN_OR_RETURN(const int version,
                       Number<int>(pairs, "version", kMostShort));
      return Accepted{version, Text(pairs, "name")};
    }
    case Kind::kRefused: {
      ASSIGN_OR_RETURN(const int version,
                       Number<int>(pairs, "version", kMostShort));
      return Refused{version, Text(pairs, "code"), Text(pairs, "text")};
    }
    case Kind::kExecFailed:
      return ExecFailed{Text(pairs, "text")};
    case Kind::kAttach:
      return DecodeAttach(pairs);
    case Kind::kAttached:
      return DecodeAttached(pairs);
    case Kind::kResize: {
      Resize message;
      ASSIGN_OR_RETURN(message.rows,
                       Number<uint16_t>(pairs, "rows", kMostShort));
      ASSIGN_OR_RETURN(message.cols,
                       Number<uint16_t>(pairs, "cols", kMostShort));
      return message;
    }
    case Kind::kNotice:
      return Notice{pairs};
    case Kind::kAsk:
      return DecodeAsk(pairs);
    case Kind::kItem:
      return Item{pairs};
    case Kind::kDone:
      return Done{};
    case Kind::kOutput:
    case Kind::kPaint:
    case Kind::kKeys:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown kind of message, ", static_cast<int>(kind)));
}

absl::StatusOr<HeadMessage> DecodePayload(Kind kind,
                                          absl::string_view payload) {
  switch (kind) {
    case Kind::kOutput:
      return Output{std::string(payload)};
    case Kind::kPaint:
      return Paint{std::string(payload)};
    case Kind::kKeys:
      return Keys{std::string(payload)};
    default:
      break;
  }
  ASSIGN_OR_RETURN(const KeyValues pairs, DecodeKeyValues(payload));
  return DecodeBlock(kind, pairs);
}

std::string HeaderOf(Kind kind, size_t size) {
  return EncodeHeader({.modifier1 = kDeptyr,
                       .size = static_cast<uint16_t>(size),
                       .modifier2 = static_cast<uint8_t>(kind)});
}

}  // namespace

std::string Encode(const HeadMessage& message) {
  const auto [kind, payload] =
      std::visit([](const auto& m) { return PayloadOf(m); }, message);
  return EncodePacket(kDeptyr, static_cast<uint8_t>(kind), payload);
}

std::string EncodePaint(absl::string_view bytes) {
  std::string packets;
  AppendPaint(packets, bytes);
  return packets;
}

void AppendPaint(std::string& packets, absl::string_view bytes) {
  // As much as is needed, and no more: it may be megabytes.
  const size_t count = bytes.size() / kLongestOutput + 2;
  packets.reserve(packets.size() + bytes.size() + count * kPacketHeader);
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, kLongestOutput);
    packets += EncodePacket(kDeptyr, static_cast<uint8_t>(Kind::kPaint), part);
    bytes.remove_prefix(part.size());
  }
}

std::string OutputHeader(size_t size) {
  return HeaderOf(Kind::kOutput, size);
}

std::string KeysHeader(size_t size) {
  return HeaderOf(Kind::kKeys, size);
}

bool BeginsKeys(absl::string_view bytes) {
  const auto header = PeekHeader(bytes);
  return header && header->modifier1 == kDeptyr &&
         header->modifier2 == static_cast<uint8_t>(Kind::kKeys);
}

absl::StatusOr<std::optional<HeadMessage>> TakeMessage(
    absl::string_view& bytes) {
  // The first byte is judged as soon as it is there: a peer that isn't ours
  // may never send four.
  if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) != kDeptyr) {
    return absl::InvalidArgumentError("not deptyr's protocol");
  }
  const std::optional<PacketHeader> header = PeekHeader(bytes);
  if (!header || bytes.size() < kPacketHeader + header->size) {
    return std::optional<HeadMessage>();
  }
  ASSIGN_OR_RETURN(HeadMessage message,
                   DecodePayload(static_cast<Kind>(header->modifier2),
                                 bytes.substr(kPacketHeader, header->size)));
  bytes.remove_prefix(kPacketHeader + header->size);
  return std::optional<HeadMessage>(std::move(message));
}

}  // namespace deptyr
