// Tests many of everything: sessions that idle, bodies that come at once,
// restarts in a row.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/messages.h"
#include "tests/support/deptyr.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

constexpr int kCrowd = 1000;
// This is for all of them together.
constexpr absl::Duration kLongDeadline = absl::Minutes(4);

class CrowdTest : public testing::Test {
 protected:
  void SetUp() override { (void)RaiseDescriptorLimit(); }
  void Start(const std::string& name, const std::vector<std::string>& program,
             const ProgramOptions& how = {}) {
    bodies_.push_back(std::make_unique<BodyProcess>(
        head_.socket(), std::vector<std::string>{"--name", name, "--log=none"},
        program, how));
  }
  void Restart() {
    BodyProcess body(head_.socket(), {"--name=again"},
                     {"sh", "-c", "echo some output; exit 3"});
    ASSERT_EQ(body.Wait(), ExitStatus{.code = 3}) << body.said().text();
  }
  long LogLinesWith(absl::string_view text) {
    const auto lines = head_.log().lines();
    return std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
      return absl::StrContains(line, text);
    });
  }

  // A thousand bodies may all have connected before one has its PTY.
  std::string Refusals() {
    std::string refusals;
    for (const std::string& line : head_.log().lines()) {
      if (absl::StrContains(line, "refused")) absl::StrAppend(&refusals, line);
    }
    return refusals;
  }

  HeadProcess head_{{"--max-pending=1024"}};
  std::vector<std::unique_ptr<BodyProcess>> bodies_;
};

TEST_F(CrowdTest, AHundredIdleSessionsNeverWakeHead) {
  constexpr int kSessions = 100;
  for (int i = 0; i < kSessions; ++i) Start(absl::StrCat("b", i), {"cat"});
  ASSERT_TRUE(WaitFor([&] {
    return std::all_of(bodies_.begin(), bodies_.end(), [](const auto& body) {
      return StatusFieldOf(body->pid(), "Name:") == "cat";
    });
  }));
  ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
  const TempDir folder;
  const LogFile said;
  Program strace = Program::Start(
      {"strace", "-f", "-o", folder / "trace", "-p", absl::StrCat(head_.pid())},
      {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  ASSERT_TRUE(said.Until(HasSubstr("attached")));
  // To see that nothing happens, we can only watch for a while.
  EXPECT_EQ(WaitForEvents(strace.pidfd(), POLLIN, absl::Seconds(5)), 0);
  strace.Signal(SIGINT);
  ASSERT_TRUE(strace.Wait().has_value());
  // There is one call; if it was interrupted, the machine stood still.
  EXPECT_THAT(
      ReadFile(folder / "trace"),
      MatchesRegex("([0-9]+ +epoll_wait\\([^\n]* EINTR [^\n]*\n)*"
                   "[0-9]+ +epoll_wait\\([^\n]*<detached \\.\\.\\.>\n"));
  // It is awake at once when there is something to do.
  bodies_[0]->program().Signal(SIGKILL);
  EXPECT_TRUE(head_.log().Until(HasSubstr("session=b0 pid=")));
  EXPECT_EQ(bodies_[0]->Wait(), ExitStatus{.signal = SIGKILL});
  EXPECT_TRUE(head_.log().Until(HasSubstr("ended: signal 9")));
}

TEST_F(CrowdTest, AThousandBodiesAtOnceAreAllServed) {
  // They stand at the barrier until the last is there.
  constexpr int kBarrier = 9;
  Pipe barrier;
  const ProgramOptions how = {.fds = {{barrier.read_end.get(), kBarrier}},
                              .prepare = [] {
                                char byte = 0;
                                (void)!::read(kBarrier, &byte, 1);
                                (void)::close(kBarrier);
                              }};
  for (int i = 0; i < kCrowd; ++i) {
    Start(absl::StrCat("b", i), {Actor(), "sizes"}, how);
  }
  const size_t fds = CountFdsOf(head_.pid());
  barrier.write_end.Reset();
  ASSERT_TRUE(WaitFor([&] { return LogLinesWith(" registered: ") == kCrowd; },
                      kLongDeadline))
      << LogLinesWith(" registered: ") << " registered; " << Refusals();
  EXPECT_EQ(LogLinesWith("refused"), 0);
  EXPECT_EQ(LogLinesWith("can't accept"), 0);
  for (const auto& body : bodies_) {
    ASSERT_EQ(body->said().text(), "");
    ASSERT_FALSE(body->program().HasEnded());
  }
  // Each has a controlling end and a pidfd.
  EXPECT_TRUE(WaitFor([&] {
    return CountFdsOf(head_.pid()) == fds + 2 * kCrowd;
  })) << CountFdsOf(head_.pid());
  // They end at once, too, and leave nothing.
  for (const auto& body : bodies_) body->program().Signal(SIGKILL);
  for (const auto& body : bodies_) {
    ASSERT_EQ(body->Wait(), ExitStatus{.signal = SIGKILL});
  }
  EXPECT_TRUE(WaitFor([&] { return LogLinesWith(" ended: ") == kCrowd; },
                      kLongDeadline));
  EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head_.pid()) == fds; }))
      << CountFdsOf(head_.pid()) << " descriptors, before " << fds;
  Restart();
}

