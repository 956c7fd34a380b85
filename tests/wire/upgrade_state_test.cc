// All of the state that a head hands over arrives, and another version of it is
// found out.
#include "lib/wire/upgrade_state.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/head/upgrade.h"
#include "lib/session/ring.h"
#include "tests/support/status_matchers.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// A text with every possible byte.
std::string Bytes() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  return bytes;
}

ClientState SomeClient() {
  return {.id = 7,
          .since = 1'700'000'000'000,
          .session = "a:b",
          .cursor = uint64_t{1} << 40,
          .missed = 9,
          .deaf = true,
          .rows = 30,
          .cols = 100,
          .untyped = Bytes(),
          .held = "\x1b[",
          .answered = 11,
          .replaying = true,
          .header = "\xde\x03",
          .packet_left = 12,
          .insert_begun = true,
          .inserts = {{13, Bytes(), true, 12}, {14, "x", false, 0}},
          .begins = true,
          .lost = true};
}

HeadState Everything() {
  int fd = 100;
  HeadState state;
  state.program = "deptyr 1";
  state.since = 15;
  state.sockets = {{"head", fd++, "/run/x", 16, 17}};
  state.kept = {"deptyr.ring.0.a"};
  state.held = {{"deptyr.ring.0.b", fd++}};
  state.sessions = {{.name = "a:b",
                     .ring = fd++,
                     .controller = fd++,
                     .pidfd = fd++,
                     .argv = {"sh", "-c"},
                     .keystrokes = Bytes(),
                     .leader = 18,
                     .paint = Bytes(),
                     .modes = Bytes(),
                     .painted = 19,
                     .exact = true,
                     .answered = 20,
                     .not_executed = true,
                     .status_told = true,
                     .code = 21,
                     .signal = 22,
                     .left = Bytes(),
                     .left_rows = 23,
                     .left_cols = 24,
                     .left_how = "ended",
                     .order = 30}};
  state.newest = "a:b";
  state.ended = {"c", "d"};
  state.clients = {{.client = SomeClient(),
                    .fd = fd++,
                    .wanted = "later",
                    .uwsgi = true,
                    .shows = 2,
                    .read_only = true,
                    .allow_signals = true,
                    .allow = {"uid:7=see"},
                    .inbox = Bytes(),
                    .rows = 25,
                    .cols = 26,
                    .input_closed = true,
                    .received = 27,
                    .greeting = {}}};
  state.attached = {{.client = SomeClient(),
                     .fd = fd++,
                     .wish = Bytes(),
                     .inbox = Bytes(),
                     .rows = 28,
                     .cols = 29,
                     .input_closed = true,
                     .done_said = true}};
  state.askers = {{.fd = fd++,
                   .inbox = Bytes(),
                   .outbox = Bytes(),
                   .input_closed = true,
                   .listens = true,
                   .session = "a:b",
                   .upgrades = true,
                   .lists = true,
                   .listed = "a"}};
  state.peers = {
      {.fd = fd++, .inbox = Bytes(), .passed = fd++, .session = "a"}};
  state.terminal = Bytes();
  state.shown = "a:b";
  state.viewer = SomeClient();
  state.viewer_leads = true;
  state.refused = {{"limit", 3}};
  state.last_client = 17;
  return state;
}

json Parsed(const std::string& bytes) {
  return json::from_cbor(bytes, true, false);
}
std::string Spelled(const json& value) {
  std::string bytes;
  json::to_cbor(value, bytes);
  return bytes;
}

// A structure has as many fields as it can be made from.
struct Anything {
  template <typename T>
  operator T() const;  // NOLINT(google-explicit-constructor)
};
template <typename T, typename... Fields>
constexpr size_t FieldsOf() {
  if constexpr (requires { T{Fields{}..., Anything{}}; }) {
    return FieldsOf<T, Fields..., Anything>();
  } else {
    return sizeof...(Fields);
  }
}

TEST(UpgradeStateTest, EverythingArrives) {
  const std::string bytes = Encode(Everything());
  const HeadState again = Value(Decode(bytes));
  EXPECT_EQ(Encode(again), bytes);
  EXPECT_EQ(again.clients[0].client.inserts[0].text, Bytes());
  EXPECT_EQ(again.clients[0].client.cursor, uint64_t{1} << 40);
  EXPECT_EQ(again.attached[0].wish, Bytes());
  EXPECT_EQ(again.sessions[0].left, Bytes());
  EXPECT_EQ(again.terminal, Bytes());
}

// deptyr 0.1.0 wrote the file: heads of both versions replace each other.
TEST(UpgradeStateTest, TheBytesAreThoseThat010Wrote) {
  std::ifstream file(absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"),
                                  "/tests/wire/upgrade_state.cbor"),
                     std::ios::binary);
  const std::string frozen{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(Encode(Everything()) == frozen);
  EXPECT_EQ(Value(Decode(frozen)), Everything());
}

