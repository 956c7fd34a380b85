// Body and head get kill -9 at every step there is: nobody hangs, nothing is
// left, and the next one is served.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/connection.h"
#include "tests/support/deptyr.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

// The nth call of that name that a process makes.
struct Call {
  std::string name;
  int n;
};

// Starts a program with `signal` sent to it as it enters that call.
std::vector<std::string> SignalAt(const Call& call, const std::string& signal,
                                  const std::string& trace = "/dev/null") {
  return {
      "strace",
      "-o",
      trace,
      "-e",
      absl::StrCat("trace=", call.name),
      "-e",
      absl::StrCat("inject=", call.name, ":signal=", signal, ":when=", call.n)};
}

// Reads strace's trace without the first line, where it executes the program.
std::vector<Call> CallsIn(const std::string& trace) {
  std::vector<Call> calls;
  std::map<std::string, int> counts;
  for (const absl::string_view line : absl::StrSplit(trace, '\n')) {
    const size_t parenthesis = line.find('(');
    if (parenthesis == absl::string_view::npos || line[0] == '-' ||
        line[0] == '+') {
      continue;
    }
    const std::string name(line.substr(0, parenthesis));
    if (calls.empty() && counts.empty() && name == "execve") {
      counts[name] = 0;
      continue;
    }
    calls.push_back({name, ++counts[name]});
  }
  return calls;
}

std::vector<std::string> BodyCommand(const std::string& socket,
                                     const std::string& name,
                                     const std::vector<std::string>& program) {
  std::vector<std::string> words = {Deptyr(), "body", "--name",
                                    name,     socket, "--"};
  words.insert(words.end(), program.begin(), program.end());
  return words;
}

std::vector<std::string> Join(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// "session=a pid=12 WHAT" of those lines.
std::multiset<pid_t> PidsThat(absl::string_view what, const LogFile& log) {
  std::multiset<pid_t> pids;
  for (const std::string& line : log.lines()) {
    const size_t at = line.find(" pid=");
    if (at == std::string::npos || !absl::StrContains(line, what)) continue;
    pids.insert(std::atoi(line.c_str() + at + 5));
  }
  return pids;
}

TEST(KillBodyTest, AtEverySystemCallItLeavesNothing) {
  HeadProcess head;
  const TempDir folder;
  const std::vector<std::string> command =
      BodyCommand(head.socket(), "a", {"/bin/true"});
  Program traced =
      Program::Start(Join({"strace", "-o", folder / "trace"}, command));
  ASSERT_EQ(traced.Wait(), ExitStatus{});
  const auto serves = [&] {
    BodyProcess body(head.socket(), {"--name=a"}, {"sh", "-c", "exit 3"});
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 3}) << body.said().text();
  };
  serves();
  ASSERT_TRUE(WaitUntilQuiet(head.pid()));
  const size_t fds = CountFdsOf(head.pid());
  const std::vector<Call> calls = CallsIn(ReadFile(folder / "trace"));
  ASSERT_GT(calls.size(), 60U);
  for (const Call& call : calls) {
    Program body = Program::Start(Join(SignalAt(call, "KILL"), command));
    ASSERT_EQ(body.Wait(), ExitStatus{.signal = SIGKILL})
        << call.name << " " << call.n;
    // Its name is free at once.
    serves();
  }
  EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head.pid()) == fds; }))
      << CountFdsOf(head.pid()) << " descriptors, before " << fds;
  // All who registered have ended, in the log too.
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_EQ(PidsThat(" registered: ", head.log()),
            PidsThat(" ended: ", head.log()))
      << head.log().text();
  EXPECT_THAT(head.log().text(), HasSubstr("ended: signal 9 (Killed)"));
}

