// The rules of a session and its clients at sockets: who leads, whose answers
// are typed, whose turn it is.  The program is this test, at the client end of
// a real PTY in raw mode.

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>

#include "lib/clients/client_table.h"
#include "lib/session/session.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/messages.h"
#include "tests/support/frames.h"
#include "tests/support/other_user.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr size_t kRing = 64 << 10;
constexpr uid_t kOwner = 4711;
constexpr WindowSize kSize{.rows = 24, .cols = 80};
constexpr char kAttributes[] = "\x1b[?64;1;22c";
constexpr char kHeadsAttributes[] = "\x1b[?62;22c";
constexpr char kColor[] = "\x1b]11;rgb:0000/0000/0000\x1b\\";

std::string RandomBytes(size_t size) {
  std::mt19937 random(static_cast<uint32_t>(size));
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// The program blocks this signal, so that it is seen to be pending.
constexpr int kBlocked = SIGUSR1;
void BlockSignal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, kBlocked);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void MakeRaw(int terminal) {
  termios settings{};
  ::tcgetattr(terminal, &settings);
  ::cfmakeraw(&settings);
  ::tcsetattr(terminal, TCSANOW, &settings);
}

// One end of something, and what could be read from it.
class End {
 public:
  explicit End(Fd fd) : fd_(std::move(fd)) {
    EXPECT_THAT(SetNonBlocking(fd_.get()), IsOk());
  }

  int fd() const { return fd_.get(); }
  void Close() { fd_.Reset(); }
  const std::string& text() const { return text_; }
  bool ended() const { return ended_; }
  bool was_reset() const { return was_reset_; }
  void Forget() { text_.clear(); }

  // As much as there is, at most `most`.
  void Read(size_t most = 1 << 20) {
    std::string room(most, '\0');
    const ssize_t count = ::read(fd_.get(), room.data(), room.size());
    was_reset_ = count < 0 && errno == ECONNRESET;
    ended_ = count == 0 || was_reset_;
    if (count > 0) text_.append(room.data(), static_cast<size_t>(count));
  }
  // As much as it takes now; says how much that was.
  size_t Write(absl::string_view bytes) {
    return WriteSome(fd_.get(), bytes).bytes;
  }

 private:
  Fd fd_;
  std::string text_;
  bool ended_ = false;
  bool was_reset_ = false;
};

class ClientsTest : public testing::Test {
 protected:
  ClientsTest() { ::signal(SIGPIPE, SIG_IGN); }

  void Begin(SizePolicy policy = SizePolicy::kLatest,
             WhenBehind when_behind = WhenBehind::kSkip) {
    session_ = std::make_unique<Session>(
        *loop_, "s", kOwner, Value(Ring::Create(kRing)),
        SessionOptions{.size_policy = policy, .when_behind = when_behind},
        [](Session&, Change) {});
  }

  // A process for the session; its terminal is ours.
  void StartProgram(void (*prepare)() = BlockSignal) {
    if (!session_) Begin();
    Pty pty = Value(OpenPty(kSize));
    MakeRaw(pty.terminal.get());
    process_.emplace_back(
        Program::Start({"sleep", "1000"}, {.prepare = prepare}));
    Give(std::move(pty.controller), process_.back());
    terminal_ = std::make_unique<End>(std::move(pty.terminal));
  }

  // A process that has the terminal, for its signals.
  void StartProgramOnTerminal(absl::FunctionRef<int()> main) {
    if (!session_) Begin();
    Pty pty = Value(OpenPty(kSize));
    process_.emplace_back(Program::Fork(
        [&] {
          return BecomeTerminalProcess(pty.terminal.get()).ok() ? main() : 99;
        },
        {.fds = {{pty.terminal.get(), pty.terminal.get()}}}));
    Give(std::move(pty.controller), process_.back());
  }

  struct PendingConnection {
    std::unique_ptr<End> side;
    ConnectedClient* client;
  };
  PendingConnection Connect(ClientPolicy policy,
                            std::optional<PeerIdentity> identity = {}) {
    SocketPair pair;
    EXPECT_THAT(SetNonBlocking(pair.theirs.get()), IsOk());
    if (!identity) identity = PeerOf(pair.theirs.get());
    ConnectedClient& client = clients_.Add(
        std::move(pair.theirs), ProtocolOf(policy.kind).make(policy), identity);
    return {std::make_unique<End>(std::move(pair.ours)), &client};
  }
  PendingConnection Attach(ClientPolicy policy,
                           std::optional<PeerIdentity> identity = {}) {
    PendingConnection peer = Connect(policy, identity);
    peer.client->Join(*session_);
    return peer;
  }
  PendingConnection AttachRaw() { return Attach({.kind = ClientKind::kRaw}); }
  PendingConnection AttachFramed() {
    return Attach({.kind = ClientKind::kUwsgi});
  }

