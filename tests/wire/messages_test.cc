#include "lib/wire/messages.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/wire/key_values.h"
#include "lib/wire/uwsgi.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// A literal with its NULs.
template <size_t size>
std::string Bytes(const char (&literal)[size]) {
  return {literal, size - 1};
}

// The kinds of messages that a body needs, and their bytes on the wire.  These
// are frozen, for the other side may be older.
struct Frozen {
  HeadMessage message;
  std::string bytes;
};

std::vector<Frozen> AllKinds() {
  return {
      {Register{.name = "build",
                .rows = 24,
                .cols = 132,
                .term = "xterm",
                .argv = {"sh", "-c", "a b"},
                .replace = true},
       Bytes("\xde\x58\x00\x01"
             "\x07\x00version\x01\x00"
             "1"
             "\x04\x00name\x05\x00"
             "build"
             "\x04\x00rows\x02\x00"
             "24"
             "\x04\x00"
             "cols\x03\x00"
             "132"
             "\x04\x00term\x05\x00xterm"
             "\x04\x00"
             "argv\x09\x00sh\x00-c\x00"
             "a b"
             "\x07\x00replace\x01\x00"
             "1")},
      {Accepted{.name = "build"}, Bytes("\xde\x19\x00\x02"
                                        "\x07\x00version\x01\x00"
                                        "1"
                                        "\x04\x00name\x05\x00"
                                        "build")},
      {Refused{.code = "limit", .text = "no"}, Bytes("\xde\x23\x00\x03"
                                                     "\x07\x00version\x01\x00"
                                                     "1"
                                                     "\x04\x00"
                                                     "code\x05\x00limit"
                                                     "\x04\x00text\x02\x00no")},
      {ExecFailed{"no"}, Bytes("\xde\x0a\x00\x04"
                               "\x04\x00text\x02\x00no")},
  };
}

TEST(HeadMessageTest, EveryKindEncodesToItsFrozenBytes) {
  for (const auto& [message, bytes] : AllKinds()) {
    EXPECT_EQ(Encode(message), bytes);
  }
}

TEST(HeadMessageTest, EveryKindDecodesFromItsFrozenBytes) {
  for (const auto& [message, bytes] : AllKinds()) {
    absl::string_view rest = bytes;
    EXPECT_EQ(Value(TakeMessage(rest)), message);
    EXPECT_EQ(rest, "");
  }
}

// The later kinds, with their numbers and payloads.
struct Numbered {
  uint8_t kind;
  HeadMessage message;
  std::string payload;
};

std::vector<Numbered> LaterKinds() {
  return {
      {5,
       Attach{.session = "build",
              .rows = 24,
              .cols = 80,
              .from = From::kOffset,
              .value = uint64_t{1} << 40,
              .read_only = true,
              .kick = true,
              .stream = ~uint64_t{0},
              .offset = 77,
              .xpixels = 800,
              .ypixels = 600},
       EncodeKeyValues({{"version", "1"},
                        {"session", "build"},
                        {"rows", "24"},
                        {"cols", "80"},
                        {"from", "offset"},
                        {"value", "1099511627776"},
                        {"read-only", "1"},
                        {"kick", "1"},
                        {"stream", "18446744073709551615"},
                        {"offset", "77"},
                        {"xpixels", "800"},
                        {"ypixels", "600"}})},
      {6,
       Attached{.session = "build",
                .stream = ~uint64_t{0},
                .offset = uint64_t{1} << 40,
                .end = (uint64_t{1} << 40) + 5,
                .rows = 24,
                .cols = 80,
                .number = 3,
                .running = true,
                .state = "runs, pid 12",
                .rights = {Right::kSee, Right::kType}},
       EncodeKeyValues({{"version", "1"},
                        {"session", "build"},
                        {"stream", "18446744073709551615"},
                        {"offset", "1099511627776"},
                        {"end", "1099511627781"},
                        {"rows", "24"},
                        {"cols", "80"},
                        {"number", "3"},
                        {"running", "1"},
                        {"state", "runs, pid 12"},
                        {"rights", "see,type"}})},
      {7, Output{Bytes("a\0b")}, Bytes("a\0b")},
      {8, Paint{"\033[2J"}, "\033[2J"},
      {9, Keys{"\003"}, "\003"},
      {10, Resize{.rows = 50, .cols = 200},
       EncodeKeyValues({{"rows", "50"}, {"cols", "200"}})},
      {11, Notice{{{"event", "started"}, {"pid", "12"}}},
       EncodeKeyValues({{"event", "started"}, {"pid", "12"}})},
      {12, Ask{.what = "status", .fields = {{"session", "build"}}},
       EncodeKeyValues(
           {{"version", "1"}, {"what", "status"}, {"session", "build"}})},
      {13, Item{{{"item", "session"}, {"name", "build"}}},
       EncodeKeyValues({{"item", "session"}, {"name", "build"}})},
      {14, Done{}, ""},
      {15, SendLog{"ansi"},
       Bytes("\x05\x00style\x04\x00"
             "ansi")},
      {16, Adopt{.name = "mc", .argv = {"mc", "-b"}, .probe = true},
       EncodeKeyValues({{"version", "1"},
                        {"name", "mc"},
                        {"argv", std::string("mc\0-b", 5)},
                        {"probe", "1"}})},
  };
}