TEST(KillBodyTest, StoppedBetweenRegistrationAndProgramItHoldsItsName) {
  HeadProcess head;
  const LogFile said;
  const TempDir folder;
  Program strace =
      Program::Start(Join(SignalAt({"setsid", 1}, "STOP", folder / "trace"),
                          BodyCommand(head.socket(), "a", {"/bin/true"})),
                     {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  ASSERT_TRUE(head.log().Until(HasSubstr("session=a")));
  ASSERT_TRUE(TextUntil([&] { return ReadFile(folder / "trace"); },
                        HasSubstr("stopped by SIGSTOP")));
  const std::vector<pid_t> stopped = ChildrenOf(strace.pid());
  ASSERT_THAT(stopped, SizeIs(1));
  BodyProcess refused(head.socket(), {"--name=a"}, {"true"});
  EXPECT_EQ(refused.Wait(), ExitStatus{.code = 111});
  // After it was replaced and continued, it finds its terminal hung up and says
  // so.
  BodyProcess replacing(head.socket(), {"--name=a", "--replace"},
                        {"sh", "-c", "exit 3"});
  EXPECT_EQ(replacing.Wait(), ExitStatus{.code = 3});
  ASSERT_EQ(::kill(stopped[0], SIGCONT), 0);
  EXPECT_EQ(strace.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(said.lines(), testing::ElementsAre(HasSubstr("deptyr body: ")));
}

TEST(KillHeadTest, StoppedAndContinuedItServesWhoWaited) {
  HeadProcess head;
  head.program().Signal(SIGSTOP);
  BodyProcess body(head.socket(), {}, {"sh", "-c", "exit 3"});
  ASSERT_TRUE(WaitFor([&] { return body.program().Sleeps(); }));
  head.program().Signal(SIGCONT);
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 3});
}

// A body whose head was killed says that it lost it, its program is hung up, or
// another head serves it.
void ExpectWellEnded(const std::optional<ExitStatus>& end,
                     const LogFile& said) {
  ASSERT_TRUE(end.has_value()) << "hangs: " << said.text();
  if (*end == ExitStatus{.code = 111}) {
    EXPECT_THAT(said.lines().back(),
                AllOf(HasSubstr("deptyr body: "), HasSubstr("head")));
  } else {
    EXPECT_THAT(*end, AnyOf(Eq(ExitStatus{.signal = SIGHUP}),
                            Eq(ExitStatus{.code = 3})))
        << said.text();
  }
}

TEST(KillHeadTest, AtEverySystemCallItsBodiesKnowWhatToDo) {
  const TempDir folder;
  const std::string socket = folder / "sock";
  // A head that serves one program, or doesn't come to that.
  const auto serve_one = [&](std::vector<std::string> wrapper) {
    BodyProcess body(socket, {"--wait=60"}, {"sh", "-c", "exit 3"});
    HeadProcess head({}, {.socket = socket, .wrapper = std::move(wrapper)});
    if (head.ready()) {
      EXPECT_TRUE(WaitFor([&] {
        (void)body.program().Wait(absl::ZeroDuration());  // reaps it
        return head.program().HasEnded() ||
               absl::StrContains(head.log().text(), "ended: exit status 3");
      })) << head.log().text()
          << body.said().text();
    }
    for (const pid_t traced : ChildrenOf(head.pid())) {
      (void)::kill(traced, SIGTERM);
    }
    const auto end = head.program().Wait();
    HeadProcess next({}, {.socket = socket});
    EXPECT_TRUE(next.ready()) << next.log().text();
    const auto bodys_end = body.Wait();
    ExpectWellEnded(bodys_end, body.said());
    EXPECT_EQ(next.Stop(), ExitStatus{});
    return std::pair(end, bodys_end);
  };
  ASSERT_EQ(serve_one({"strace", "-o", folder / "trace"}).first, ExitStatus{});
  const std::vector<Call> calls = CallsIn(ReadFile(folder / "trace"));
  ASSERT_GT(calls.size(), 100U);
  int served = 0;
  for (const Call& call : calls) {
    const auto [end, bodys_end] = serve_one(SignalAt(call, "KILL"));
    // Timing decides how often it makes some calls.
    EXPECT_THAT(end,
                Optional(AnyOf(ExitStatus{.signal = SIGKILL}, ExitStatus{})));
    if (bodys_end == ExitStatus{.code = 3}) ++served;
    if (testing::Test::HasFailure()) FAIL() << "at " << call.name << call.n;
  }
  // The next head serves it, if it was killed before it answered.
  EXPECT_GT(served, 60);
}

TEST(KillHeadTest, WhileACrowdRegistersNobodyHangs) {
  constexpr int kRounds = 8;
  constexpr int kBodies = 20;
  const TempDir folder;
  const std::string socket = folder / "sock";
  for (int round = 0; round < kRounds; ++round) {
    HeadProcess doomed({}, {.socket = socket});
    ASSERT_TRUE(doomed.ready());
    std::vector<std::unique_ptr<BodyProcess>> bodies;
    for (int i = 0; i < kBodies; ++i) {
      bodies.push_back(std::make_unique<BodyProcess>(
          socket, std::vector<std::string>{absl::StrCat("--name=b", i)},
          std::vector<std::string>{"sh", "-c", "read x; exit 3"}));
    }
    ASSERT_TRUE(WaitFor([&] {
      return PidsThat("registered", doomed.log()).size() >=
             static_cast<size_t>(round * 2);
    }));
    doomed.program().Signal(SIGKILL);
    (void)doomed.program().Wait();
    HeadProcess next({}, {.socket = socket});
    ASSERT_TRUE(next.ready()) << next.log().text();
    // Programs that the next one doesn't hold have ended or will; the others
    // run.
    ASSERT_TRUE(WaitFor([&] {
      const auto held = PidsThat("registered", next.log());
      return std::all_of(bodies.begin(), bodies.end(), [&](const auto& body) {
        return body->program().HasEnded() || held.count(body->pid()) == 1;
      });
    })) << "round "
        << round;
    EXPECT_EQ(next.Stop(), ExitStatus{});
    for (const auto& body : bodies) {
      ExpectWellEnded(body->Wait(), body->said());
    }
  }
}

// A head that is started while another one serves is refused.  If that one dies
// first, what it stored until then is there.
TEST(KillHeadTest, WhatItStoredLastIsKnownToOneThatWaitsForItsSocket) {
  const TempDir folder;
  const std::string socket = folder / "sock";
  const std::string holder_path = folder / "holder";
  const Program holder =
      Program::Start({"s6-fdholder-daemon", "-i",
                      absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"),
                                   "/s6/deptyr-fdholder/data/rules"),
                      holder_path});
  ASSERT_TRUE(WaitFor([&] { return Connection::Works(holder_path); }));
  const std::string keeper = absl::StrCat("--keeper=s6:", holder_path);
  HeadProcess doomed({keeper}, {.socket = socket});
  ASSERT_TRUE(doomed.ready());
  const LogFile said;
  Program strace =
      Program::Start(Join(SignalAt({"mkdirat", 1}, "STOP", folder / "trace"),
                          {Deptyr(), "head", "--headless", keeper, socket}),
                     {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  ASSERT_TRUE(TextUntil([&] { return ReadFile(folder / "trace"); },
                        HasSubstr("stopped by SIGSTOP")));
  BodyProcess body(socket, {"--name=a"}, {"sleep", "1000"});
  ASSERT_TRUE(
      WaitFor([&] { return StatusFieldOf(body.pid(), "Name:") == "sleep"; }));
  doomed.program().Signal(SIGKILL);
  (void)doomed.program().Wait();
  const std::vector<pid_t> next = ChildrenOf(strace.pid());
  ASSERT_THAT(next, SizeIs(1));
  ASSERT_EQ(::kill(next[0], SIGCONT), 0);
  EXPECT_TRUE(said.Until(
      HasSubstr(absl::StrCat("session=a taken back; runs, pid ", body.pid()))));
  EXPECT_FALSE(body.program().HasEnded());
  (void)::kill(next[0], SIGTERM);
  EXPECT_EQ(strace.Wait(), ExitStatus{});
}

// A program that outlives the loss of its terminal lets the next head's session
// of the same name alone.
TEST(KillHeadTest, AProgramThatSurvivesItIsNobodysSession) {
  const TempDir folder;
  const std::string socket = folder / "sock";
  HeadProcess doomed({}, {.socket = socket});
  BodyProcess survivor(socket, {"--name=a"},
                       {"sh", "-c", "trap '' HUP; exec sleep 1000"});
  ASSERT_TRUE(WaitFor(
      [&] { return StatusFieldOf(survivor.pid(), "Name:") == "sleep"; }));
  doomed.program().Signal(SIGKILL);
  (void)doomed.program().Wait();
  HeadProcess next({}, {.socket = socket});
  BodyProcess body(socket, {"--name=a"}, {"sh", "-c", "exit 3"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 3});
  EXPECT_FALSE(survivor.program().HasEnded());
}

}  // namespace
}  // namespace deptyr
