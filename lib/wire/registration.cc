#include "lib/wire/registration.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "lib/base/status.h"
#include "lib/wire/key_values.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

constexpr size_t kLongestName = 64;

// modifier2.  Wire values are frozen.
enum class Kind : uint8_t {
  kRegister = 1,
  kAccepted = 2,
  kRefused = 3,
  kExecFailed = 4,
};

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("_.@:+-", absl::string_view(&c, 1));
}

absl::StatusOr<int> Number(const KeyValues& pairs, absl::string_view key,
                           int most) {
  const absl::string_view text = ValueOf(pairs, key);
  int number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < 0 || number > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("no number from 0 to ", most, " for ", key));
  }
  return number;
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

std::pair<Kind, KeyValues> Fields(const Register& message) {
  return {Kind::kRegister,
          {{"version", absl::StrCat(message.version)},
           {"name", message.name},
           {"rows", absl::StrCat(message.rows)},
           {"cols", absl::StrCat(message.cols)},
           {"term", Cut(message.term)},
           {"argv", JoinArgv(message.argv)},
           {"replace", message.replace ? "1" : "0"}}};
}

std::pair<Kind, KeyValues> Fields(const Accepted& message) {
  return {Kind::kAccepted,
          {{"version", absl::StrCat(message.version)}, {"name", message.name}}};
}

std::pair<Kind, KeyValues> Fields(const Refused& message) {
  return {Kind::kRefused,
          {{"version", absl::StrCat(message.version)},
           {"code", message.code},
           {"text", Cut(message.text)}}};
}

std::pair<Kind, KeyValues> Fields(const ExecFailed& message) {
  return {Kind::kExecFailed, {{"text", Cut(message.text)}}};
}

absl::StatusOr<HeadMessage> DecodeRegister(const KeyValues& pairs) {
  constexpr int kMost = 65535;
  Register message;
  ASSIGN_OR_RETURN(message.version, Number(pairs, "version", kMost));
  message.name = Text(pairs, "name");
  // What another version says besides, and how, isn't ours to judge.
  if (message.version != kProtocolVersion) return message;
  ASSIGN_OR_RETURN(const int rows, Number(pairs, "rows", kMost));
  ASSIGN_OR_RETURN(const int cols, Number(pairs, "cols", kMost));
  ASSIGN_OR_RETURN(const int replace, Number(pairs, "replace", 1));
  if (!IsSessionName(message.name)) {
    return absl::InvalidArgumentError("no valid session name");
  }
  message.rows = static_cast<uint16_t>(rows);
  message.cols = static_cast<uint16_t>(cols);
  message.replace = replace == 1;
  message.term = Text(pairs, "term");
  message.argv =
      absl::StrSplit(ValueOf(pairs, "argv").substr(0, kLongestArgv), '\0');
  return message;
}

absl::StatusOr<HeadMessage> DecodeKind(Kind kind, const KeyValues& pairs) {
  switch (kind) {
    case Kind::kRegister:
      return DecodeRegister(pairs);
    case Kind::kAccepted: {
      ASSIGN_OR_RETURN(const int version, Number(pairs, "version", 65535));
      return Accepted{version, Text(pairs, "name")};
    }
    case Kind::kRefused: {
      ASSIGN_OR_RETURN(const int version, Number(pairs, "version", 65535));
      return Refused{version, Text(pairs, "code"), Text(pairs, "text")};
    }
    case Kind::kExecFailed:
      return ExecFailed{Text(pairs, "text")};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown kind of message, ", static_cast<int>(kind)));
}

}  // namespace

bool IsSessionName(absl::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' &&
         name[0] != '-' &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

std::string SessionNameFor(absl::string_view program) {
  const size_t slash = program.rfind('/');
  std::string name(
      slash == absl::string_view::npos ? program : program.substr(slash + 1));
  name = name.substr(0, kLongestName);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !IsNameCharacter(c); },
      '_');
  if (name.empty()) name = "_";
  if (name[0] == '.' || name[0] == '-') name[0] = '_';
  return name;
}

std::string Encode(const HeadMessage& message) {
  const auto [kind, pairs] =
      std::visit([](const auto& m) { return Fields(m); }, message);
  return EncodePacket(kDeptyr, static_cast<uint8_t>(kind),
                      EncodeKeyValues(pairs));
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
  ASSIGN_OR_RETURN(const KeyValues pairs,
                   DecodeKeyValues(bytes.substr(kPacketHeader, header->size)));
  ASSIGN_OR_RETURN(HeadMessage message,
                   DecodeKind(static_cast<Kind>(header->modifier2), pairs));
  bytes.remove_prefix(kPacketHeader + header->size);
  return std::optional<HeadMessage>(std::move(message));
}

}  // namespace deptyr
