#include "lib/wire/messages.h"

#include <concepts>
#include <limits>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/argv.h"
#include "lib/base/status.h"
#include "lib/wire/session_name.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

// modifier2 of a packet with this message.
uint8_t KindOf(const HeadMessage& message) {
  return static_cast<uint8_t>(message.index() + 1);
}

// In the order of From.
constexpr absl::string_view kFroms[] = {"screen", "history", "offset", "now"};

// How a field of each type is spelt; rights are in lib/wire/rights.h.
std::string Spell(const std::string& text) {
  return text;
}
std::string Spell(const std::vector<std::string>& argv) {
  return JoinArgv(argv);
}
std::string Spell(std::unsigned_integral auto number) {
  return absl::StrCat(uint64_t{number});
}
std::string Spell(From from) {
  return std::string(kFroms[static_cast<size_t>(from)]);
}

// How a field of each type is read; the errors are for a peer's author.
absl::Status Read(absl::string_view, std::string& field, std::string text) {
  field = std::move(text);
  return absl::OkStatus();
}
absl::Status Read(absl::string_view, std::vector<std::string>& field,
                  const std::string& text) {
  field = SplitArgv(text.substr(0, kLongestText));
  return absl::OkStatus();
}
absl::Status Read(absl::string_view, Rights& field, const std::string& text) {
  if (!text.empty()) field = KnownRights(text);
  return absl::OkStatus();
}
template <std::unsigned_integral T>
absl::Status Read(absl::string_view key, T& field, const std::string& text) {
  constexpr uint64_t kMost = std::numeric_limits<T>::max();
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, " is not a number from 0 to ", kMost));
  }
  field = static_cast<T>(number);
  return absl::OkStatus();
}
template <typename T>
absl::Status Read(absl::string_view key, std::optional<T>& field,
                  const std::string& text) {
  if (text.empty()) return absl::OkStatus();
  return Read(key, field.emplace(), text);
}
absl::Status Read(absl::string_view key, From& field, const std::string& text) {
  const auto* const found = absl::c_find(kFroms, text);
  if (found == std::end(kFroms)) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, " is neither screen, history, offset nor now"));
  }
  field = static_cast<From>(found - kFroms);
  return absl::OkStatus();
}

// A name that comes from outside becomes part of paths and lines of the log.
bool HasSoundName(const Attach& message) {
  return message.session.empty() || IsSessionName(message.session);
}
bool HasSoundName(const auto& message) {
  constexpr bool kBringsProgram = requires {
    message.argv;
  };
  if constexpr (kBringsProgram) return IsSessionName(message.name);
  return true;
}

std::string KeyOf(absl::string_view field) {
  return absl::StrReplaceAll(field, {{"_", "-"}});
}

template <typename Message>
std::string PayloadOf(const Message& message) {
  if constexpr (requires { message.bytes; }) {
    return message.bytes.substr(0, kLongestPayload);
  }
  KeyValues pairs;
  const auto add = [&pairs]<typename T>(absl::string_view name,
                                        const T& field) {
    if constexpr (std::is_same_v<T, KeyValues>) {
      pairs.insert(pairs.end(), field.begin(), field.end());
    } else if constexpr (requires { field.has_value(); }) {
      if (field) pairs.emplace_back(KeyOf(name), Spell(*field));
    } else {
      pairs.emplace_back(KeyOf(name), Spell(field));
    }
  };
  if constexpr (HasFields<Message>) ForEachField(add, message);
  std::string block;
  for (const auto& [key, value] : pairs) {
    const std::string pair = EncodeKeyValues(
        {{key.substr(0, kLongestText), value.substr(0, kLongestText)}});
    if (block.size() + pair.size() > kLongestPayload) break;
    block += pair;
  }
  return block;
}

// Takes the first value of `key` out of `pairs`, or returns "".
std::string TakeValue(KeyValues& pairs, absl::string_view key) {
  const auto found = absl::c_find_if(
      pairs, [key](const auto& pair) { return pair.first == key; });
  if (found == pairs.end()) return "";
  std::string value = std::move(found->second);
  pairs.erase(found);
  return value;
}

template <typename Message>
absl::StatusOr<HeadMessage> Decode(absl::string_view payload) {
  Message message;
  if constexpr (requires { message.bytes; }) {
    message.bytes = std::string(payload);
    return message;
  }
  ASSIGN_OR_RETURN(KeyValues pairs, DecodeKeyValues(payload));
  absl::Status status;
  const auto read = [&]<typename T>(absl::string_view name, T& field) {
    if constexpr (std::is_same_v<T, KeyValues>) {
      field = std::move(pairs);
    } else {
      const std::string key = KeyOf(name);
      status.Update(Read(key, field, TakeValue(pairs, key)));
    }
  };
  if constexpr (HasFields<Message>) ForEachField(read, message);
  // Another version may spell everything after its number differently, and that
  // must not keep anybody from telling its sender about the version.
  if constexpr (requires { message.version; }) {
    if (message.version != kProtocolVersion) return message;
  }
  RETURN_IF_ERROR(status);
  if (!HasSoundName(message)) {
    return absl::InvalidArgumentError("no valid session name");
  }
  return message;
}

template <size_t at = 0>
absl::StatusOr<HeadMessage> Decode(uint8_t kind, absl::string_view payload) {
  if constexpr (at < std::variant_size_v<HeadMessage>) {
    using Here = std::variant_alternative_t<at, HeadMessage>;
    return kind == at + 1 ? Decode<Here>(payload)
                          : Decode<at + 1>(kind, payload);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown kind of message, ", static_cast<int>(kind)));
  }
}

}  // namespace

std::string Encode(const HeadMessage& message) {
  return EncodePacket(
      kDeptyr, KindOf(message),
      std::visit([](const auto& it) { return PayloadOf(it); }, message));
}

std::string EncodePaint(absl::string_view bytes, std::string packets) {
  // Take no more memory than is needed: a picture may have megabytes.
  const size_t count = bytes.size() / kLongestOutput + 2;
  packets.reserve(packets.size() + bytes.size() + count * kPacketHeader);
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, kLongestOutput);
    packets += EncodePacket(kDeptyr, KindOf(Paint()), part);
    bytes.remove_prefix(part.size());
  }
  return packets;
}

std::string HeaderOf(const HeadMessage& kind, size_t size) {
  return EncodeHeader(kDeptyr, size, KindOf(kind));
}

bool BeginsKeys(absl::string_view bytes) {
  const auto header = PeekHeader(bytes);
  return header && header->modifier1 == kDeptyr &&
         header->modifier2 == KindOf(Keys());
}

absl::StatusOr<std::optional<HeadMessage>> TakeMessage(absl::string_view& bytes,
                                                       size_t longest) {
  // The first byte is judged as soon as it is there: a peer that isn't ours
  // may never send four.
  if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) != kDeptyr) {
    return absl::InvalidArgumentError("not deptyr's protocol");
  }
  const std::optional<PacketHeader> header = PeekHeader(bytes);
  if (!header || bytes.size() < kPacketHeader + header->size) {
    if (bytes.size() <= longest) return std::nullopt;
    return absl::InvalidArgumentError("a message longer than any there is");
  }
  ASSIGN_OR_RETURN(
      HeadMessage message,
      Decode(header->modifier2, bytes.substr(kPacketHeader, header->size)));
  bytes.remove_prefix(kPacketHeader + header->size);
  return message;
}

}  // namespace deptyr
