// Moves programs from what holds their terminals (tmux, screen, dtach, script)
// to head.

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/sys/terminal_holder.h"
#include "lib/wire/messages.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/kernel.h"
#include "tests/support/other_user.h"
#include "tests/support/screen.h"
#include "tests/support/scripted_head.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr uid_t kOwner = 12345;
constexpr uid_t kStranger = 12346;

struct Said {
  std::optional<ExitStatus> status;
  std::string out;
  std::string err;
};

// It says who it is, in a file, and answers each line with its terminal's size.
std::string Answerer(const std::string& pid_file) {
  return absl::StrCat("stty -echo; trap 'echo interrupted' INT; echo $$ > ",
                      Quote(pid_file), ".new; mv ", Quote(pid_file), ".new ",
                      Quote(pid_file),
                      "; while :; do read x && echo got $x $(stty size); done");
}

// Waits until the program has said its pid.
pid_t PidIn(const std::string& file) {
  pid_t pid = -1;
  EXPECT_TRUE(WaitFor([&] { return absl::SimpleAtoi(ReadFile(file), &pid); }));
  return pid;
}

char StateOf(pid_t pid) {
  const std::string state = StatFieldOf(pid, 3);
  return state.empty() ? '-' : state[0];
}
bool IsStopped(pid_t pid) {
  return StateOf(pid) == 'T';
}