  testing::AssertionResult Until(absl::FunctionRef<bool()> predicate) {
    return RunUntil(*loop_, predicate) ? testing::AssertionSuccess()
                                       : testing::AssertionFailure();
  }
  testing::AssertionResult UntilReads(
      End& side, const testing::Matcher<const std::string&>& matcher) {
    const bool matched = RunUntil(*loop_, [&] {
      side.Read();
      return matcher.Matches(side.text());
    });
    if (matched) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << side.text().size() << " bytes came: \""
           << absl::string_view(side.text()).substr(0, 200) << '"';
  }
  testing::AssertionResult ProgramReads(
      const testing::Matcher<const std::string&>& matcher) {
    return UntilReads(*terminal_, matcher);
  }
  // Processed when this returns, and as little later as can be: a size that
  // isn't whole is waited for only so long.
  void WriteAtOnce(PendingConnection& peer, const std::string& bytes) {
    const uint64_t before = peer.client->traffic();
    peer.side->Write(bytes);
    while (peer.client->traffic() < before + bytes.size()) {
      ASSERT_THAT(loop_->RunOnce(), IsOk());
    }
  }
  // Everything sent so far is processed when this has come back.
  void Settle(PendingConnection& peer) {
    terminal_->Write("settled");
    EXPECT_TRUE(UntilReads(*peer.side, HasSubstr("settled")));
    peer.side->Forget();
  }
  bool IsPending(int signal) {
    std::ifstream status(
        absl::StrCat("/proc/", process_.back().pid(), "/status"));
    for (std::string line; std::getline(status, line);) {
      unsigned long long pending = 0;
      if (std::sscanf(line.c_str(), "ShdPnd: %llx", &pending) == 1) {
        return (pending >> (signal - 1) & 1) != 0;
      }
    }
    ADD_FAILURE() << "the program has gone";
    return false;
  }
  std::string NameOfProgram() {
    std::ifstream file(absl::StrCat("/proc/", process_.back().pid(), "/comm"));
    std::string name;
    std::getline(file, name);
    return name;
  }
  WindowSize ProgramsSize() { return Value(GetWindowSize(terminal_->fd())); }

  std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  std::unique_ptr<Session> session_;
  Refusals refusals_{*loop_};
  UserCounts counts_;
  ClientTable clients_{*loop_,
                       {.refusals = refusals_,
                        .counts = counts_,
                        .wrong_socket = "ask at head.sock",
                        .gone = [this](const ConnectedClient&) { ++gone_; }}};
  int gone_ = 0;
  std::unique_ptr<End> terminal_;

 private:
  void Give(Fd controller, const Program& program) {
    EXPECT_THAT(SetNonBlocking(controller.get()), IsOk());
    session_->Start({.pid = program.pid(),
                     .pidfd = Fd(::dup(program.pidfd())),
                     .controller = std::move(controller),
                     .size = kSize,
                     .argv = {}});
  }
  std::vector<Program> process_;
};

// --- bytes