// There is something on every screen.  Beyond the page that a ring then holds,
// a session may cost 8 KiB.
TEST_F(CrowdTest, AThousandIdleSessionsCostLittle) {
  constexpr long kRingPage = 4;
  const long before = OwnKilobytes(head_.pid());
  for (int i = 0; i < kCrowd; ++i) {
    Start(absl::StrCat("b", i),
          {"sh", "-c",
           "printf '\\033[2J\\033[1;1Htext\\033[31mred'; exec sleep 1000"});
  }
  ASSERT_TRUE(WaitFor(
      [&] {
        const std::string list =
            OutputOf({Deptyr(), "ls", "--json", head_.socket()});
        return LogLinesWith(" registered: ") == kCrowd &&
               !absl::StrContains(list, "\"history\": 0,");
      },
      kLongDeadline));
  EXPECT_TRUE(WaitFor(
      [&] {
        return OwnKilobytes(head_.pid()) - before <= (8 + kRingPage) * kCrowd;
      },
      kLongDeadline))
      << OwnKilobytes(head_.pid()) - before << " KiB for " << kCrowd;
}

TEST_F(CrowdTest, AThousandClientsCostLittle) {
  Start("one", {"cat"});
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=one")));
  const long before = OwnKilobytes(head_.pid());
  std::vector<Fd> clients;
  for (int i = 0; i < kCrowd; ++i) {
    clients.push_back(Value(Connect(head_.socket(), kDeadline)));
    const std::string attach = Encode(Attach{.from = From::kNow});
    ASSERT_EQ(WriteSome(clients.back().get(), attach).bytes, attach.size());
    // They come one after the other: this isn't about what many new connections
    // at once leave in the heap.
    ASSERT_TRUE(
        WaitFor([&] { return BytesReadable(clients.back().get()) > 0; }));
  }
  ASSERT_TRUE(WaitFor([&] { return LogLinesWith(" joined ") == kCrowd; }));
  EXPECT_LE(OwnKilobytes(head_.pid()) - before, 2 * kCrowd);
}

TEST_F(CrowdTest, AThousandRestartsInARowLeaveHeadAsItWas) {
  constexpr int kWarmUp = 100;
  for (int i = 0; i < kWarmUp; ++i) Restart();
  ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
  const size_t fds = CountFdsOf(head_.pid());
  const long memory = OwnKilobytes(head_.pid());
  for (int i = 0; i < kCrowd; ++i) Restart();
  ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
  EXPECT_EQ(CountFdsOf(head_.pid()), fds);
  constexpr long kMargin = 256;
  EXPECT_LE(OwnKilobytes(head_.pid()), memory + kMargin)
      << "kilobytes, before " << memory;
  EXPECT_TRUE(WaitFor([&] {
    return LogLinesWith("session=again") == 2 * (kWarmUp + kCrowd);
  })) << LogLinesWith("session=again");
}

// Each has a name of its own, and head doesn't remember all of them.
TEST_F(CrowdTest, AThousandNamesInARowLeaveHeadAsItWas) {
  const auto run = [&](const std::string& name) {
    BodyProcess body(head_.socket(), {"--name", name}, {"echo", "some output"});
    ASSERT_EQ(body.Wait(), ExitStatus{}) << body.said().text();
  };
  constexpr int kWarmUp = 200;
  for (int i = 0; i < kWarmUp; ++i) run(absl::StrCat("warm-up-", i));
  ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
  const size_t fds = CountFdsOf(head_.pid());
  const long memory = OwnKilobytes(head_.pid());
  for (int i = 0; i < kCrowd; ++i) run(absl::StrCat("b", i));
  ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
  EXPECT_EQ(CountFdsOf(head_.pid()), fds);
  constexpr long kMargin = 512;
  EXPECT_LE(OwnKilobytes(head_.pid()), memory + kMargin)
      << "kilobytes, before " << memory;
}

}  // namespace
}  // namespace deptyr