// A field with its initial value isn't written, and a round trip would show
// nothing of it.
TEST(UpgradeStateTest, TheTestHasEveryField) {
  HeadState state = Everything();
  // These are newer than the file.
  state.viewer_redo = "\x1b[1m";
  state.unwanted = {"deptyr.pty.3.a"};
  state.clients[0].client.typed = 12;
  state.clients[0].client.last_typed = 13;
  SessionState& session = state.sessions[0];
  session.stopped_by = 7;
  session.writer = 8;
  session.writer_before = 9;
  session.log = 99;
  session.log_style = "text";
  session.log_offset = 31;
  session.log_queue = Bytes();
  session.log_lost = 32;
  session.log_all_lost = 33;
  session.log_ended = true;
  session.log_full_screen = true;
  session.log_spool = 98;
  ClientState& connected = state.clients[0].client;
  connected.xpixels = 800;
  connected.ypixels = 600;
  state.clients[0].asks_size = true;
  state.clients[0].ends_with_program = true;
  state.clients[0].greeting = Bytes();
  state.attached[0].xpixels = 801;
  state.attached[0].ypixels = 601;
  session.file_spool = 97;
  session.lacks_picture = true;
  const json full = Parsed(Encode(state));
  EXPECT_EQ(full.size(), FieldsOf<HeadState>() + 1);  // the version
  EXPECT_EQ(full["sockets"][0].size(), FieldsOf<SocketState>());
  EXPECT_EQ(full["held"][0].size(), FieldsOf<HeldState>());
  EXPECT_EQ(full["sessions"][0].size(), FieldsOf<SessionState>());
  EXPECT_EQ(full["clients"][0].size(), FieldsOf<SocketClientState>());
  EXPECT_EQ(full["attached"][0].size(), FieldsOf<AttachClientState>());
  EXPECT_EQ(full["askers"][0].size(), FieldsOf<AskerState>());
  EXPECT_EQ(full["peers"][0].size(), FieldsOf<PeerState>());
  const json client = full["clients"][0]["client"];
  EXPECT_EQ(client.size(), FieldsOf<ClientState>());
  EXPECT_EQ(client["inserts"][0].size(), FieldsOf<InsertState>());
}

// A field with its type's initial value isn't written, so that value has to be
// the one it begins with.
template <typename... Structures>
void ExpectFieldsBeginAsTheirTypesDo() {
  const auto check = []<typename Field>(absl::string_view name,
                                        const Field& field) {
    EXPECT_TRUE(field == Field()) << name;
  };
  const std::tuple<Structures...> initial;
  std::apply([&](const auto&... one) { (ForEachField(check, one), ...); },
             initial);
}

TEST(UpgradeStateTest, FieldsBeginAsTheirTypesDo) {
  ExpectFieldsBeginAsTheirTypesDo<
      HeadState, SocketState, HeldState, SessionState, SocketClientState,
      AttachClientState, AskerState, PeerState, ClientState, InsertState>();
}

TEST(UpgradeStateTest, AFieldWithItsInitialValueIsNotWritten) {
  HeadState state;
  state.sessions.resize(1);
  EXPECT_EQ(Parsed(Encode(state)), (json{{"version", kUpgradeStateVersion},
                                         {"sessions", {json::object()}}}));
}

TEST(UpgradeStateTest, AnUnknownFieldIsSkipped) {
  json value = Parsed(Encode(Everything()));
  value["later"] = {{"x", 1}};
  value["sessions"][0]["later"] = "x";
  value["clients"][0]["client"]["later"] = json::array({1, 2});
  EXPECT_EQ(Encode(Value(Decode(Spelled(value)))), Encode(Everything()));
}

TEST(UpgradeStateTest, AMissingFieldHasItsInitialValue) {
  json value = Parsed(Encode(Everything()));
  value.erase("askers");
  value["sessions"][0].erase("controller");
  value["clients"][0]["client"].erase("untyped");
  const HeadState state = Value(Decode(Spelled(value)));
  EXPECT_TRUE(state.askers.empty());
  EXPECT_EQ(state.sessions[0].controller, -1);
  EXPECT_EQ(state.clients[0].client.untyped, "");
  EXPECT_EQ(Encode(Value(Decode(Spelled({{"version", kUpgradeStateVersion}})))),
            Encode(HeadState()));
}

TEST(UpgradeStateTest, AnotherVersionIsRefused) {
  json value = Parsed(Encode(Everything()));
  value["version"] = kUpgradeStateVersion + 1;
  EXPECT_THAT(Decode(Spelled(value)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("format 2"), HasSubstr("knows 1"))));
  value["version"] = "1";
  EXPECT_FALSE(Decode(Spelled(value)).ok());
}