TEST(HeadMessageTest, TheBytesOfTheLaterKindsAreFrozen) {
  for (const auto& [kind, message, payload] : LaterKinds()) {
    const std::string bytes = Encode(message);
    EXPECT_EQ(bytes, EncodePacket(kDeptyr, kind, payload));
    absl::string_view rest = bytes;
    EXPECT_EQ(Value(TakeMessage(rest)), message) << int{kind};
    EXPECT_EQ(rest, "");
  }
}

TEST(HeadMessageTest, EachBeginningOfAnAttachHasItsFrozenName) {
  for (const auto& [from, name] :
       std::vector<std::pair<From, std::string>>{{From::kScreen, "screen"},
                                                 {From::kHistory, "history"},
                                                 {From::kOffset, "offset"},
                                                 {From::kNow, "now"}}) {
    const std::string bytes = Encode(Attach{.from = from});
    const auto pairs =
        Value(DecodeKeyValues(absl::string_view(bytes).substr(kPacketHeader)));
    EXPECT_EQ(ValueOf(pairs, "from"), name);
    absl::string_view rest = bytes;
    EXPECT_EQ(Value(TakeMessage(rest)), HeadMessage(Attach{.from = from}));
  }
}

// Takes the message with another value for `key`, or gives nothing if it has no
// such key.
absl::StatusOr<std::optional<HeadMessage>> TakenWith(const HeadMessage& message,
                                                     absl::string_view key,
                                                     absl::string_view value) {
  const std::string bytes = Encode(message);
  auto pairs = DecodeKeyValues(absl::string_view(bytes).substr(4));
  bool has = false;
  for (auto& pair : *pairs) {
    if (pair.first != key) continue;
    pair.second = std::string(value);
    has = true;
  }
  if (!has) return std::nullopt;
  const std::string packet = EncodePacket(
      kDeptyr, static_cast<uint8_t>(bytes[3]), EncodeKeyValues(*pairs));
  absl::string_view rest = packet;
  return TakeMessage(rest);
}

std::vector<HeadMessage> KindsWithKeys() {
  std::vector<HeadMessage> result;
  for (const auto& [message, bytes] : AllKinds()) result.push_back(message);
  for (const auto& [kind, message, payload] : LaterKinds()) {
    if (kind < 7 || kind > 9) result.push_back(message);
  }
  return result;
}