class AdoptTest : public testing::Test {
 protected:
  AdoptTest() {
    std::filesystem::create_directory(folder_ / "clients");
    // Other users have to reach their files.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  }

  void StartHead(std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--client-dir", folder_ / "clients"});
    head_.emplace(options, HeadProcessOptions{.socket = folder_ / "head"});
    ASSERT_TRUE(head_->ready());
  }
  const std::string& socket() const { return head_->socket(); }

  static Said Run(std::vector<std::string> words, ProgramOptions how = {}) {
    const LogFile out;
    const LogFile err;
    how.fds.insert(how.fds.end(), {{out.fd(), 1}, {err.fd(), 2}});
    words.insert(words.begin(), Deptyr());
    Program program = Program::Start(words, how);
    const auto status = program.Wait();
    return {status, out.text(), err.text()};
  }
  Said Adopt(pid_t pid, std::vector<std::string> options = {},
             const ProgramOptions& how = {}) const {
    options.insert(options.begin(), "adopt");
    options.insert(options.end(), {socket(), absl::StrCat(pid)});
    return Run(options, how);
  }
  Connection ClientOf(const std::string& session) const {
    return Connection::To(
        absl::StrCat(folder_ / "clients", "/", session, ".raw"));
  }
  std::string History(const std::string& session) const {
    return Run({"history", socket(), session}).out;
  }
  std::string Status(const std::string& session) const {
    return Run({"status", "--json", socket(), session}).out;
  }
  // Its program answers what is typed in head.
  testing::AssertionResult Answers(const std::string& session) const {
    Connection client = ClientOf(session);
    client.Send(absl::StrCat("word for ", session, "\n"));
    return client.output().Until(
        HasSubstr(absl::StrCat("got word for ", session, " ")));
  }
  testing::AssertionResult HasNoSession() const {
    const std::string names = Run({"ls", "--names", socket()}).out;
    if (names.empty()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "head has " << names;
  }
  // Somebody who writes down what a terminal shows; the program ends with it.
  Program Script(const std::string& command, const std::string& file,
                 void (*prepare)() = nullptr) {
    return Program::Start({"script", "-q", "-f", "-c", command, file},
                          {.fds = {{input_.read_end.get(), 0},
                                   {null_.get(), 1},
                                   {null_.get(), 2}},
                           .env = {"SHELL=/bin/sh"},
                           .prepare = prepare});
  }
  Program AnswererInScript(void (*prepare)() = nullptr) {
    return Script(Answerer(pid_file_), typescript_, prepare);
  }
  // Somebody who also holds the terminal that this program leads.
  static Program HolderBesides(pid_t leader) {
    const auto holders = Value(HoldersOf(Value(TerminalOf(leader))));
    const auto& terminals = holders.at(0).terminals;
    const auto held = std::ranges::find(
        terminals, leader,
        [](const HeldTerminal& it) { return it.terminal.leader; });
    EXPECT_NE(held, terminals.end());
    return Program::Fork(
        [] {
          (void)::pause();
          return 0;
        },
        {.keep = {held->controller.get()}});
  }

  TempDir folder_;
  const std::string pid_file_ = folder_ / "pid";
  const std::string typescript_ = folder_ / "typescript";
  const Pipe input_;  // nothing comes from it
  const Fd null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  std::optional<HeadProcess> head_;
};

// --- From each of those that hold terminals ---------------------------------

class Holder {
 public:
  virtual ~Holder() = default;
  virtual Program& process() = 0;
};

template <typename T>
class OwnHolder : public Holder {
 public:
  template <typename... Args>
  explicit OwnHolder(Args&&... args) : holder_(std::forward<Args>(args)...) {}
  Program& process() override { return holder_.program(); }

 private:
  T holder_;
};

// It has no terminal of its own.
class ProgramHolder : public Holder {
 public:
  explicit ProgramHolder(const std::vector<std::string>& words)
      : program_(Program::Start(
            words, {.fds = {{input_.read_end.get(), 0}, {said_.fd(), 1}},
                    .env = {"SHELL=/bin/sh"}})) {}
  Program& process() override { return program_; }

 private:
  const Pipe input_;  // nothing comes from it
  const LogFile said_;
  Program program_;
};

struct Kind {
  std::string name;
  std::unique_ptr<Holder> (*start)(const std::string& command,
                                   const std::string& folder);
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

std::unique_ptr<Holder> StartTmux(const std::string& command,
                                  const std::string&) {
  return std::make_unique<OwnHolder<Tmux>>(command);
}
std::unique_ptr<Holder> StartScreen(const std::string& command,
                                    const std::string&) {
  return std::make_unique<OwnHolder<ScreenSession>>(
      std::vector<std::string>{"sh", "-c", command});
}
std::unique_ptr<Holder> StartDtach(const std::string& command,
                                   const std::string& folder) {
  return std::make_unique<ProgramHolder>(std::vector<std::string>{
      "dtach", "-N", folder + "/dtach", "sh", "-c", command});
}
std::unique_ptr<Holder> StartScript(const std::string& command,
                                    const std::string& folder) {
  return std::make_unique<ProgramHolder>(std::vector<std::string>{
      "script", "-q", "-c", command, folder + "/typescript"});
}

class AdoptFromTest : public AdoptTest,
                      public testing::WithParamInterface<Kind> {};

TEST_P(AdoptFromTest, TheProgramGoesOnInHead) {
  StartHead();
  const auto holder = GetParam().start(Answerer(pid_file_), folder_.path());
  const pid_t pid = PidIn(pid_file_);
  const Said said = Adopt(pid, {"--name", "a"});
  ASSERT_EQ(said.status, ExitStatus{}) << said.err;
  EXPECT_EQ(said.out, "a\n");
  EXPECT_THAT(said.err, HasSubstr(absl::StrCat("(pid ", holder->process().pid(),
                                               ") has been ended\n")));
  EXPECT_EQ(holder->process().Wait(), ExitStatus{.signal = SIGKILL});
  EXPECT_TRUE(head_->log().Until(HasSubstr(absl::StrCat(
      "session=a pid=", pid, " uid=", ::getuid(), " adopted by pid="))));
  Connection client = ClientOf("a");
  client.Send("one\n");
  ASSERT_TRUE(client.output().Until(ContainsRegex("got one 2[0-9] 80")));
  client.Send("\x03");
  ASSERT_TRUE(client.output().Until(HasSubstr("interrupted")));
  EXPECT_EQ(Run({"resize", socket(), "a", "31x97"}).status, ExitStatus{});
  client.Send("two\n");
  EXPECT_TRUE(client.output().Until(HasSubstr("got two 31 97")));
  // Somebody's child has it now, so how it ends may be nobody's to know.
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_TRUE(head_->log().Until(
      HasSubstr(absl::StrCat("session=a pid=", pid, " end"))));
}

INSTANTIATE_TEST_SUITE_P(Holders, AdoptFromTest,
                         testing::Values(Kind{"Tmux", StartTmux},
                                         Kind{"Screen", StartScreen},
                                         Kind{"Dtach", StartDtach},
                                         Kind{"Script", StartScript}),
                         [](const auto& kind) { return kind.param.name; });

// --- What is written --------------------------------------------------------

// Each line comes when somebody asks for it, so that none is on its way when
// the terminal moves.
TEST_F(AdoptTest, NoLineIsLostAndNoneComesTwice) {
  StartHead();
  const std::string gate = folder_ / "gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  Program script = Script(
      absl::StrCat("stty -opost; echo $$ > ", Quote(pid_file_),
                   "; i=1; while read go; do echo line $i; i=$((i+1)); done < ",
                   Quote(gate)),
      typescript_);
  const pid_t pid = PidIn(pid_file_);
  const Fd go(::open(gate.c_str(), O_WRONLY | O_CLOEXEC));
  std::string before;
  for (int i = 1; i <= 20; ++i) absl::StrAppend(&before, "line ", i, "\n");
  for (int i = 1; i <= 20; ++i) (void)WriteSome(go.get(), "go\n");
  ASSERT_TRUE(
      TextUntil([&] { return ReadFile(typescript_); }, HasSubstr(before)));
  ASSERT_EQ(Adopt(pid, {"--name", "a"}).status, ExitStatus{});
  std::string after;
  for (int i = 21; i <= 40; ++i) absl::StrAppend(&after, "line ", i, "\n");
  for (int i = 21; i <= 40; ++i) (void)WriteSome(go.get(), "go\n");
  EXPECT_TRUE(TextUntil([&] { return History("a"); }, HasSubstr("line 40\n")));
  EXPECT_EQ(History("a"), after);
  EXPECT_THAT(ReadFile(typescript_), Not(HasSubstr("line 21")));
}

std::vector<int> NumbersIn(absl::string_view text) {
  std::vector<int> numbers;
  // The first and the last line may be parts.
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    int number = 0;
    if (absl::SimpleAtoi(lines[i], &number)) numbers.push_back(number);
  }
  return numbers;
}

bool AreConsecutive(const std::vector<int>& numbers) {
  for (size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] != numbers[i - 1] + 1) return false;
  }
  return true;
}

