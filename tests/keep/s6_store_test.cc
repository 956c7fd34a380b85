// These tests run beside a real s6-fdholder-daemon of their own.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/keep/fd_store.h"
#include "lib/keep/stored_sessions.h"
#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/program.h"
#include "tests/support/send_fds.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

// "About a second", on a machine that may stand still for a while.
constexpr absl::Duration kSoon = absl::Seconds(20);

Fd Memfd(absl::string_view text) {
  Fd fd(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), text.data(), text.size(), 0),
            static_cast<ssize_t>(text.size()));
  return fd;
}

std::string TextOf(int memfd) {
  std::array<char, 100> room;
  const ssize_t count = ::pread(memfd, room.data(), room.size(), 0);
  return count < 0 ? "can't be read"
                   : std::string(room.data(), room.data() + count);
}

std::vector<std::string> NamesOf(const std::vector<StoredFd>& stored) {
  std::vector<std::string> names;
  for (const StoredFd& each : stored) names.push_back(each.name);
  return names;
}

class S6StoreTest : public testing::Test {
 protected:
  S6StoreTest() {
    // The rules are those of s6/deptyr-fdholder.
    std::filesystem::copy(absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"),
                                       "/s6/deptyr-fdholder/data/rules"),
                          dir_ / "rules",
                          std::filesystem::copy_options::recursive);
    StartHolder();
  }

  std::string Rule(absl::string_view name) const {
    return absl::StrCat(dir_ / "rules/uid/self/", name);
  }

  void StartHolder(const std::vector<std::string>& options = {}) {
    Pipe ready;
    std::vector<std::string> argv = {"s6-fdholder-daemon", "-1", "-i",
                                     dir_ / "rules"};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.push_back(socket_);
    holder_.emplace(
        Program::Start(argv, {.fds = {{ready.write_end.get(), 1}}}));
    ready.write_end.Reset();
    ASSERT_TRUE(OutputReader(ready.read_end.get()).Until("\n"));
  }
  void StopHolder() {
    holder_->Signal(SIGTERM);
    ASSERT_TRUE(holder_->Wait());
    holder_.reset();
  }

  std::unique_ptr<FdStore> Connected() {
    return Value(ConnectToS6Store(socket_));
  }
  std::vector<StoredFd> Fetched() { return Value(Connected()->Fetch()); }
  // As the holder's own program tells it.
  std::string Listed() {
    Pipe said;
    Program list = Program::Start({"s6-fdholder-list", socket_},
                                  {.fds = {{said.write_end.get(), 1}}});
    said.write_end.Reset();
    OutputReader output(said.read_end.get());
    EXPECT_TRUE(output.UntilEnd());
    EXPECT_EQ(list.Wait(), ExitStatus{});
    return output.text();
  }

  TempDir dir_;
  const std::string socket_ = dir_ / "holder.sock";
  std::optional<Program> holder_;
};

TEST_F(S6StoreTest, WhatWasStoredOutlivesWhoStoredIt) {
  Pty pty = Value(OpenPty({}));
  Program child = Program::Start({"sleep", "1000"});
  {
    const std::unique_ptr<FdStore> store = Connected();
    EXPECT_THAT(store->Fetch(), IsOk());
    ASSERT_THAT(store->Add({{"deptyr.a.pty", pty.controller.get()},
                            {"deptyr.a.ring", Memfd("some text").get()},
                            {"deptyr.a.pid", child.pidfd()}}),
                IsOk());
    pty.controller.Reset();
  }
  EXPECT_EQ(WaitForEvents(pty.terminal.get(), POLLHUP, absl::ZeroDuration()),
            0);

  std::vector<StoredFd> stored = Fetched();
  ASSERT_THAT(
      NamesOf(stored),
      UnorderedElementsAre("deptyr.a.pty", "deptyr.a.ring", "deptyr.a.pid"));
  std::ranges::sort(stored, {}, &StoredFd::name);

  for (const StoredFd& each : stored) {
    EXPECT_EQ(::fcntl(each.fd.get(), F_GETFD), FD_CLOEXEC) << each.name;
  }
  const int pidfd = stored[0].fd.get();
  EXPECT_FALSE(HasEnded(pidfd));
  child.Signal(SIGKILL);
  EXPECT_TRUE(child.Wait());
  EXPECT_TRUE(HasEnded(pidfd));

  ASSERT_TRUE(Value(IsController(stored[1].fd.get())));
  ASSERT_EQ(::write(pty.terminal.get(), "hello", 5), 5);
  EXPECT_TRUE(OutputReader(stored[1].fd.get()).Until("hello"));

  EXPECT_EQ(TextOf(stored[2].fd.get()), "some text");
}