TEST_F(ClientsTest, EveryByteOfARawClientIsTyped) {
  StartProgram();
  PendingConnection client = AttachRaw();
  const std::string bytes = RandomBytes(10'000);
  client.side->Write(bytes);
  EXPECT_TRUE(ProgramReads(bytes));
}

TEST_F(ClientsTest, EveryByteOfAFramedClientIsTyped) {
  StartProgram();
  PendingConnection client = AttachFramed();
  const std::string bytes = RandomBytes(10'000);
  client.side->Write(KeysFrame(bytes));
  EXPECT_TRUE(ProgramReads(bytes));
}

TEST_F(ClientsTest, OutputIsRawForBothKinds) {
  StartProgram();
  PendingConnection raw = AttachRaw();
  PendingConnection framed = AttachFramed();
  const std::string bytes = RandomBytes(5'000);
  terminal_->Write(bytes);
  EXPECT_TRUE(UntilReads(*raw.side, bytes));
  EXPECT_TRUE(UntilReads(*framed.side, bytes));
}

TEST_F(ClientsTest, APacketLargerThanAllRoomIsTypedAsTheProgramReads) {
  StartProgram();
  PendingConnection client = AttachFramed();
  const std::string bytes = RandomBytes(kLongestPayload);
  std::string stream = KeysFrame(bytes) + KeysFrame("the end");
  absl::string_view rest = stream;
  EXPECT_TRUE(Until([&] {
    rest.remove_prefix(client.side->Write(rest));
    terminal_->Read(2000);
    return absl::EndsWith(terminal_->text(), "the end");
  }));
  EXPECT_TRUE(terminal_->text() == bytes + "the end");
}

// --- other protocols

class ProtocolTest : public ClientsTest {
 protected:
  void SetUp() override { StartProgram(); }
  // Until the client has been answered, and has gone.
  std::string AnswerTo(PendingConnection& client) {
    EXPECT_TRUE(Until([&] {
      client.side->Read();
      return client.side->ended();
    }));
    client.side->Close();
    EXPECT_TRUE(Until([&] { return clients_.size() == 0; }));
    return client.side->text();
  }
  // Another program serves the client from now on.
  void HandOver(ConnectedClient& client) {
    HeadState head;
    client.Save(head);
    SocketClientState& state = head.clients.at(0);
    state.fd = ::fcntl(state.fd, F_DUPFD_CLOEXEC, 0);
    client.Kick("another program serves it");
    session_->Readmit(clients_.Resume(state, PeerOf(state.fd)));
  }
  // All that was ever typed.
  void ProgramHasRead(const std::string& text) {
    PendingConnection last = AttachRaw();
    last.side->Write("the end");
    EXPECT_TRUE(ProgramReads(text + "the end"));
  }
  const std::string question_ = Encode(Ask{.what = "head", .fields = {}});
};

TEST_F(ProtocolTest, TheAnswerIsTheFirstThatIsSent) {
  terminal_->Write("what is on the screen");
  for (const ClientKind kind : {ClientKind::kRaw, ClientKind::kUwsgi}) {
    PendingConnection client = Attach({.kind = kind});
    client.side->Write(question_);
    const std::string answer = AnswerTo(client);
    absl::string_view bytes = answer;
    const auto message = Value(TakeMessage(bytes));
    ASSERT_TRUE(message && std::holds_alternative<Refused>(*message)) << answer;
    EXPECT_EQ(std::get<Refused>(*message).text, "ask at head.sock");
    EXPECT_TRUE(bytes.empty());
  }
  EXPECT_EQ(refusals_.counts().at("wrong-socket"), 2U);
  ProgramHasRead("");
}

TEST_F(ProtocolTest, AnyCutOfAMessageIsNotTyped) {
  for (size_t cut = 1; cut < question_.size(); ++cut) {
    PendingConnection client = AttachRaw();
    WriteAtOnce(client, question_.substr(0, cut));
    client.side->Write(question_.substr(cut));
    EXPECT_THAT(AnswerTo(client), HasSubstr("ask at head.sock")) << cut;
  }
  ProgramHasRead("");
}

TEST_F(ProtocolTest, WhatDoesNotGoOnLikeThatIsTypedWhole) {
  PendingConnection client = AttachRaw();
  WriteAtOnce(client, question_.substr(0, 12));
  client.side->Write("x");
  EXPECT_TRUE(ProgramReads(question_.substr(0, 12) + "x"));
}

TEST_F(ProtocolTest, WhatDoesNotGoOnIsTypedSoonAndAtAHalfClose) {
  PendingConnection waits = AttachRaw();
  waits.side->Write("Þ");
  EXPECT_TRUE(ProgramReads("Þ"));
  PendingConnection closes = AttachRaw();
  closes.side->Write(question_.substr(0, 12));
  ShutDownWriting(closes.side->fd());
  EXPECT_TRUE(ProgramReads("Þ" + question_.substr(0, 12)));
}

TEST_F(ProtocolTest, OnlyTheBeginningCounts) {
  PendingConnection client = AttachRaw();
  client.side->Write("x");
  EXPECT_TRUE(ProgramReads("x"));
  client.side->Write(question_);
  EXPECT_TRUE(ProgramReads("x" + question_));
}

TEST_F(ProtocolTest, ABrowserIsOneOnlyOverTcp) {
  SocketPair pair;
  EXPECT_THAT(SetNonBlocking(pair.theirs.get()), IsOk());
  ConnectedClient& over_tcp =
      clients_.Add(std::move(pair.theirs), MakeRawProtocol({}), {});
  over_tcp.Join(*session_);
  PendingConnection client{std::make_unique<End>(std::move(pair.ours)),
                           &over_tcp};
  client.side->Write("GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(AnswerTo(client), HasSubstr("HTTP/1.0 400"));
  PendingConnection local = AttachRaw();
  local.side->Write("GET / HTTP/1.1");
  EXPECT_TRUE(ProgramReads("GET / HTTP/1.1"));
}

// Another program takes over between two pieces.
TEST_F(ProtocolTest, AnUpgradeAmidTheBeginningChangesNothing) {
  for (const size_t cut : {size_t{1}, size_t{7}, size_t{12}}) {
    PendingConnection client = AttachRaw();
    WriteAtOnce(client, question_.substr(0, cut));
    HandOver(*client.client);
    client.side->Write(question_.substr(cut));
    EXPECT_THAT(AnswerTo(client), HasSubstr("ask at head.sock")) << cut;
  }
  PendingConnection client = AttachFramed();
  WriteAtOnce(client, KeysFrame("x").substr(0, 2));
  HandOver(*client.client);
  client.side->Write(KeysFrame("x").substr(2));
  EXPECT_TRUE(ProgramReads("x"));
}

TEST_F(ProtocolTest, OfAForeignPacketAndAllAfterItNothingIsApplied) {
  PendingConnection client = AttachFramed();
  client.side->Write(KeysFrame("before") + EncodePacket(7, 0, "typed") +
                     SignalFrame(kBlocked) + KeysFrame("after"));
  EXPECT_THAT(AnswerTo(client), HasSubstr("whose modifier1 is 0"));
  EXPECT_FALSE(IsPending(kBlocked));
  EXPECT_EQ(refusals_.counts().at("malformed"), 1U);
  ProgramHasRead("before");
}

// --- leaving

TEST_F(ClientsTest, AHalfCloseEndsInputAndNoOutput) {
  StartProgram();
  PendingConnection client = AttachRaw();
  client.side->Write("last");
  ShutDownWriting(client.side->fd());
  EXPECT_TRUE(ProgramReads("last"));
  terminal_->Write("still here");
  EXPECT_TRUE(UntilReads(*client.side, "still here"));
  EXPECT_EQ(gone_, 0);
  client.side->Close();
  EXPECT_TRUE(Until([&] { return gone_ == 1 && clients_.size() == 0; }));
}

TEST_F(ClientsTest, WhatWasSentBeforeACloseIsTyped) {
  StartProgram();
  terminal_->Write("history, which nobody reads");
  PendingConnection reader = AttachRaw();
  ASSERT_TRUE(UntilReads(*reader.side, HasSubstr("history")));
  // Before it joins, it has gone: there is no writing to it.
  PendingConnection client = Connect({.kind = ClientKind::kRaw});
  client.side->Write("stop\n");
  client.side->Close();
  client.client->Join(*session_);
  EXPECT_TRUE(ProgramReads("stop\n"));
  EXPECT_TRUE(Until([&] { return gone_ == 1; }));
}

TEST_F(ClientsTest, WhoIsKickedIsGone) {
  StartProgram();
  PendingConnection kicked = AttachRaw();
  PendingConnection other = AttachRaw();
  kicked.client->Kick("a test");
  EXPECT_TRUE(Until([&] {
    kicked.side->Read();
    return kicked.side->ended();
  }));
  kicked.side->Close();
  EXPECT_TRUE(Until([&] { return gone_ == 1; }));
  terminal_->Write("for the other");
  EXPECT_TRUE(UntilReads(*other.side, HasSubstr("for the other")));
}

TEST_F(ClientsTest, AllOfAPasteIsTypedAfterItsSenderHasGone) {
  StartProgram();
  PendingConnection client = AttachRaw();
  const std::string paste = RandomBytes(150'000);
  absl::string_view rest = paste;
  ASSERT_TRUE(Until([&] {
    rest.remove_prefix(client.side->Write(rest));
    if (!rest.empty()) terminal_->Read(5000);
    return rest.empty();
  }));
  client.side->Close();
  terminal_->Write("output that finds nobody");
  EXPECT_TRUE(Until([&] {
    terminal_->Read(5000);
    return terminal_->text().size() == paste.size();
  }));
  EXPECT_TRUE(terminal_->text() == paste);
  EXPECT_TRUE(Until([&] { return gone_ == 1 && clients_.size() == 0; }));
}

TEST_F(ClientsTest, WhoHasGoneHoldsUpNobody) {
  StartProgram();
  PendingConnection leaves = AttachRaw();
  PendingConnection stays = AttachRaw();
  // It has more to type than there is room for, so it isn't over.
  const std::string paste(100'000, 'x');
  size_t sent = 0;
  ASSERT_TRUE(Until([&] {
    sent += leaves.side->Write(absl::string_view(paste).substr(sent));
    return session_->audience().leader() != nullptr &&
           leaves.client->input_blocked();
  }));
  leaves.side->Close();
  ASSERT_TRUE(Until([&] { return leaves.client->deaf(); }));
  const std::string output = RandomBytes(10 * kRing);
  absl::string_view rest = output;
  EXPECT_TRUE(Until([&] {
    rest.remove_prefix(terminal_->Write(rest));
    stays.side->Read();
    return stays.side->text().size() == output.size();
  }));
  EXPECT_TRUE(stays.side->text() == output);
  EXPECT_EQ(stays.client->missed(), 0U);
}

TEST_F(ClientsTest, AClientIsServedBeforeItIsClosed) {
  Begin(SizePolicy::kLatest, WhenBehind::kBlock);
  StartProgram();
  PendingConnection client = AttachRaw();
  const std::string output = RandomBytes(10 * kRing);
  absl::string_view rest = output;
  ASSERT_TRUE(Until([&] {
    rest.remove_prefix(terminal_->Write(rest));
    if (rest.size() > kRing / 2) client.side->Read();
    return session_->ring().end() == output.size();
  }));
  client.client->EndWhenServed();
  EXPECT_TRUE(Until([&] {
    client.side->Read();
    return client.side->ended();
  }));
  EXPECT_TRUE(client.side->text() == output);
  client.side->Close();
  EXPECT_TRUE(Until([&] { return gone_ == 1; }));
}

TEST_F(ClientsTest, WhoTypesMeanwhileSeesAnEndAndNoReset) {
  StartProgram();
  PendingConnection client = AttachRaw();
  client.side->Write("unread");
  client.client->EndWhenServed();
  EXPECT_TRUE(Until([&] {
    client.side->Read();
    return client.side->ended();
  }));
  EXPECT_FALSE(client.side->was_reset());
}

TEST_F(ClientsTest, WhoDoesNotCloseIsClosedInTheEnd) {
  StartProgram();
  PendingConnection client = AttachRaw();
  client.client->EndWhenServed();
  EXPECT_TRUE(Until([&] { return gone_ == 1; }));
}

// --- slow clients

TEST_F(ClientsTest, WhereTheProgramWaitsNothingIsMissed) {
  Begin(SizePolicy::kLatest, WhenBehind::kBlock);
  StartProgram();
  PendingConnection client = AttachRaw();
  const std::string output = RandomBytes(20 * kRing);
  size_t written = 0;
  const auto write = [&] {
    written += terminal_->Write(absl::string_view(output).substr(written));
  };
  // Nobody reads, for longer than anybody's patience.
  bool patience_is_over = false;
  const Timer patience =
      loop_->After(3 * kPatience, [&] { patience_is_over = true; });
  PendingConnection types = AttachRaw();
  ASSERT_TRUE(Until([&] {
    write();
    types.side->Read();
    types.side->Write("x");
    return patience_is_over;
  }));
  types.side->Close();
  EXPECT_LT(written, output.size() / 2);
  EXPECT_TRUE(Until([&] {
    write();
    client.side->Read();
    return client.side->text().size() == output.size();
  }));
  EXPECT_TRUE(client.side->text() == output);
}

// Its screen has nothing to do with what it missed.
TEST_F(ClientsTest, ATerminalThatFellBehindIsRedrawn) {
  StartProgram();
  PendingConnection client = AttachFramed();
  client.side->Write(SizeFrames(24, 80));
  ASSERT_TRUE(Until([&] { return client.client->size().has_value(); }));
  std::string output;
  while (output.size() < 20 * kRing) output += "a line, plain as it is\r\n";
  output += "the end";
  size_t written = 0;
  ASSERT_TRUE(Until([&] {
    written += terminal_->Write(absl::string_view(output).substr(written));
    return written == output.size();
  }));
  ASSERT_TRUE(UntilReads(*client.side, HasSubstr("the end")));
  EXPECT_GT(client.client->missed(), 0u);
  EXPECT_THAT(client.side->text(), HasSubstr("\x1b["));
}

// --- sizes

TEST_F(ClientsTest, RowsAndColumnsAreAppliedTogether) {
  StartProgram();
  PendingConnection client = AttachFramed();
  WriteAtOnce(client, RowsFrame(40) + KeysFrame("x"));
  EXPECT_EQ(ProgramsSize(), kSize);
  ASSERT_TRUE(ProgramReads("x"));
  client.side->Write(ColsFrame(132));
  EXPECT_TRUE(Until([&] { return ProgramsSize() == WindowSize{40, 132}; }));
}

TEST_F(ClientsTest, RowsAloneAreAppliedAfterAWhile) {
  StartProgram();
  PendingConnection client = AttachFramed();
  client.side->Write(RowsFrame(40));
  EXPECT_TRUE(Until([&] { return ProgramsSize() == WindowSize{40, 80}; }));
  client.side->Write(ColsFrame(100));
  EXPECT_TRUE(Until([&] { return ProgramsSize() == WindowSize{40, 100}; }));
}

TEST_F(ClientsTest, TheSameSideTwiceIsNoPair) {
  StartProgram();
  PendingConnection client = AttachFramed();
  WriteAtOnce(client, RowsFrame(30) + RowsFrame(40) + KeysFrame("x"));
  EXPECT_EQ(ProgramsSize(), kSize);
  ASSERT_TRUE(ProgramReads("x"));
  client.side->Write(ColsFrame(100) + KeysFrame("y"));
  ASSERT_TRUE(ProgramReads("xy"));
  EXPECT_EQ(ProgramsSize(), (WindowSize{40, 100}));
}

// Each key that comes alone is written alone: others are served in between.
TEST_F(ClientsTest, InATurnSoManyPacketsAreTaken) {
  StartProgram();
  PendingConnection looks =
      Attach({.kind = ClientKind::kUwsgi, .read_only = true});
  std::string keys;
  for (int i = 0; i < 3000; ++i) keys += KeysFrame("x");
  WriteAtOnce(looks, keys);
  const auto dropped = [&] { return looks.client->Info().dropped; };
  ASSERT_TRUE(Until([&] { return dropped() > 0; }));
  EXPECT_LE(dropped(), 512U);
  EXPECT_TRUE(Until([&] { return dropped() == 3000; }));
}

TEST_F(ClientsTest, ZeroIsUnknown) {
  StartProgram();
  PendingConnection client = AttachFramed();
  client.side->Write(SizeFrames(0, 0) + KeysFrame("a"));
  ASSERT_TRUE(ProgramReads("a"));
  EXPECT_EQ(ProgramsSize(), kSize);
  client.side->Write(SizeFrames(50, 0) + KeysFrame("b"));
  ASSERT_TRUE(ProgramReads("ab"));
  EXPECT_EQ(ProgramsSize(), (WindowSize{50, 80}));
  client.side->Write(SizeFrames(0, 90) + KeysFrame("c"));
  ASSERT_TRUE(ProgramReads("abc"));
  EXPECT_EQ(ProgramsSize(), (WindowSize{50, 90}));
}

TEST_F(ClientsTest, AProgramBeginsWithTheSizeOfWhoWaited) {
  Begin();
  PendingConnection client = Connect({.kind = ClientKind::kUwsgi});
  client.side->Write(SizeFrames(33, 99));
  ASSERT_TRUE(Until([&] { return client.client->traffic() == 8; }));
  client.client->Join(*session_);
  StartProgram();
  EXPECT_EQ(ProgramsSize(), (WindowSize{33, 99}));
}

struct SizesOf {
  WindowSize first;   // told first
  WindowSize second;  // told second, and led with
  WindowSize after_first_typed;
  WindowSize after_second_left;
  WindowSize after_all_left;
};

class SizePolicyTest
    : public ClientsTest,
      public testing::WithParamInterface<std::pair<SizePolicy, SizesOf>> {};

TEST_P(SizePolicyTest, DecidesWhoseSizeTheProgramHas) {
  const auto& [policy, wanted] = GetParam();
  Begin(policy);
  StartProgram();
  PendingConnection first = AttachFramed();
  PendingConnection second = AttachFramed();
  PendingConnection raw = AttachRaw();  // has no size, and changes nothing
  first.side->Write(SizeFrames(20, 200) + KeysFrame("a"));
  ASSERT_TRUE(ProgramReads("a"));
  EXPECT_EQ(ProgramsSize(), wanted.first);
  second.side->Write(SizeFrames(50, 100) + KeysFrame("b"));
  ASSERT_TRUE(ProgramReads("ab"));
  EXPECT_EQ(ProgramsSize(), wanted.second);
  first.side->Write(KeysFrame("c"));
  ASSERT_TRUE(ProgramReads("abc"));
  EXPECT_EQ(ProgramsSize(), wanted.after_first_typed);
  second.side->Close();
  ASSERT_TRUE(Until([&] { return gone_ == 1 && clients_.size() == 2; }));
  Settle(raw);
  EXPECT_EQ(ProgramsSize(), wanted.after_second_left);
  first.side->Close();
  ASSERT_TRUE(Until([&] { return gone_ == 2 && clients_.size() == 1; }));
  Settle(raw);
  EXPECT_EQ(ProgramsSize(), wanted.after_all_left);
}

std::string NameOfPolicy(
    const testing::TestParamInfo<SizePolicyTest::ParamType>& test) {
  switch (test.param.first) {
    case SizePolicy::kLatest:
      return "Latest";
    case SizePolicy::kSmallest:
      return "Smallest";
    case SizePolicy::kLargest:
      return "Largest";
    case SizePolicy::kFixed:
      return "Fixed";
  }
  return "";
}

constexpr WindowSize kFirst{20, 200};
constexpr WindowSize kSecond{50, 100};
INSTANTIATE_TEST_SUITE_P(
    Policies, SizePolicyTest,
    testing::Values(
        std::pair(SizePolicy::kLatest,
                  SizesOf{kFirst, kSecond, kFirst, kFirst, kFirst}),
        std::pair(SizePolicy::kSmallest,
                  SizesOf{kFirst, {20, 100}, {20, 100}, kFirst, kFirst}),
        std::pair(SizePolicy::kLargest,
                  SizesOf{kFirst, {50, 200}, {50, 200}, kFirst, kFirst}),
        std::pair(SizePolicy::kFixed,
                  SizesOf{kSize, kSize, kSize, kSize, kSize})),
    NameOfPolicy);

TEST_F(ClientsTest, WhenTheLeaderLeavesTheLatestToComeHasTheSize) {
  StartProgram();
  PendingConnection first = AttachFramed();
  PendingConnection second = AttachFramed();
  PendingConnection third = AttachFramed();
  first.side->Write(SizeFrames(10, 11));
  second.side->Write(SizeFrames(20, 22));
  third.side->Write(SizeFrames(30, 33) + KeysFrame("x"));
  ASSERT_TRUE(Until([&] {
    terminal_->Read();
    return ProgramsSize() == WindowSize{30, 33};
  }));
  third.side->Close();
  EXPECT_TRUE(Until([&] { return ProgramsSize() == WindowSize{20, 22}; }));
}

// --- answers

// Nobody has told a terminal's size, whether or not they sit on one.
TEST_F(ClientsTest, WithoutATerminalHeadAnswersOnce) {
  StartProgram();
  PendingConnection first = AttachRaw();
  PendingConnection second = AttachRaw();
  terminal_->Write("\x1b[c");
  ASSERT_TRUE(ProgramReads(kHeadsAttributes));
  for (PendingConnection* peer : {&first, &second}) {
    ASSERT_TRUE(UntilReads(*peer->side, "\x1b[c"));
    peer->side->Write(kAttributes);
  }
  first.side->Write("1");
  ASSERT_TRUE(ProgramReads(absl::StrCat(kHeadsAttributes, "1")));
  second.side->Write("2");
  ASSERT_TRUE(ProgramReads(absl::StrCat(kHeadsAttributes, "12")));
  // Head has no colours.
  second.side->Write(kColor);
  EXPECT_TRUE(ProgramReads(absl::StrCat(kHeadsAttributes, "12", kColor)));
}

TEST_F(ClientsTest, AProgramIsAnsweredUnattended) {
  StartProgram();
  terminal_->Write("\x1b[999;999H\x1b[6n\x1b[H\x1b[c\x1b[6n");
  EXPECT_TRUE(
      ProgramReads(absl::StrCat("\x1b[24;80R", kHeadsAttributes, "\x1b[1;1R")));
  EXPECT_EQ(session_->audience().leader(), nullptr);
}

TEST_F(ClientsTest, WithATerminalThatLeadsHeadIsSilent) {
  StartProgram();
  PendingConnection terminal = AttachFramed();
  terminal.side->Write(SizeFrames(30, 90) + KeysFrame("t"));
  ASSERT_TRUE(ProgramReads("t"));
  terminal_->Write("\x1b[c");
  ASSERT_TRUE(UntilReads(*terminal.side, "\x1b[c"));
  terminal.side->Write(KeysFrame(kAttributes) + KeysFrame("x"));
  ASSERT_TRUE(ProgramReads(absl::StrCat("t", kAttributes, "x")));
  terminal.side->Close();
  ASSERT_TRUE(Until([&] { return gone_ == 1; }));
  terminal_->Write("\x1b[c");
  EXPECT_TRUE(
      ProgramReads(absl::StrCat("t", kAttributes, "x", kHeadsAttributes)));
}

// In mode 2048 head tells the size, and no client's terminal does.
TEST_F(ClientsTest, TheProgramIsToldItsSizeOnce) {
  StartProgram();
  PendingConnection leads = AttachFramed();
  leads.side->Write(SizeFrames(30, 90) + KeysFrame("t"));
  ASSERT_TRUE(ProgramReads("t"));
  terminal_->Write("\x1b[?2048h");
  ASSERT_TRUE(ProgramReads("t\x1b[48;30;90;0;0t"));
  leads.side->Write(KeysFrame("\x1b[48;30;90;600;900t") + KeysFrame("x"));
  ASSERT_TRUE(ProgramReads("t\x1b[48;30;90;0;0tx"));
  leads.side->Write(SizeFrames(40, 100) + KeysFrame("\x1b[48;40;10") +
                    KeysFrame("0;0;0t"));
  ASSERT_TRUE(ProgramReads("t\x1b[48;30;90;0;0tx\x1b[48;40;100;0;0t"));
  leads.side->Write(KeysFrame("\x1b[A"));
  EXPECT_TRUE(ProgramReads("t\x1b[48;30;90;0;0tx\x1b[48;40;100;0;0t\x1b[A"));
}

TEST_F(ClientsTest, WhoLeadsAnswers) {
  StartProgram();
  PendingConnection first = AttachFramed();
  PendingConnection second = AttachFramed();
  first.side->Write(SizeFrames(20, 70));
  second.side->Write(SizeFrames(30, 90) + KeysFrame("a"));
  ASSERT_TRUE(ProgramReads("a"));
  first.side->Write(KeysFrame(kAttributes));
  second.side->Write(KeysFrame("\x1b[0n"));
  ASSERT_TRUE(ProgramReads("a\x1b[0n"));
  first.side->Write(KeysFrame("b"));  // and leads
  ASSERT_TRUE(ProgramReads("a\x1b[0nb"));
  first.side->Write(KeysFrame(kAttributes));
  ASSERT_TRUE(ProgramReads(absl::StrCat("a\x1b[0nb", kAttributes)));
  second.side->Write(KeysFrame(kAttributes) + KeysFrame("c"));
  EXPECT_TRUE(ProgramReads(absl::StrCat("a\x1b[0nb", kAttributes, "c")));
}

TEST_F(ClientsTest, WhoHasATerminalAnswersForAScriptThatLeads) {
  StartProgram();
  PendingConnection script = AttachRaw();
  PendingConnection terminal = AttachFramed();
  terminal.side->Write(SizeFrames(30, 90) + KeysFrame("t"));
  ASSERT_TRUE(ProgramReads("t"));
  script.side->Write("s");
  ASSERT_TRUE(ProgramReads("ts"));
  terminal.side->Write(KeysFrame(kAttributes));
  EXPECT_TRUE(ProgramReads(absl::StrCat("ts", kAttributes)));
}

TEST_F(ClientsTest, WhoHalfClosedLeadsNoMore) {
  StartProgram();
  PendingConnection script = AttachRaw();
  PendingConnection terminal = AttachRaw();
  script.side->Write("command");
  ShutDownWriting(script.side->fd());
  ASSERT_TRUE(ProgramReads("command"));
  ASSERT_TRUE(Until([&] { return session_->audience().leader() == nullptr; }));
  terminal.side->Write(kColor);
  EXPECT_TRUE(ProgramReads(absl::StrCat("command", kColor)));
}

TEST_F(ClientsTest, KeysOfWhoDoesNotLeadAreNoAnswers) {
  StartProgram();
  PendingConnection leader = AttachRaw();
  PendingConnection other = AttachRaw();
  std::string wanted = "x";
  leader.side->Write("x");
  ASSERT_TRUE(ProgramReads(wanted));
  // Alt-[ is how an answer begins: it waits for a moment.
  for (const char* key : {"\x1b", "\x1b[A", "\x1b[1;5C", "\x1bOP", "\x1b["}) {
    leader.side->Write("l");
    wanted += "l";
    ASSERT_TRUE(ProgramReads(wanted));
    other.side->Write(key);
    wanted += key;
    EXPECT_TRUE(ProgramReads(wanted)) << testing::PrintToString(key);
  }
}

TEST_F(ClientsTest, AQuestionInTheHistoryHasBeenAnswered) {
  StartProgram();
  terminal_->Write("\x1b[c");
  ASSERT_TRUE(ProgramReads(kHeadsAttributes));
  terminal_->Forget();

  PendingConnection second = AttachFramed();
  second.side->Write(SizeFrames(30, 90));  // leads, for all that
  ASSERT_TRUE(UntilReads(*second.side, "\x1b[c"));
  second.side->Write(KeysFrame(kAttributes) + KeysFrame("x"));
  ASSERT_TRUE(ProgramReads("x"));
  // It is not for ever that what it answers is old.
  EXPECT_TRUE(Until([&] {
    second.side->Write(KeysFrame(kAttributes));
    terminal_->Read();
    return absl::StrContains(terminal_->text(), kAttributes);
  }));
}

TEST_F(ClientsTest, AQuestionNobodyHasSeenYetIsAnswered) {
  StartProgram();
  terminal_->Write("\x1b]11;?\x1b\\");
  PendingConnection first = AttachFramed();
  ASSERT_TRUE(UntilReads(*first.side, "\x1b]11;?\x1b\\"));
  first.side->Write(KeysFrame(kColor) + KeysFrame("x"));
  EXPECT_TRUE(ProgramReads(absl::StrCat(kColor, "x")));
}

// --- turns

// Fills the queue and all that the PTY takes.
class Paste {
 public:
  Paste(End& side, std::string bytes) : side_(side), bytes_(std::move(bytes)) {}
  void Continue() {
    sent_ += side_.Write(absl::string_view(bytes_).substr(sent_));
  }
  bool all_sent() const { return sent_ == bytes_.size(); }

 private:
  End& side_;
  const std::string bytes_;
  size_t sent_ = 0;
};

TEST_F(ClientsTest, WhoTypesDoesNotWaitForTheEndOfAPaste) {
  StartProgram();
  PendingConnection pastes = AttachRaw();
  PendingConnection types = AttachRaw();
  Paste paste(*pastes.side, std::string(1'000'000, 'p'));
  ASSERT_TRUE(Until([&] {
    paste.Continue();
    return pastes.client->input_blocked();
  }));
  types.side->Write("t");
  EXPECT_TRUE(Until([&] {
    paste.Continue();
    terminal_->Read(500);
    return absl::StrContains(terminal_->text(), 't');
  }));
  EXPECT_FALSE(paste.all_sent());
}

TEST_F(ClientsTest, TwoThatPasteTakeTurns) {
  StartProgram();
  PendingConnection first = AttachRaw();
  PendingConnection second = AttachRaw();
  constexpr size_t kBytes = 1'000'000;
  Paste a(*first.side, std::string(kBytes, 'a'));
  Paste b(*second.side, std::string(kBytes, 'b'));
  size_t largest_lead = 0;
  EXPECT_TRUE(Until([&] {
    a.Continue();
    b.Continue();
    terminal_->Read(4000);
    const auto bs = static_cast<size_t>(
        std::count(terminal_->text().begin(), terminal_->text().end(), 'b'));
    const size_t as = terminal_->text().size() - bs;
    if (!a.all_sent() && !b.all_sent()) {
      largest_lead =
          std::max(largest_lead, std::max(as, bs) - std::min(as, bs));
    }
    return as + bs == 2 * kBytes;
  }));
  EXPECT_LT(largest_lead, kBytes / 4);
}

int PrintInterrupts() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGQUIT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  (void)!::write(1, "ready\n", 6);
  for (;;) {
    int signal = 0;
    ::sigwait(&set, &signal);
    const std::string line = absl::StrCat("got ", signal, "\n");
    (void)!::write(1, line.data(), line.size());
  }
}

class InterruptTest : public ClientsTest {
 protected:
  void SetUp() override {
    StartProgramOnTerminal(PrintInterrupts);
    pastes_ = AttachRaw();
    types_ = AttachRaw();
    ASSERT_TRUE(UntilReads(*types_.side, HasSubstr("ready")));
    Paste paste(*pastes_.side, [] {
      std::string lines;
      while (lines.size() < 1'000'000) lines += "a line of the paste\n";
      return lines;
    }());
    ASSERT_TRUE(Until([&] {
      paste.Continue();
      pastes_.side->Read();
      return pastes_.client->input_blocked();
    }));
  }
  PendingConnection pastes_;
  PendingConnection types_;
};

TEST_F(InterruptTest, PassesAnothersPaste) {
  types_.side->Write("\x03");
  EXPECT_TRUE(UntilReads(*types_.side, HasSubstr("got 2")));
  types_.side->Write("\x1c");
  EXPECT_TRUE(UntilReads(*types_.side, HasSubstr("got 3")));
}

TEST_F(InterruptTest, PassesWhenItIsPressedTwice) {
  types_.side->Write("\x03\x03\x03");
  EXPECT_TRUE(UntilReads(*types_.side, HasSubstr("got 2")));
}

TEST_F(InterruptTest, PassesWhenOtherKeysCameFirst) {
  types_.side->Write("why doesn't it");
  ASSERT_TRUE(
      Until([&] { return session_->audience().leader() == types_.client; }));
  types_.side->Write("\x03");
  EXPECT_TRUE(UntilReads(*types_.side, HasSubstr("got 2")));
}

// --- rights

TEST_F(ClientsTest, OfAReadOnlyClientNothingIsApplied) {
  StartProgram();
  PendingConnection watcher =
      Attach({.kind = ClientKind::kUwsgi, .read_only = true});
  watcher.side->Write(SizeFrames(50, 100) + KeysFrame("typed") +
                      SignalFrame(kBlocked));
  ASSERT_TRUE(Until([&] { return watcher.client->traffic() >= 21; }));
  Settle(watcher);
  EXPECT_EQ(ProgramsSize(), kSize);
  EXPECT_FALSE(IsPending(kBlocked));
  EXPECT_EQ(session_->audience().leader(), nullptr);
  PendingConnection client = AttachRaw();
  client.side->Write("x");
  EXPECT_TRUE(ProgramReads("x"));
}

class SignalTest : public ClientsTest {
 protected:
  // The program is its owner's.
  void SetUp() override {
    StartProgram(+[] {
      BlockSignal();
      if (::geteuid() == 0) Become<kOwner>();
    });
    ASSERT_TRUE(WaitFor([&] { return NameOfProgram() == "sleep"; }));
  }
  // Whether a signal of such a client reaches the program.
  bool Reaches(uid_t uid, bool allow_signals) {
    PendingConnection client =
        Attach({.kind = ClientKind::kUwsgi, .allow_signals = allow_signals},
               PeerIdentity{.pid = ::getpid(), .uid = uid, .gid = 0});
    client.side->Write(SignalFrame(kBlocked) + KeysFrame("x"));
    terminal_->Forget();
    EXPECT_TRUE(ProgramReads(HasSubstr("x")));
    return IsPending(kBlocked);
  }
  static constexpr uid_t kStranger = kOwner + 1;
};

TEST_F(SignalTest, OfRootReachesTheProgram) {
  EXPECT_TRUE(Reaches(0, /*allow_signals=*/false));
}
TEST_F(SignalTest, OfTheSessionsOwnerReachesTheProgram) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  EXPECT_TRUE(Reaches(kOwner, /*allow_signals=*/false));
}
// As after it has executed a set-user-ID program.
TEST_F(SignalTest, OfTheSessionsOwnerDoesNotReachAnothersProgram) {
  StartProgram();
  ASSERT_TRUE(WaitFor([&] { return NameOfProgram() == "sleep"; }));
  EXPECT_FALSE(Reaches(kOwner, /*allow_signals=*/false));
  EXPECT_FALSE(Reaches(kStranger, /*allow_signals=*/true));
  EXPECT_TRUE(Reaches(0, /*allow_signals=*/false));
}
TEST_F(SignalTest, OfAnotherUserIsDropped) {
  EXPECT_FALSE(Reaches(kStranger, /*allow_signals=*/false));
}
TEST_F(SignalTest, OfAnotherUserReachesTheProgramWhereThatIsAllowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  EXPECT_TRUE(Reaches(kStranger, /*allow_signals=*/true));
}

}  // namespace
}  // namespace deptyr