TEST(UpgradeStateTest, BytesThatAreNoStateAreRefused) {
  const std::string bytes = Encode(Everything());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Decode(bytes.substr(0, size)).ok()) << size;
  }
  for (const std::string& text :
       {std::string("{}"), Bytes(), bytes + "x", Spelled(json::array({1})),
        Spelled(json::object())}) {
    EXPECT_FALSE(Decode(text).ok());
  }
}

TEST(UpgradeStateTest, AFieldOfAnotherTypeIsRefused) {
  const json good = Parsed(Encode(Everything()));
  const auto refused = [&good](auto change) {
    json value = good;
    change(value);
    return absl::IsInvalidArgument(Decode(Spelled(value)).status());
  };
  EXPECT_FALSE(refused([](json&) {}));
  EXPECT_TRUE(refused([](json& value) { value["program"] = 1; }));
  EXPECT_TRUE(refused([](json& value) { value["kept"] = "x"; }));
  EXPECT_TRUE(refused([](json& value) { value["kept"][0] = 1; }));
  EXPECT_TRUE(refused([](json& value) { value["sessions"] = nullptr; }));
  EXPECT_TRUE(refused([](json& value) { value["sessions"][0] = 1; }));
  EXPECT_TRUE(refused([](json& value) { value["sessions"][0]["ring"] = 1.5; }));
  EXPECT_TRUE(refused([](json& value) { value["viewer_leads"] = 1; }));
  EXPECT_TRUE(refused([](json& value) { value["refused"]["limit"] = -1; }));
  EXPECT_TRUE(refused([](json& value) { value["refused"] = 1; }));
  // These are more than the field can hold.
  EXPECT_TRUE(
      refused([](json& value) { value["viewer"]["rows"] = uint64_t{65536}; }));
  EXPECT_TRUE(
      refused([](json& value) { value["clients"][0]["fd"] = 1L << 40; }));
}

TEST(UpgradeStateTest, ClaimedLengthsAndDepthAreLimited) {
  // {"x": an array of 2^63-1 elements
  EXPECT_FALSE(Decode("\xa1\x61x\x9b\x7f\xff\xff\xff\xff\xff\xff\xff").ok());
  EXPECT_FALSE(Decode("\xbb\x7f\xff\xff\xff\xff\xff\xff\xff").ok());
  EXPECT_FALSE(Decode(std::string(1'000'000, '\x81')).ok());
  EXPECT_FALSE(Decode(std::string(1'000'000, '\x9f')).ok());
  // An unknown field may have as many levels as the limit allows.
  const auto nested = [](int levels) {
    json value;
    for (int i = 0; i < levels; ++i) value = json::array({value});
    return Decode(Spelled({{"version", kUpgradeStateVersion}, {"x", value}}));
  };
  EXPECT_THAT(nested(31), IsOk());
  EXPECT_FALSE(nested(32).ok());
}

// Another library may begin a map whose length it doesn't know yet.
TEST(UpgradeStateTest, AMapMayHaveNoLength) {
  std::string bytes =
      Spelled({{"version", kUpgradeStateVersion}, {"newest", "a"}});
  bytes[0] = '\xbf';
  EXPECT_EQ(Value(Decode(bytes + '\xff')).newest, "a");
}

TEST(UpgradeStateTest, ANumberMayBeNegative) {
  json value = Parsed(Encode(Everything()));
  value["sessions"][0]["pidfd"] = -1;
  EXPECT_EQ(Value(Decode(Spelled(value))).sessions[0].pidfd, -1);
}

TEST(UpgradeStateTest, DescriptorsOfHasAllOfThem) {
  // Everything() numbers them from 100 on.
  std::vector<int> wanted;
  for (int fd = 100; fd < 110; ++fd) wanted.push_back(fd);
  EXPECT_THAT(DescriptorsOf(Everything()),
              testing::UnorderedElementsAreArray(wanted));
  HeadState none;
  none.sessions.resize(1);
  none.peers.resize(1);
  EXPECT_THAT(DescriptorsOf(none), testing::IsEmpty());
  none.sessions[0].pidfd = 0;
  EXPECT_THAT(DescriptorsOf(none), testing::ElementsAre(0));
}

TEST(UpgradeStateTest, EveryRingHasToBeUnderstood) {
  Ring ring = Value(Ring::Create(4096));
  HeadState state;
  state.sessions.resize(1);
  state.sessions[0].name = "a";
  state.sessions[0].ring = ring.fd();
  EXPECT_THAT(CheckRings(state), IsOk());
  // A ring in use may move its offsets while they are looked at.
  const uint64_t end = ring.state().end;
  ring.state().end = ring.state().cleared + 1;
  EXPECT_THAT(CheckRings(state), IsOk());
  ring.state().end = end;
  ring.state().version = kRingVersion + 1;
  EXPECT_THAT(CheckRings(state), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          HasSubstr("session a: ")));
}

}  // namespace
}  // namespace deptyr