TEST_F(S6StoreTest, FetchedItStaysStored) {
  ASSERT_THAT(Connected()->Add({{"deptyr.a", Memfd("text").get()}}), IsOk());
  EXPECT_THAT(NamesOf(Fetched()), ElementsAre("deptyr.a"));
  EXPECT_THAT(NamesOf(Fetched()), ElementsAre("deptyr.a"));
}

TEST_F(S6StoreTest, ANameStoredBeforeIsReplaced) {
  const std::unique_ptr<FdStore> store = Connected();
  ASSERT_THAT(store->Add({{"deptyr.a", Memfd("old").get()}}), IsOk());
  ASSERT_THAT(store->Add({{"deptyr.a", Memfd("new").get()}}), IsOk());
  const std::vector<StoredFd> stored = Fetched();
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(TextOf(stored[0].fd.get()), "new");
}

TEST_F(S6StoreTest, SomeOfSeveralMayHaveBeenStoredBefore) {
  const std::unique_ptr<FdStore> store = Connected();
  ASSERT_THAT(store->Add({{"deptyr.b", Memfd("old").get()}}), IsOk());
  const Fd fresh = Memfd("new");
  ASSERT_THAT(store->Add({{"deptyr.a", fresh.get()},
                          {"deptyr.b", fresh.get()},
                          {"deptyr.c", fresh.get()}}),
              IsOk());
  const std::vector<StoredFd> stored = Fetched();
  EXPECT_EQ(stored.size(), 3U);
  for (const StoredFd& each : stored) EXPECT_EQ(TextOf(each.fd.get()), "new");
}

TEST_F(S6StoreTest, SeveralAreDroppedWhetherTheyAreThereOrNot) {
  const std::unique_ptr<FdStore> store = Connected();
  const Fd text = Memfd("text");
  ASSERT_THAT(store->Add({{"deptyr.a", text.get()},
                          {"deptyr.c", text.get()},
                          {"deptyr.d", text.get()}}),
              IsOk());
  EXPECT_THAT(store->Remove({"deptyr.a", "deptyr.b", "deptyr.c"}), IsOk());
  EXPECT_EQ(Listed(), "deptyr.d\n");
}

TEST_F(S6StoreTest, RemovedItIsStoredNoLonger) {
  const std::unique_ptr<FdStore> store = Connected();
  ASSERT_THAT(store->Add({{"deptyr.a", Memfd("a").get()}}), IsOk());
  ASSERT_THAT(store->Add({{"deptyr.b", Memfd("b").get()}}), IsOk());
  EXPECT_THAT(store->Remove({"deptyr.a"}), IsOk());
  EXPECT_THAT(store->Remove({"deptyr.a"}), IsOk());
  EXPECT_EQ(Listed(), "deptyr.b\n");
}