TEST_F(AdoptTest, AFloodGoesOnInHeadWhereItsHolderStopped) {
  StartHead({"--history", "64M"});
  const std::string stop = folder_ / "stop";
  Program script = Script(
      absl::StrCat("stty -opost; echo $$ > ", Quote(pid_file_), "; i=0; ",
                   "while [ ! -e ", Quote(stop),
                   " ]; do i=$((i+1)); echo $i; done; echo end; exec cat"),
      typescript_);
  const pid_t pid = PidIn(pid_file_);
  ASSERT_TRUE(
      WaitFor([&] { return NumbersIn(ReadFile(typescript_)).size() > 1000; }));
  ASSERT_EQ(Adopt(pid, {"--name", "a"}).status, ExitStatus{});
  ASSERT_TRUE(WaitFor([&] { return NumbersIn(History("a")).size() > 1000; }));
  WriteFile(stop, "");
  ASSERT_TRUE(TextUntil([&] { return History("a"); }, HasSubstr("\nend\n")));
  const std::vector<int> before = NumbersIn(ReadFile(typescript_));
  const std::vector<int> after = NumbersIn(History("a"));
  EXPECT_TRUE(AreConsecutive(before));
  EXPECT_TRUE(AreConsecutive(after));
  // Nothing comes twice; what is missing between, script had read when it was
  // stopped, in one read.
  EXPECT_GT(after.front(), before.back());
  EXPECT_LT((after.front() - before.back()) * 5, 64 << 10);
}

TEST_F(AdoptTest, WhatIsOnTheScreenIsKnownOnceTheProgramHasDrawnIt) {
  StartHead();
  Program script = AnswererInScript();
  ASSERT_EQ(Adopt(PidIn(pid_file_), {"--name", "a"}).status, ExitStatus{});
  EXPECT_THAT(Status("a"), HasSubstr("\"screen\": \"approximate\""));
  Connection client = ClientOf("a");
  client.Send("\033[2Jcleared\n");
  ASSERT_TRUE(client.output().Until(HasSubstr("cleared ")));
  EXPECT_THAT(Status("a"), HasSubstr("\"screen\": \"exact\""));
}

// --- Several terminals ------------------------------------------------------

class PanesTest : public AdoptTest {
 protected:
  PanesTest() : tmux_(Answerer(folder_ / "pid0")) {
    panes_.push_back(PidIn(folder_ / "pid0"));
    for (const char* const file : {"pid1", "pid2"}) {
      tmux_.NewWindow(Answerer(folder_ / file));
      panes_.push_back(PidIn(folder_ / file));
    }
  }

  Tmux tmux_;
  std::vector<pid_t> panes_;
};

TEST_F(PanesTest, AWholeTmuxMoves) {
  StartHead();
  const Said said = Adopt(panes_[1], {"--all", "--name", "second"});
  ASSERT_EQ(said.status, ExitStatus{}) << said.err;
  EXPECT_EQ(said.out, "second\nsh\nsh-2\n");
  for (const char* const name : {"second", "sh", "sh-2"}) {
    EXPECT_TRUE(Answers(name)) << name;
  }
  EXPECT_THAT(Status("second"), HasSubstr(absl::StrCat(panes_[1])));
  EXPECT_EQ(StateOf(tmux_.server_pid()), 'Z');
}