TEST(HeadMessageTest, EveryKindRefusesANumberThatIsNone) {
  for (const auto& [key, kinds] :
       std::vector<std::pair<std::string, int>>{{"version", 7},
                                                {"rows", 4},
                                                {"cols", 4},
                                                {"value", 1},
                                                {"read-only", 1},
                                                {"kick", 1},
                                                {"replace", 1},
                                                {"probe", 1},
                                                {"stream", 2},
                                                {"offset", 2},
                                                {"end", 1},
                                                {"number", 1},
                                                {"running", 1}}) {
    int refused = 0;
    for (const HeadMessage& message : KindsWithKeys()) {
      const auto taken = TakenWith(message, key, "1x");
      if (taken.ok()) {
        EXPECT_EQ(*taken, std::nullopt) << key;
      } else {
        EXPECT_THAT(taken, StatusIs(absl::StatusCode::kInvalidArgument,
                                    HasSubstr(key)));
        ++refused;
      }
    }
    EXPECT_EQ(refused, kinds) << key;
  }
}

// Head has to tell its sender about the version, whatever else is wrong.
TEST(HeadMessageTest, AnAttachOfAnotherVersionIsJudgedByItsVersionOnly) {
  Attach wish{.session = "what?"};
  Attached here{.session = "what?", .state = ""};
  wish.version = here.version = 2;
  for (const HeadMessage& message : std::vector<HeadMessage>{wish, here}) {
    EXPECT_THAT(TakenWith(message, "rows", "x"), IsOk());
  }
}

TEST(HeadMessageTest, AnAttachToAnInvalidNameIsAnError) {
  EXPECT_THAT(TakenWith(Attach{.session = "a"}, "session", "../x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("name")));
  EXPECT_THAT(TakenWith(Attach{.session = "a"}, "session", ""), IsOk());
}

TEST(HeadMessageTest, AHeadThatSaysNoRightsServesClientsThatHaveAll) {
  std::string bytes = Encode(Attached{.session = "build", .state = "runs"});
  const std::string key("\x06\x00rights", 8);
  // Now the key is one that nobody knows.
  bytes[bytes.find(key) + 2] = 'x';
  absl::string_view rest = bytes;
  const auto message = Value(TakeMessage(rest));
  EXPECT_EQ(std::get<Attached>(*message).rights, Rights::All());
}

TEST(HeadMessageTest, WhoHasNoRightsIsNotToldToHaveAll) {
  const std::string packet =
      Encode(Attached{.session = "build", .state = "runs", .rights = Rights()});
  absl::string_view rest = packet;
  const auto message = Value(TakeMessage(rest));
  EXPECT_EQ(std::get<Attached>(*message).rights, Rights());
}

TEST(HeadMessageTest, AnOutputHeaderIsTheOneOfAnOutput) {
  EXPECT_EQ(HeaderOf(Output(), 3) + "abc", Encode(Output{"abc"}));
  const std::string longest(kLongestPayload, 'x');
  EXPECT_EQ(HeaderOf(Output(), longest.size()) + longest,
            Encode(Output{longest}));
}

TEST(HeadMessageTest, PairsThatDoNotFitIntoAPacketAreLeftOut) {
  KeyValues fields;
  for (int i = 0; i < 1000; ++i) {
    fields.emplace_back(absl::StrCat("key", i), std::string(1000, 'v'));
  }
  const std::string bytes = Encode(Item{fields});
  absl::string_view rest = bytes;
  const auto heard = Value(TakeMessage(rest));
  ASSERT_TRUE(heard.has_value());
  const KeyValues& kept = std::get<Item>(*heard).fields;
  EXPECT_GT(kept.size(), 60U);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), fields.begin()));
}

TEST(HeadMessageTest, TheRefusalCodesAreFrozen) {
  EXPECT_THAT(
      (std::vector<std::string>{
          kRefusedVersion, kRefusedMalformed, kRefusedDescriptor,
          kRefusedNameTaken, kRefusedNotOwner, kRefusedLimit, kRefusedTimeout,
          kRefusedStopping, kRefusedNoSession, kRefusedKicked,
          kRefusedNotPermitted, kRefusedCircle, kRefusedHeld}),
      ElementsAre("version", "malformed", "descriptor", "name-taken",
                  "not-owner", "limit", "timeout", "stopping", "no-session",
                  "kicked", "not-permitted", "circle", "held"));
  EXPECT_EQ(kDeptyr, 222);
  EXPECT_EQ(kProtocolVersion, 1);
}