TEST_F(S6StoreTest, NamesOfOthersAreLeftAlone) {
  std::ofstream(Rule("env/S6_FDHOLDER_STORE_REGEX")) << "^other\n";
  const Fd text = Memfd("text");
  Program other = Program::Start({"s6-fdholder-store", socket_, "other"},
                                 {.fds = {{text.get(), 0}}});
  ASSERT_EQ(other.Wait(), ExitStatus{});
  std::ofstream(Rule("env/S6_FDHOLDER_STORE_REGEX")) << "^deptyr\\.\n";

  const std::unique_ptr<FdStore> store = Connected();
  EXPECT_THAT(NamesOf(Value(store->Fetch())), IsEmpty());
  ASSERT_THAT(store->Add({{"deptyr.a", text.get()}}), IsOk());
  EXPECT_THAT(NamesOf(Fetched()), ElementsAre("deptyr.a"));
  // The shipped rules forbid them, too.
  EXPECT_THAT(store->Add({{"other", text.get()}}),
              StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(Listed(), HasSubstr("other\n"));
}

TEST_F(S6StoreTest, NamesMayHave255Bytes) {
  const std::unique_ptr<FdStore> store = Connected();
  const Fd text = Memfd("text");
  const std::string longest = "deptyr." + std::string(248, 'x');
  EXPECT_THAT(store->Add({{longest, text.get()}}), IsOk());
  EXPECT_THAT(NamesOf(Fetched()), ElementsAre(longest));
  EXPECT_THAT(store->Add({{longest + "x", text.get()}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("256 bytes")));
}

// A thousand sessions make a list that is longer than any buffer.
TEST_F(S6StoreTest, ManyComeBack) {
  const std::unique_ptr<FdStore> store = Connected();
  const Fd text = Memfd("text");
  for (int i = 0; i < 800; ++i) {
    ASSERT_THAT(store->Add({{absl::StrCat("deptyr.session-of-a-name.", i),
                             text.get()}}),
                IsOk());
  }
  EXPECT_EQ(Fetched().size(), 800U);
}

TEST_F(S6StoreTest, AllAreStoredOrNone) {
  StopHolder();
  StartHolder({"-n", "2"});
  const std::unique_ptr<FdStore> store = Connected();
  const Fd text = Memfd("text");
  EXPECT_THAT(store->Add({{"deptyr.a", text.get()},
                          {"deptyr.b", text.get()},
                          {"deptyr.c", text.get()}}),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("deptyr.c")));
  EXPECT_TRUE(Fetched().empty());
}

TEST_F(S6StoreTest, AFullHolderIsResourceExhausted) {
  StopHolder();
  StartHolder({"-n", "2"});
  const std::unique_ptr<FdStore> store = Connected();
  ASSERT_THAT(store->Add({{"deptyr.a", Memfd("a").get()}}), IsOk());
  ASSERT_THAT(store->Add({{"deptyr.b", Memfd("old").get()}}), IsOk());
  EXPECT_THAT(store->Add({{"deptyr.c", Memfd("c").get()}}),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("deptyr.c")));
  // Nothing more is needed for this.
  EXPECT_THAT(store->Add({{"deptyr.b", Memfd("new").get()}}), IsOk());
  EXPECT_THAT(store->Remove({"deptyr.a"}), IsOk());
  EXPECT_THAT(store->Add({{"deptyr.c", Memfd("c").get()}}), IsOk());
  std::vector<StoredFd> stored = Fetched();
  std::ranges::sort(stored, {}, &StoredFd::name);
  ASSERT_THAT(NamesOf(stored), ElementsAre("deptyr.b", "deptyr.c"));
  EXPECT_EQ(TextOf(stored[0].fd.get()), "new");
}

TEST_F(S6StoreTest, TheErrorNamesTheRuleThatIsMissing) {
  for (const char* name :
       {"env/S6_FDHOLDER_LIST", "env/S6_FDHOLDER_STORE_REGEX",
        "env/S6_FDHOLDER_RETRIEVE_REGEX"}) {
    std::filesystem::rename(Rule(name), dir_ / "aside");
    EXPECT_THAT(ConnectToS6Store(socket_),
                StatusIs(StatusCode::kPermissionDenied,
                         AllOf(HasSubstr(socket_), HasSubstr(name),
                               HasSubstr(absl::StrCat("uid ", ::getuid())))));
    std::filesystem::rename(dir_ / "aside", Rule(name));
  }
  std::filesystem::remove(Rule("allow"));
  EXPECT_THAT(ConnectToS6Store(socket_),
              StatusIs(StatusCode::kUnavailable,
                       HasSubstr(absl::StrCat("uid/", ::getuid(), "/allow"))));
}