TEST_F(PanesTest, TheServersOwnPidWillDo) {
  StartHead();
  EXPECT_THAT(Adopt(tmux_.server_pid()).err, HasSubstr(" has no terminal\n"));
  const Said said = Adopt(tmux_.server_pid(), {"--all"});
  ASSERT_EQ(said.status, ExitStatus{}) << said.err;
  EXPECT_EQ(said.out, "sh\nsh-2\nsh-3\n");
}

TEST_F(PanesTest, NobodyIsHungUpForOne) {
  StartHead();
  const Said said = Adopt(panes_[0]);
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err,
              AllOf(HasSubstr("holds other terminals, too"),
                    HasSubstr(absl::StrCat("of sh (pid ", panes_[1], ")")),
                    HasSubstr(absl::StrCat("of sh (pid ", panes_[2], ")")),
                    HasSubstr("--all"), HasSubstr("--holder stop")));
  EXPECT_TRUE(HasNoSession());
  tmux_.Type("still here\n");
  EXPECT_TRUE(tmux_.Until(HasSubstr("got still here 24 80")));
}

TEST_F(PanesTest, AHolderThatIsLeftStoppedKeepsTheOthers) {
  StartHead();
  const Said said = Adopt(panes_[0], {"--holder", "stop", "--name", "a"});
  ASSERT_EQ(said.status, ExitStatus{}) << said.err;
  EXPECT_THAT(said.err, HasSubstr("is stopped"));
  EXPECT_TRUE(Answers("a"));
  EXPECT_TRUE(IsStopped(tmux_.server_pid()));
  for (const pid_t pid : panes_) EXPECT_TRUE(Runs(pid));
  // The rest may follow.
  const Said rest = Adopt(panes_[1], {"--all", "--name", "b"});
  EXPECT_EQ(rest.status, ExitStatus{}) << rest.err;
  EXPECT_EQ(rest.out, "b\nsh\n");
  EXPECT_TRUE(Answers("b"));
  EXPECT_TRUE(Answers("a"));
}

TEST_F(PanesTest, AWindowThatIsOpenedMeanwhileIsNotHungUp) {
  StartHead();
  const Pty pty = Value(OpenPty({}));
  OutputReader screen(pty.controller.get());
  const int fd = pty.terminal.get();
  Program adopt = Program::Start({Deptyr(), "adopt", "--all", "--holder", "ask",
                                  socket(), absl::StrCat(panes_[0])},
                                 {.fds = {{fd, 0}, {fd, 1}, {fd, 2}}});
  ASSERT_TRUE(screen.Until(HasSubstr("? [y/N] ")));
  tmux_.NewWindow(Answerer(folder_ / "pid3"));
  const pid_t pid = PidIn(folder_ / "pid3");
  (void)WriteSome(pty.controller.get(), "y\n");
  EXPECT_EQ(adopt.Wait(), ExitStatus{.code = 111});
  EXPECT_TRUE(screen.Until(ContainsRegex(
      absl::StrCat("has just got /dev/pts/[0-9]+ of sh .pid ", pid))));
  EXPECT_TRUE(HasNoSession());
  EXPECT_TRUE(WaitFor([&] { return !IsStopped(tmux_.server_pid()); }));
  tmux_.Type("still here\n");
  EXPECT_TRUE(tmux_.Until(HasSubstr("got still here 24 80")));
}

TEST_F(PanesTest, ATerminalThatSomebodyElseHasTooStaysWhereItIs) {
  StartHead();
  Program other = HolderBesides(panes_[1]);
  const Said said = Adopt(panes_[0], {"--all"});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err,
              AllOf(HasSubstr(absl::StrCat("(pid ", other.pid(), ") has ")),
                    HasSubstr("too, and would go on reading it")));
  EXPECT_TRUE(HasNoSession());
}

// --- Refusals ---------------------------------------------------------------

TEST_F(AdoptTest, WhatCannotBeIsSaidInALine) {
  StartHead();
  EXPECT_EQ(Run({"adopt"}).status, ExitStatus{.code = 100});
  EXPECT_EQ(Run({"adopt", "12a"}).status, ExitStatus{.code = 100});
  EXPECT_EQ(Run({"adopt", "--holder", "ask", "12"}, {.fds = {{null_.get(), 0}}})
                .status,
            ExitStatus{.code = 100});
  Program gone = Program::Start({"true"});
  const pid_t pid = gone.pid();
  (void)gone.Wait();
  EXPECT_THAT(Adopt(pid).err, AllOf(HasSubstr(absl::StrCat("process ", pid)),
                                    HasSubstr("No such process")));
  EXPECT_THAT(Adopt(head_->pid()).err, HasSubstr("has no terminal"));
}

