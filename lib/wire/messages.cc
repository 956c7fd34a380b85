#include "lib/wire/messages.h"

#include <algorithm>
#include <concepts>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/argv.h"
#include "lib/base/status.h"
#include "lib/wire/session_name.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

template <typename Message>
concept HasBytes = requires(Message message) {
  message.bytes;
};

// modifier2 of a packet with this message.
template <typename Message, size_t at = 0>
constexpr uint8_t KindOf() {
  using Here = std::variant_alternative_t<at, HeadMessage>;
  if constexpr (std::is_same_v<Message, Here>) {
    return at + 1;
  } else {
    return KindOf<Message, at + 1>();
  }
}

constexpr std::pair<From, absl::string_view> kFroms[] = {
    {From::kScreen, "screen"},
    {From::kHistory, "history"},
    {From::kOffset, "offset"},
    {From::kNow, "now"},
};

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
  const auto* const found =
      std::find_if(std::begin(kFroms), std::end(kFroms),
                   [from](const auto& it) { return it.first == from; });
  return std::string(found->second);
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
absl::Status Read(absl::string_view key, From& field, const std::string& text) {
  for (const auto& [value, name] : kFroms) {
    field = value;
    if (name == text) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(key, " is neither screen, history, offset nor now"));
}

// A name that comes from outside becomes part of paths and lines of the log.
bool HasSoundName(const Register& message) {
  return IsSessionName(message.name);
}
bool HasSoundName(const Attach& message) {
  return message.session.empty() || IsSessionName(message.session);
}
bool HasSoundName(const auto&) {
  return true;
}

std::string KeyOf(absl::string_view field) {
  return absl::StrReplaceAll(field, {{"_", "-"}});
}

template <typename Message>
std::string PayloadOf(const Message& message) {
  KeyValues pairs;
  const auto add = [&pairs]<typename T>(absl::string_view name,
                                        const T& field) {
    if constexpr (std::is_same_v<T, KeyValues>) {
      pairs.insert(pairs.end(), field.begin(), field.end());
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

template <HasBytes Message>
std::string PayloadOf(const Message& message) {
  return message.bytes.substr(0, kLongestPayload);
}

// Takes the first value of `key` out of `pairs`, or returns "".
std::string TakeValue(KeyValues& pairs, absl::string_view key) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(),
                   [key](const auto& pair) { return pair.first == key; });
  if (found == pairs.end()) return "";
  std::string value = std::move(found->second);
  pairs.erase(found);
  return value;
}

template <typename Message>
absl::StatusOr<HeadMessage> Decode(absl::string_view payload) {
  ASSIGN_OR_RETURN(KeyValues pairs, DecodeKeyValues(payload));
  Message message;
  absl::Status status;
  // Another version may spell everything after its number differently, and that
  // must not keep anybody from telling its sender about the version.
  bool judged = true;
  const auto read = [&]<typename T>(absl::string_view name, T& field) {
    if constexpr (std::is_same_v<T, KeyValues>) {
      field = std::move(pairs);
    } else {
      const std::string key = KeyOf(name);
      absl::Status here = Read(key, field, TakeValue(pairs, key));
      if (judged && status.ok()) status = std::move(here);
      if constexpr (std::is_same_v<T, uint16_t>) {
        if (key == "version") judged = field == kProtocolVersion;
      }
    }
  };
  if constexpr (HasFields<Message>) ForEachField(read, message);
  if (!status.ok()) return status;
  if (judged && !HasSoundName(message)) {
    return absl::InvalidArgumentError("no valid session name");
  }
  return message;
}

template <HasBytes Message>
absl::StatusOr<HeadMessage> Decode(absl::string_view payload) {
  return Message{std::string(payload)};
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

std::string HeaderOf(uint8_t kind, size_t size) {
  return EncodeHeader({.modifier1 = kDeptyr,
                       .size = static_cast<uint16_t>(size),
                       .modifier2 = kind});
}

}  // namespace

std::string Encode(const HeadMessage& message) {
  return EncodePacket(
      kDeptyr, static_cast<uint8_t>(message.index() + 1),
      std::visit([](const auto& it) { return PayloadOf(it); }, message));
}

std::string EncodePaint(absl::string_view bytes) {
  std::string packets;
  AppendPaint(packets, bytes);
  return packets;
}

void AppendPaint(std::string& packets, absl::string_view bytes) {
  // Take no more memory than is needed: a picture may have megabytes.
  const size_t count = bytes.size() / kLongestOutput + 2;
  packets.reserve(packets.size() + bytes.size() + count * kPacketHeader);
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, kLongestOutput);
    packets += EncodePacket(kDeptyr, KindOf<Paint>(), part);
    bytes.remove_prefix(part.size());
  }
}

std::string OutputHeader(size_t size) {
  return HeaderOf(KindOf<Output>(), size);
}

std::string KeysHeader(size_t size) {
  return HeaderOf(KindOf<Keys>(), size);
}

bool BeginsKeys(absl::string_view bytes) {
  const auto header = PeekHeader(bytes);
  return header && header->modifier1 == kDeptyr &&
         header->modifier2 == KindOf<Keys>();
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
    if (bytes.size() > longest) return absl::InvalidArgumentError(kTooLong);
    return std::optional<HeadMessage>();
  }
  ASSIGN_OR_RETURN(
      HeadMessage message,
      Decode(header->modifier2, bytes.substr(kPacketHeader, header->size)));
  bytes.remove_prefix(kPacketHeader + header->size);
  return std::optional<HeadMessage>(std::move(message));
}

}  // namespace deptyr