TEST(HeadMessageTest, AMessageThatIsCutAnywhereIsWaitedFor) {
  for (const auto& [message, bytes] : AllKinds()) {
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      const std::string some = bytes.substr(0, cut);
      absl::string_view rest = some;
      EXPECT_EQ(Value(TakeMessage(rest)), std::nullopt) << cut;
      EXPECT_EQ(rest, some) << "nothing is taken before all is there";
    }
  }
}

TEST(HeadMessageTest, MessagesInOneReadAreTakenOneByOne) {
  std::string bytes;
  for (const Frozen& kind : AllKinds()) absl::StrAppend(&bytes, kind.bytes);
  absl::string_view rest = bytes;
  for (const Frozen& kind : AllKinds()) {
    EXPECT_EQ(Value(TakeMessage(rest)), kind.message);
  }
  EXPECT_EQ(rest, "");
}

// An OCI runtime, an HTTP client or a person with nc may never send four bytes.
TEST(HeadMessageTest, APeerOfAnotherProtocolIsFoundOutByItsFirstByte) {
  for (int first = 0; first < 256; ++first) {
    if (first == kDeptyr) continue;
    const std::string byte(1, static_cast<char>(first));
    absl::string_view rest = byte;
    EXPECT_THAT(TakeMessage(rest), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("deptyr's protocol")));
  }
}

// A body of 0.1.0 skips the key.
TEST(HeadMessageTest, AcceptedMaySayThatHeadTakesALog) {
  EXPECT_EQ(Encode(Accepted{.name = "a", .log = true}),
            Bytes("\xde\x1d\x00\x02"
                  "\x07\x00version\x01\x00"
                  "1"
                  "\x04\x00name\x01\x00"
                  "a"
                  "\x03\x00log\x01\x00"
                  "1"));
}

TEST(HeadMessageTest, AnUnknownKindIsAnError) {
  for (int kind = 0; kind < 256; ++kind) {
    if (kind >= 1 && kind <= 16) continue;
    const std::string packet =
        EncodePacket(kDeptyr, static_cast<uint8_t>(kind), "");
    absl::string_view rest = packet;
    EXPECT_THAT(TakeMessage(rest), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr(absl::StrCat(kind))));
  }
}

TEST(HeadMessageTest, APayloadThatIsNoKeyValueBlockIsAnError) {
  const std::string packet = EncodePacket(kDeptyr, 1, "x");
  absl::string_view rest = packet;
  EXPECT_THAT(TakeMessage(rest), StatusIs(absl::StatusCode::kInvalidArgument));
}

// Takes a registration that has these pairs.
absl::StatusOr<std::optional<HeadMessage>> TakeRegister(
    const KeyValues& pairs) {
  const std::string packet = EncodePacket(kDeptyr, 1, EncodeKeyValues(pairs));
  absl::string_view rest = packet;
  return TakeMessage(rest);
}

KeyValues ValidPairs() {
  return {{"version", "1"},  {"name", "build"}, {"rows", "24"},  {"cols", "80"},
          {"term", "xterm"}, {"argv", "sh"},    {"replace", "0"}};
}

KeyValues With(absl::string_view key, absl::string_view value) {
  KeyValues pairs = ValidPairs();
  for (auto& pair : pairs) {
    if (pair.first == key) pair.second = std::string(value);
  }
  return pairs;
}

TEST(RegisterTest, UnknownKeysAreSkippedSoThatAVersionCanGrow) {
  KeyValues pairs = ValidPairs();
  pairs.insert(pairs.begin(), {"colour", "blue"});
  pairs.emplace_back("", "");
  EXPECT_EQ(Value(TakeRegister(pairs)), Value(TakeRegister(ValidPairs())));
}