TEST_F(AdoptTest, AProgramThatHeadHasStaysThere) {
  StartHead();
  BodyProcess body(socket(), {"--name", "a"}, {"cat"});
  ASSERT_TRUE(body.WaitExecuted());
  const Said said = Adopt(body.pid());
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr(absl::StrCat("a deptyr head (pid ",
                                               head_->pid(), ")")));
  EXPECT_FALSE(IsStopped(head_->pid()));
}

TEST_F(AdoptTest, HeadDoesNotTakeTheTerminalThatItIsShownOn) {
  const std::string socket = folder_ / "head";
  Tmux window(absl::StrCat("exec ", Quote(Deptyr()), " head ", Quote(socket),
                           " 2> ", Quote(folder_ / "log")));
  ASSERT_TRUE(window.Until(HasSubstr("waits for its first program")));
  const Said said = Run({"adopt", socket, absl::StrCat(window.pane_pid())});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("head's own terminal is on it"));
  window.Press({"C-\\", "?"});
  EXPECT_TRUE(window.Until(HasSubstr("Any key goes back")));
}

TEST_F(AdoptTest, ANameThatIsTakenIsRefusedOrNumbered) {
  StartHead();
  BodyProcess body(socket(), {"--name", "sh"}, {"cat"});
  ASSERT_TRUE(body.WaitExecuted());
  Program script = AnswererInScript();
  const pid_t pid = PidIn(pid_file_);
  const Said said = Adopt(pid, {"--name", "sh"});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("the name sh is held by pid"));
  EXPECT_FALSE(IsStopped(script.pid()));
  EXPECT_EQ(Adopt(pid).out, "sh-2\n");
}

TEST_F(AdoptTest, WhoeverIsAskedMaySayNo) {
  StartHead();
  Program script = AnswererInScript();
  const pid_t pid = PidIn(pid_file_);
  const Pty pty = Value(OpenPty({}));
  OutputReader screen(pty.controller.get());
  const int fd = pty.terminal.get();
  for (const char* const answer : {"n\n", "y\n"}) {
    screen.Forget();
    Program adopt = Program::Start({Deptyr(), "adopt", "--holder", "ask",
                                    "--name", "a", socket(), absl::StrCat(pid)},
                                   {.fds = {{fd, 0}, {fd, 1}, {fd, 2}}});
    ASSERT_TRUE(screen.Until(HasSubstr("? [y/N] ")));
    (void)WriteSome(pty.controller.get(), answer);
    const bool yes = answer[0] == 'y';
    EXPECT_EQ(adopt.Wait(), ExitStatus{.code = yes ? 0 : 111});
    EXPECT_EQ(script.HasEnded(), yes);
  }
  EXPECT_TRUE(Answers("a"));
}

void WithoutPidfdGetfd() {
  RefuseSystemCalls({SYS_pidfd_getfd}, EPERM);
}
void OnLinux55() {
  RefuseSystemCalls({SYS_pidfd_getfd}, ENOSYS);
}

TEST_F(AdoptTest, WhatIsLackingIsSaid) {
  StartHead();
  Program script = AnswererInScript();
  const pid_t pid = PidIn(pid_file_);
  EXPECT_THAT(Adopt(pid, {}, {.prepare = WithoutPidfdGetfd}).err,
              AllOf(HasSubstr(absl::StrCat("take a terminal from script (pid ",
                                           script.pid(), ")")),
                    HasSubstr("Operation not permitted; "),
                    ContainsRegex("CAP_SYS_PTRACE|run deptyr adopt as root")));
  EXPECT_THAT(Adopt(pid, {}, {.prepare = OnLinux55}).err,
              HasSubstr("Linux 5.6"));
  EXPECT_FALSE(IsStopped(script.pid()));
}

// --- A head that answers as the test likes ----------------------------------

// A head that would take what is offered, and then says `answer` when told to.
class HesitantHead {
 public:
  explicit HesitantHead(std::string answer)
      : answer_(std::move(answer)),
        process_(Program::Fork([this] { return Serve(); },
                               {.keep = {listener_.fd(), go_.read_end.get(),
                                         asked_.write_end.get()}})) {}

  std::string path() const { return dir_ / "head"; }
  // Waits until the terminal is offered for good.
  bool IsAsked() const {
    return WaitForEvents(asked_.read_end.get(), POLLIN) != 0;
  }
  void Answer() const { (void)WriteSome(go_.write_end.get(), "x"); }
  // Whether anybody could hear it.
  bool WasHeard() { return process_.Wait() == ExitStatus{}; }