TEST_F(S6StoreTest, AHolderThatIsGoneIsAnErrorUntilThereIsOneAgain) {
  const std::unique_ptr<FdStore> store = Connected();
  StopHolder();
  const Fd text = Memfd("text");
  const size_t fds = CountOpenFds();
  const absl::Time start = absl::Now();
  EXPECT_THAT(store->Add({{"deptyr.a", text.get()}}),
              StatusIs(StatusCode::kUnavailable,
                       HasSubstr(absl::StrCat("s6-fdholder at ", socket_))));
  EXPECT_THAT(store->Fetch(), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(store->Remove({"deptyr.a"}), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(ConnectToS6Store(socket_),
              StatusIs(StatusCode::kUnavailable, HasSubstr("; start it")));
  EXPECT_LT(absl::Now() - start, kSoon);
  EXPECT_EQ(CountOpenFds(), fds);
  StartHolder();
  EXPECT_THAT(store->Add({{"deptyr.a", text.get()}}), IsOk());
  EXPECT_THAT(NamesOf(Fetched()), ElementsAre("deptyr.a"));
}

TEST_F(S6StoreTest, AHolderThatIsStoppedHoldsNobodyUp) {
  const std::unique_ptr<FdStore> store = Connected();
  holder_->Signal(SIGSTOP);
  const Fd text = Memfd("text");
  const absl::Time start = absl::Now();
  EXPECT_THAT(store->Add({{"deptyr.a", text.get()}}),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("no answer")));
  EXPECT_LT(absl::Now() - start, kSoon);
  holder_->Signal(SIGCONT);
  EXPECT_THAT(store->Add({{"deptyr.a", text.get()}}), IsOk());
}

// It stores what it was asked to when it goes on, though nobody waits for its
// answer any more.
TEST_F(S6StoreTest, WhatAStoppedHolderStoresTooLateIsRemoved) {
  StoredSessions sessions(Connected());
  const Fd text = Memfd("text");
  holder_->Signal(SIGSTOP);
  EXPECT_THAT(sessions.AddProgram("a", ::getuid(), text.get(), 1, text.get(),
                                  text.get()),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(sessions.RemoveProgram("a", 1), IsOk());
  holder_->Signal(SIGCONT);
  ASSERT_TRUE(
      WaitFor([&] { return absl::StrContains(Listed(), "deptyr.pid.1.a"); }));
  EXPECT_THAT(sessions.RemoveUnwanted(), IsOk());
  EXPECT_EQ(Listed(), "");
}

TEST_F(S6StoreTest, NothingLeaks) {
  const std::unique_ptr<FdStore> store = Connected();
  const Fd text = Memfd("text");
  const size_t fds = CountOpenFds();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(store->Add({{"deptyr.a", text.get()}}), IsOk());
    EXPECT_EQ(Fetched().size(), 1U);
    EXPECT_THAT(store->Add({{"other", text.get()}}), Not(IsOk()));
  }
  EXPECT_THAT(store->Remove({"deptyr.a"}), IsOk());
  EXPECT_EQ(CountOpenFds(), fds);
}

TEST_F(S6StoreTest, PreparedItHasAConnectionForTheNextThatIsStored) {
  const std::unique_ptr<FdStore> store = Connected();
  const Fd text = Memfd("text");
  const size_t fds = CountOpenFds();
  EXPECT_TRUE(store->Prepare());
  EXPECT_TRUE(store->Prepare());
  EXPECT_EQ(CountOpenFds(), fds + 1);
  EXPECT_THAT(store->Add({{"deptyr.a", text.get()}}), IsOk());
  EXPECT_EQ(CountOpenFds(), fds);
  EXPECT_TRUE(store->Prepare());
  store->Relax();
  store->Relax();
  EXPECT_EQ(CountOpenFds(), fds);
  EXPECT_THAT(store->Add({{"deptyr.b", text.get()}}), IsOk());
  EXPECT_EQ(Fetched().size(), 2U);
}

TEST_F(S6StoreTest, AHolderThatWasRestartedIsPreparedForInVain) {
  const std::unique_ptr<FdStore> store = Connected();
  const Fd text = Memfd("text");
  EXPECT_TRUE(store->Prepare());
  holder_->Signal(SIGKILL);
  ASSERT_TRUE(holder_->Wait());
  StartHolder();
  EXPECT_THAT(store->Add({{"deptyr.a", text.get()}}), IsOk());
  StopHolder();
  EXPECT_FALSE(store->Prepare());
  EXPECT_THAT(store->Add({{"deptyr.b", text.get()}}),
              StatusIs(StatusCode::kUnavailable));
}

// Something that isn't an s6-fdholder serves the path of one.
class StrangerTest : public testing::Test {
 protected:
  // It answers every message with the next of these, and `fds` copies of its
  // standard output beside it.
  void Start(const std::vector<std::string>& answers, size_t fds) {
    ListeningSocket listener = Value(Listen(socket_, {}));
    stranger_.emplace(Program::Fork(
        [&] {
          while (WaitForEvents(listener.fd(), POLLIN, absl::Hours(1)) != 0) {
            Answer(*Value(Accept(listener.fd())), answers, fds);
          }
          return 0;
        },
        {.keep = {listener.fd()}}));
    // The file is the stranger's now.
    listener_ = std::move(listener);
  }
  static void Answer(const Fd& peer, const std::vector<std::string>& answers,
                     size_t fds) {
    std::array<char, 1000> room;
    for (size_t i = 0;; ++i) {
      (void)WaitForEvents(peer.get(), POLLIN, absl::Hours(1));
      if (::read(peer.get(), room.data(), room.size()) <= 0) return;
      if (i >= answers.size()) continue;
      if (i + 1 < answers.size() || fds == 0) {
        (void)::send(peer.get(), answers[i].data(), answers[i].size(),
                     MSG_NOSIGNAL);
      } else {
        SendWithFds(peer.get(), answers[i], std::vector<int>(fds, 1));
      }
    }
  }

  void ExpectErrorSoon() {
    const size_t fds = CountOpenFds();
    const absl::Time start = absl::Now();
    const auto store = ConnectToS6Store(socket_);
    EXPECT_THAT(store, Not(IsOk()));
    EXPECT_LT(absl::Now() - start, kSoon);
    EXPECT_EQ(CountOpenFds(), fds) << store.status();
  }

  TempDir dir_;
  const std::string socket_ = dir_ / "stranger.sock";
  ListeningSocket listener_;
  std::optional<Program> stranger_;
};

// As unixmessage has it (skalibs, unixmessage_sender_flush.c): length of the
// text, number of descriptors, text.
std::string Message(absl::string_view text, char fds) {
  return absl::StrCat(
      std::string{0, 0, 0, static_cast<char>(text.size()), 0, fds}, text);
}
const std::string kEmptyList = Message(std::string(5, '\0'), 0);

TEST_F(StrangerTest, WhoNeverAnswers) {
  Start({}, 0);
  ExpectErrorSoon();
}

TEST_F(StrangerTest, WhoNeverAccepts) {
  listener_ = Value(Listen(socket_, {}));
  ASSERT_EQ(::listen(listener_.fd(), 0), 0);
  const Fd first = Value(Connect(socket_, absl::Seconds(1)));
  ExpectErrorSoon();
}

// Anybody can serve the path if others may write to the folder.
TEST_F(StrangerTest, WhoIsAnotherUserIsToldNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  listener_ = Value(Listen(socket_, {}));
  ASSERT_EQ(::seteuid(12345), 0);
  ASSERT_EQ(::listen(listener_.fd(), 1), 0);
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(ConnectToS6Store(socket_),
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("another user's (uid=12345)")));
  const auto peer = Value(Accept(listener_.fd()));
  ASSERT_TRUE(peer);
  OutputReader output(peer->get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(output.text(), "");
}

TEST_F(StrangerTest, WhoTalksGarbage) {
  Start({"HTTP/1.1 400 Bad Request\r\n\r\n"}, 0);
  ExpectErrorSoon();
}

TEST_F(StrangerTest, WhoPromisesMoreThanComes) {
  Start({std::string("\0\1\0\0\0\0yes", 9)}, 0);
  ExpectErrorSoon();
}

TEST_F(StrangerTest, WhoSendsDescriptorsBesideAList) {
  Start({Message(std::string(5, '\0'), 3)}, 3);
  ExpectErrorSoon();
}

TEST_F(StrangerTest, WhoSendsDescriptorsBesideAnError) {
  Start({kEmptyList, Message("\1", 1)}, 1);
  ExpectErrorSoon();
}

TEST_F(StrangerTest, WhoSendsDescriptorsThatItDoesNotAnnounce) {
  Start({kEmptyList, Message(std::string(1, '\0'), 0)}, 5);
  ExpectErrorSoon();
}

// The library closes both: neither may be ours, as one closed twice could be.
TEST_F(StrangerTest, WhoSendsADescriptorMoreThanItAnnounces) {
  Start({kEmptyList, Message(std::string(1, '\0'), 1)}, 2);
  const auto store = ConnectToS6Store(socket_);
  EXPECT_THAT(store,
              StatusIs(StatusCode::kUnavailable, HasSubstr("no s6-fdholder")));
  ExpectErrorSoon();
}

}  // namespace
}  // namespace deptyr