TEST(RegisterTest, NumbersOutOfTheirRangeAreErrors) {
  for (const char* key : {"version", "rows", "cols"}) {
    for (const char* wrong : {"", "-1", "65536", "99999999999", "x", "1x"}) {
      EXPECT_THAT(TakeRegister(With(key, wrong)),
                  StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(key)))
          << key << "=" << wrong;
    }
  }
  EXPECT_THAT(TakeRegister(With("replace", "2")),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(RegisterTest, AnInvalidNameIsAnError) {
  for (const absl::string_view wrong : {"", "../x", "-x", ".x", "a b"}) {
    EXPECT_THAT(TakeRegister(With("name", wrong)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << wrong;
  }
}

TEST(HeadMessageTest, AnAttachWithAnUnknownBeginningIsAnError) {
  const auto take = [](absl::string_view from) {
    const std::string packet =
        EncodePacket(kDeptyr, 5,
                     EncodeKeyValues({{"version", "1"},
                                      {"rows", "0"},
                                      {"cols", "0"},
                                      {"value", "0"},
                                      {"read-only", "0"},
                                      {"kick", "0"},
                                      {"stream", "0"},
                                      {"offset", "0"},
                                      {"from", std::string(from)}}));
    absl::string_view rest = packet;
    return TakeMessage(rest);
  };
  EXPECT_THAT(take("now"), IsOk());
  EXPECT_THAT(take("elsewhere"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("from")));
}

TEST(HeadMessageTest, AQuestionMayBeEmpty) {
  const std::string packet =
      EncodePacket(kDeptyr, 12, EncodeKeyValues({{"version", "1"}}));
  absl::string_view rest = packet;
  EXPECT_EQ(std::get<Ask>(*Value(TakeMessage(rest))), Ask());
}

// Head must be able to say "I speak version 1" to anybody.
TEST(RegisterTest, ARegistrationOfAnotherVersionIsJudgedByItsVersionOnly) {
  const auto message =
      Value(TakeRegister({{"version", "2"}, {"name", "what is a name then?"}}));
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<Register>(*message).version, 2);
}

TEST(RegisterTest, ALongCommandLineIsCut) {
  const Register sent{.name = "x",
                      .term = "",
                      .argv = {"cmd", std::string(3 * kLongestPayload, 'y')}};
  const std::string packet = Encode(sent);
  absl::string_view rest = packet;
  const auto message = Value(TakeMessage(rest));
  ASSERT_TRUE(message);
  EXPECT_THAT(std::get<Register>(*message).argv,
              ElementsAre("cmd", std::string(kLongestText - 4, 'y')));
  // A sender may not have cut it.
  const std::string whole = EncodePacket(
      kDeptyr, 1,
      EncodeKeyValues({{"version", "1"},
                       {"name", "x"},
                       {"rows", "1"},
                       {"cols", "1"},
                       {"replace", "0"},
                       {"argv", std::string(2 * kLongestText, 'y')}}));
  rest = whole;
  EXPECT_THAT(std::get<Register>(*Value(TakeMessage(rest))).argv,
              ElementsAre(std::string(kLongestText, 'y')));
}

// The rows of the tables in docs/protocol.md, by their first cell.
std::map<std::string, std::vector<std::string>> DocumentedRows() {
  std::ifstream page(
      absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"), "/docs/protocol.md"));
  std::map<std::string, std::vector<std::string>> rows;
  for (std::string line; std::getline(page, line);) {
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    if (cells.size() < 3 || cells[0].size() < 2) continue;
    rows.emplace(cells[0].substr(2), cells);  // of two equal ones the first
  }
  return rows;
}

// As the tables say what a field of each type may be.
std::string Documented(const std::string&) {
  return "text";
}
std::string Documented(const std::vector<std::string>&) {
  return "text";
}
std::string Documented(uint16_t) {
  return "0 to 65535";
}
std::string Documented(uint32_t) {
  return "0 to 2^32-1";
}
std::string Documented(uint64_t) {
  return "0 to 2^64-1";
}
std::string Documented(bool) {
  return "0 or 1";
}
template <typename T>
std::string Documented(const std::optional<T>&) {
  return absl::StrCat(Documented(T()), ", or missing");
}
std::string Documented(From) {
  return "a word";
}
std::string Documented(Rights) {
  return "words";
}

// The page's words on one message: its payload, and its keys' values.
struct Page {
  std::string payload = {};
  std::map<std::string, std::string> values = {};
};

template <typename Message>
Page PageOf(const Message& message) {
  if constexpr (requires { message.bytes; }) return {.payload = "bytes:"};
  Page page;
  const auto add = [&page]<typename T>(absl::string_view name, const T& field) {
    if constexpr (std::is_same_v<T, KeyValues>) {
      absl::StrAppend(&page.payload, page.payload.empty() ? "" : ", and ",
                      "keys of its own:");
    } else {
      const std::string key =
          absl::StrCat("`", absl::StrReplaceAll(name, {{"_", "-"}}), "`");
      absl::StrAppend(&page.payload, page.payload.empty() ? "" : " ", key);
      page.values[key] = Documented(field);
    }
  };
  if constexpr (HasFields<Message>) ForEachField(add, message);
  if (page.payload.empty()) page.payload = "nothing";
  return page;
}

TEST(ProtocolPageTest, HasTheFieldsOfEveryMessageAndNoOthers) {
  auto rows = DocumentedRows();
  rows["`cols`"] = rows["`rows`"] = rows["`rows` `cols`"];
  std::vector<HeadMessage> messages;
  for (const auto& [message, bytes] : AllKinds()) messages.push_back(message);
  for (const auto& [kind, message, bytes] : LaterKinds()) {
    messages.push_back(message);
  }
  ASSERT_EQ(messages.size(), std::variant_size_v<HeadMessage>);
  std::map<std::string, std::string> all;
  for (const HeadMessage& message : messages) {
    const std::string number = absl::StrCat(message.index() + 1);
    const Page page =
        std::visit([](const auto& it) { return PageOf(it); }, message);
    ASSERT_EQ(rows[number].size(), 4U) << number;
    // Whole, unless the page says more after a colon.
    const std::string end = page.payload.back() == ':' ? " " : " |";
    EXPECT_THAT(rows[number][3], StartsWith(page.payload + end)) << number;
    all.insert(page.values.begin(), page.values.end());
  }
  std::set<std::string> spellings;
  for (const auto& [key, value] : all) {
    ASSERT_EQ(rows[key].size(), 3U) << key;
    EXPECT_EQ(rows[key][1], value) << key;
    spellings.insert(value);
  }
  rows.erase("`rows` `cols`");
  for (const auto& [key, row] : rows) {
    EXPECT_TRUE(all.contains(key) || !spellings.contains(row[1])) << key;
  }
}

// A path or a TERM can be 128 KiB long, and yet we must send a valid message.
TEST(HeadMessageTest, TextsTooLongForAPacketAreCut) {
  const std::string text(3 * kLongestPayload, 'x');
  const Register message{.name = "a", .term = text, .argv = {"sh"}};
  for (const HeadMessage& long_one : std::vector<HeadMessage>{
           message, Refused{.code = "limit", .text = text}, ExecFailed{text}}) {
    const std::string packet = Encode(long_one);
    absl::string_view rest = packet;
    const auto decoded = TakeMessage(rest);
    ASSERT_THAT(decoded, IsOk());
    ASSERT_TRUE(decoded->has_value());
    EXPECT_EQ(rest, "");
    EXPECT_EQ((*decoded)->index(), long_one.index());
  }
}

TEST(BeginsKeysTest, OnlyAPacketOfKeysDoes) {
  const std::string keys = Encode(Keys{"x"});
  EXPECT_TRUE(BeginsKeys(keys));
  EXPECT_TRUE(BeginsKeys(keys.substr(0, 4)));
  EXPECT_FALSE(BeginsKeys(keys.substr(0, 3)));
  EXPECT_FALSE(BeginsKeys(Encode(Output{"x"})));
  std::string other = keys;
  other[0] = '\0';
  EXPECT_FALSE(BeginsKeys(other));
}

}  // namespace
}  // namespace deptyr