 private:
  int Serve() const {
    const Fd first = Accept();
    (void)WriteSome(first.get(), Encode(Accepted{.name = "a"}));
    const Fd second = Accept();
    (void)WriteSome(asked_.write_end.get(), "x");
    (void)WaitForEvents(go_.read_end.get(), POLLIN);
    return WriteSome(second.get(), answer_).state == IoState::kDone ? 0 : 1;
  }
  Fd Accept() const {
    (void)WaitForEvents(listener_.fd(), POLLIN);
    return Fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  const TempDir dir_;
  const ListeningSocket listener_ = Value(Listen(dir_ / "head", {}));
  const Pipe go_;
  const Pipe asked_;
  const std::string answer_;
  Program process_;
};

std::string Refusal() {
  return Encode(Refused{.code = kRefusedLimit, .text = "no more of them"});
}
std::string Acceptance() {
  return Encode(Accepted{.name = "a"});
}

// Holds a terminal as screen does: it blocks, and a byte comes before what is
// read.
class PacketHolder {
 public:
  explicit PacketHolder(const std::string& command)
      : process_(Program::Fork([&] { return Hold(command); },
                               {.keep = {log_.fd()}})) {}
  Program& process() { return process_; }
  const LogFile& log() const { return log_; }

 private:
  int Hold(const std::string& command) const {
    Pty pty = Value(OpenPty({}));
    int on = 1;
    int off = 0;
    (void)::ioctl(pty.controller.get(), TIOCPKT, &on);
    (void)::ioctl(pty.controller.get(), FIONBIO, &off);
    const Child child =
        Value(SpawnOnTerminal(pty.terminal.get(), "sh", {"sh", "-c", command}));
    pty.terminal.Reset();
    std::array<char, 4096> room;
    for (;;) {
      const IoResult got = ReadSome(pty.controller.get(), room);
      if (got.state != IoState::kDone) return 0;
      (void)WriteSome(log_.fd(), {room.data() + 1, got.bytes - 1});
    }
  }

  const LogFile log_;
  Program process_;
};

TEST_F(AdoptTest, AHolderThatBlocksAndHasPacketsGivesACleanStream) {
  StartHead();
  PacketHolder holder(Answerer(pid_file_));
  ASSERT_EQ(Adopt(PidIn(pid_file_), {"--name", "a"}).status, ExitStatus{});
  EXPECT_TRUE(Answers("a"));
  // The size is that of a repaint.
  EXPECT_THAT(History("a"), MatchesRegex("got word for a 2[45] 80\r\n"));
}

TEST_F(AdoptTest, ARefusalAtTheLastMomentLeavesEverythingAsItWas) {
  HesitantHead head(Refusal());
  PacketHolder holder(absl::StrCat("echo before; ", Answerer(pid_file_)));
  const pid_t pid = PidIn(pid_file_);
  const ForeignTerminal terminal = Value(TerminalOf(pid));
  const LogFile err;
  Program adopt =
      Program::Start({Deptyr(), "adopt", head.path(), absl::StrCat(pid)},
                     {.fds = {{err.fd(), 2}}});
  ASSERT_TRUE(head.IsAsked());
  EXPECT_TRUE(IsStopped(holder.process().pid()));
  head.Answer();
  EXPECT_EQ(adopt.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(err.text(), HasSubstr("no more of them"));
  EXPECT_TRUE(WaitFor([&] { return !IsStopped(holder.process().pid()); }));
  const auto holders = Value(HoldersOf(terminal));
  const int controller = holders.at(0).terminals.at(0).controller.get();
  int packets = 0;
  EXPECT_EQ(::ioctl(controller, TIOCGPKT, &packets), 0);
  EXPECT_EQ(packets, 1);
  EXPECT_EQ(::fcntl(controller, F_GETFL) & O_NONBLOCK, 0);
  (void)WriteSome(controller, "again\n");
  EXPECT_TRUE(holder.log().Until(
      AllOf(HasSubstr("before"), HasSubstr("got again 24 80"))));
}

// A process of its own finishes what it has begun.
TEST_F(AdoptTest, AnAdopterThatIsKilledLeavesNothingHalfDone) {
  for (const bool takes : {false, true}) {
    HesitantHead head(takes ? Acceptance() : Refusal());
    std::filesystem::remove(pid_file_);
    Program script = AnswererInScript();
    const pid_t pid = PidIn(pid_file_);
    Program adopt = Program::Start({Deptyr(), "adopt", "--holder", "kill",
                                    head.path(), absl::StrCat(pid)});
    ASSERT_TRUE(head.IsAsked());
    adopt.Signal(SIGKILL);
    (void)adopt.Wait();
    EXPECT_TRUE(IsStopped(script.pid()));
    head.Answer();
    EXPECT_TRUE(head.WasHeard());
    if (takes) {
      EXPECT_EQ(script.Wait(), ExitStatus{.signal = SIGKILL});
    } else {
      EXPECT_TRUE(WaitFor([&] { return !IsStopped(script.pid()); }));
      EXPECT_FALSE(script.HasEnded());
    }
  }
}

// It takes the ten seconds that head has for an answer.
TEST_F(AdoptTest, AHeadThatDoesNotAnswerHasNothingLater) {
  HesitantHead head(Acceptance());
  Program script = AnswererInScript();
  const pid_t pid = PidIn(pid_file_);
  const Said said = Run({"adopt", head.path(), absl::StrCat(pid)});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("answer"));
  EXPECT_FALSE(IsStopped(script.pid()));
  head.Answer();
  EXPECT_FALSE(head.WasHeard());
}

TEST_F(AdoptTest, AnOlderHeadIsToBeReplaced) {
  const ScriptedHead head({Encode(Refused{
      .code = kRefusedMalformed, .text = "unknown kind of message, 16"})});
  Program script = AnswererInScript();
  const Said said = Run({"adopt", head.path(), absl::StrCat(PidIn(pid_file_))});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, AllOf(HasSubstr("too old"), HasSubstr("upgrade")));
}

// --- Other users, other places ----------------------------------------------

class OthersTest : public AdoptTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "takes root";
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
    StartHead({"--mode", "0666"});
  }
};

TEST_F(OthersTest, RootMovesAUsersProgramWhichStaysTheUsers) {
  Program script = AnswererInScript(Become<kOwner>);
  const pid_t pid = PidIn(pid_file_);
  const Said said = Adopt(pid, {"--name", "a"});
  ASSERT_EQ(said.status, ExitStatus{}) << said.err;
  EXPECT_THAT(Run({"ls", "--json", socket()}).out,
              HasSubstr(absl::StrCat("\"uid\": ", kOwner)));
  EXPECT_TRUE(Answers("a"));
}

TEST_F(OthersTest, AUserMovesTheirOwnAndNobodyElses) {
  Program mine = AnswererInScript(Become<kOwner>);
  const pid_t pid = PidIn(pid_file_);
  const Said strangers = Adopt(pid, {}, {.prepare = Become<kStranger>});
  EXPECT_EQ(strangers.status, ExitStatus{.code = 111});
  EXPECT_THAT(strangers.err, HasSubstr("run deptyr adopt as root"));
  EXPECT_FALSE(IsStopped(mine.pid()));
  EXPECT_TRUE(HasNoSession());
  const Said own = Adopt(pid, {"--name", "a"}, {.prepare = Become<kOwner>});
  EXPECT_EQ(own.status, ExitStatus{}) << own.err;
  EXPECT_TRUE(Answers("a"));
}

// Whoever has the controlling end of somebody's terminal may not give it away.
TEST_F(OthersTest, HeadTakesATerminalFromItsUserOnly) {
  Program script = AnswererInScript(Become<kOwner>);
  const auto holders = Value(HoldersOf(Value(TerminalOf(PidIn(pid_file_)))));
  const int controller = holders.at(0).terminals.at(0).controller.get();
  for (const bool probe : {true, false}) {
    const Fd connection = ConnectAs(socket(), {.uid = kStranger});
    EXPECT_THAT(SendWithFd(connection.get(),
                           Encode(deptyr::Adopt{
                               .name = "a", .argv = {}, .probe = probe}),
                           controller),
                IsOk());
    OutputReader answer(connection.get());
    ASSERT_TRUE(answer.UntilEnd());
    EXPECT_THAT(answer.text(), HasSubstr("not-permitted"));
  }
  EXPECT_TRUE(HasNoSession());
}

// A user may have given the terminal to a process that isn't theirs.
TEST_F(OthersTest, NobodyElsesProcessIsStopped) {
  Program script = AnswererInScript(Become<kOwner>);
  const pid_t pid = PidIn(pid_file_);
  Program other = HolderBesides(pid);
  const Said said = Adopt(pid);
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("may have been given it"));
  EXPECT_FALSE(IsStopped(other.pid()));
  EXPECT_FALSE(IsStopped(script.pid()));
}

void InOwnDevpts() {
  const bool made =
      ::unshare(CLONE_NEWNS) == 0 &&
      ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      ::mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666") ==
          0 &&
      ::mount("/dev/pts/ptmx", "/dev/ptmx", nullptr, MS_BIND, nullptr) == 0;
  if (!made) ::_exit(99);
}

// Two terminals have the same number.
TEST_F(OthersTest, ATerminalOfAnotherDevptsIsAnotherTerminal) {
  Program first =
      Script(Answerer(folder_ / "pid1"), folder_ / "1", InOwnDevpts);
  Program second =
      Script(Answerer(folder_ / "pid2"), folder_ / "2", InOwnDevpts);
  const pid_t pid1 = PidIn(folder_ / "pid1");
  const pid_t pid2 = PidIn(folder_ / "pid2");
  ASSERT_EQ(Value(TerminalOf(pid1)).number, Value(TerminalOf(pid2)).number);
  const Said said = Adopt(pid2, {"--name", "a"});
  ASSERT_EQ(said.status, ExitStatus{}) << said.err;
  EXPECT_EQ(second.Wait(), ExitStatus{.signal = SIGKILL});
  EXPECT_TRUE(Answers("a"));
  EXPECT_FALSE(first.HasEnded());
  EXPECT_FALSE(IsStopped(first.pid()));
}

// --- What head is offered ---------------------------------------------------

TEST_F(AdoptTest, ATerminalThatNobodyUsesIsRefused) {
  StartHead();
  const Pty pty = Value(OpenPty({}));
  Connection head = Connection::To(socket());
  EXPECT_THAT(
      SendWithFd(head.fd(), Encode(deptyr::Adopt{.name = "a", .argv = {}}),
                 pty.controller.get()),
      IsOk());
  ASSERT_TRUE(head.output().UntilEnd());
  EXPECT_THAT(head.output().text(),
              AllOf(HasSubstr("limit"), HasSubstr("has ended")));
  EXPECT_TRUE(HasNoSession());
}

TEST_F(AdoptTest, TheSameTerminalIsTakenOnce) {
  StartHead();
  Program script = AnswererInScript();
  const auto holders = Value(HoldersOf(Value(TerminalOf(PidIn(pid_file_)))));
  const int controller = holders.at(0).terminals.at(0).controller.get();
  script.Signal(SIGSTOP);
  for (const char* const answer : {"\x02", "held"}) {
    Connection head = Connection::To(socket());
    EXPECT_THAT(
        SendWithFd(head.fd(), Encode(deptyr::Adopt{.name = "a", .argv = {}}),
                   controller),
        IsOk());
    EXPECT_TRUE(head.output().Until(HasSubstr(answer)));
  }
}

// --- Afterwards -------------------------------------------------------------

TEST_F(AdoptTest, AnUpgradeAndADeathOfHeadLeaveItItsTerminal) {
  std::filesystem::copy(absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"),
                                     "/s6/deptyr-fdholder/data/rules"),
                        folder_ / "rules",
                        std::filesystem::copy_options::recursive);
  const std::string path = folder_ / "fdholder.sock";
  Program keeper =
      Program::Start({"s6-fdholder-daemon", "-i", folder_ / "rules", path});
  ASSERT_TRUE(WaitFor([&] { return Connection::Works(path); }));
  const std::vector<std::string> options = {"--keeper",
                                            absl::StrCat("s6:", path)};
  StartHead(options);
  Program script = AnswererInScript();
  const pid_t pid = PidIn(pid_file_);
  ASSERT_EQ(Adopt(pid, {"--name", "a"}).status, ExitStatus{});
  ASSERT_TRUE(TextUntil([&] { return Status("a"); },
                        HasSubstr("\"keeper\": \"s6-fdholder\"")));
  EXPECT_EQ(Run({"upgrade", socket()}).status, ExitStatus{});
  EXPECT_TRUE(Answers("a"));
  EXPECT_THAT(Status("a"), HasSubstr("\"screen\": \"approximate\""));
  head_->program().Signal(SIGKILL);
  (void)head_->program().Wait();
  StartHead(options);
  EXPECT_TRUE(Answers("a"));
  EXPECT_THAT(Status("a"), AllOf(HasSubstr(absl::StrCat("\"pid\": ", pid)),
                                 HasSubstr("\"running\""),
                                 HasSubstr("\"screen\": \"approximate\"")));
}

// --- A single program out of a shell ----------------------------------------

// That is for reptyr, which traces the program and gives it another terminal:
// that of a body.
TEST_F(AdoptTest, ReptyrMovesOneProgramOutOfAShell) {
  StartHead();
  Program script = Script(
      absl::StrCat("set -m; sh -c ", Quote(Answerer(pid_file_)), "; exec cat"),
      typescript_);
  const pid_t pid = PidIn(pid_file_);
  BodyProcess body(socket(), {"--name", "a"}, {"reptyr", absl::StrCat(pid)});
  ASSERT_TRUE(head_->log().Until(HasSubstr("session=a")));
  Connection client = ClientOf("a");
  client.Send("one\n");
  ASSERT_TRUE(client.output().Until(HasSubstr("got one ")));
  // The shell has its terminal still.
  EXPECT_FALSE(script.HasEnded());
  // The program isn't what the supervisor knows.
  EXPECT_NE(body.pid(), pid);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_EQ(body.Wait(), ExitStatus{});
}

}  // namespace
}  // namespace deptyr
