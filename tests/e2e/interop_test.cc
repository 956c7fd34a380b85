// Tests clients of other projects in real terminals: uWSGI's own, socat, nc,
// telnet, and the Python client that uWSGI's documentation prints.  uWSGI's own
// forkpty router runs beside them, to show that a person sees the same at
// deptyr's.
#include <signal.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>

#include "tests/support/deptyr.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A shell that shows no more than it is asked to.
const std::vector<std::string> kShell = {"env", "PS1=$ ", "dash"};

// The client may be given what is typed before it hears of the new size.
testing::AssertionResult SizeBecomes(const Tmux& window,
                                     const std::string& size) {
  const bool became = WaitFor([&] {
    window.Type("stty size\n");
    constexpr absl::Duration kMoment = absl::Seconds(1);
    return static_cast<bool>(
        TextUntil([&] { return window.Screen(); }, HasSubstr(size), kMoment));
  });
  return became ? testing::AssertionSuccess()
                : testing::AssertionFailure() << window.Screen();
}

// An interrupt also drops what has been typed and not been read.
void Interrupt(const Tmux& window) {
  window.Type("sleep 1000\n");
  EXPECT_TRUE(window.Until(HasSubstr("sleep 1000\n")));
  window.Press({"C-c"});
  EXPECT_TRUE(window.Until(HasSubstr("^C\n$")));
}

class InteropTest : public testing::Test {
 protected:
  std::string UwsgiClient(const std::string& how, const std::string& socket) {
    return absl::StrCat("exec uwsgi --plugin pty --pty-no-isig --", how, " ",
                        Quote(socket));
  }
  // A shell under head, at a raw, a framed and a TCP socket.
  void StartHead() {
    head_.emplace(std::vector<std::string>{"--raw", raw_, "--uwsgi", framed_,
                                           "--raw", "tcp:127.0.0.1:0"});
    body_.emplace(head_->socket(), std::vector<std::string>{"--name", "shell"},
                  kShell);
    ASSERT_TRUE(head_->log().Until(HasSubstr("session=shell")));
  }
  std::string Port() const {
    const std::string log = head_->log().text();
    const std::string before = "clients connect to tcp:127.0.0.1:";
    const size_t at = log.find(before) + before.size();
    return log.substr(at, log.find(',', at) - at);
  }

  TempDir folder_;
  const std::string raw_ = folder_ / "raw";
  const std::string framed_ = folder_ / "framed";
  std::optional<HeadProcess> head_;
  std::optional<BodyProcess> body_;
};

// A person attaches, types, sees, resizes if the client can, leaves, and comes
// back.
TEST_F(InteropTest, UwsgisFramedClientDoesAllOfATerminal) {
  StartHead();
  {
    Tmux client(UwsgiClient("pty-uconnect", framed_), {24, 80});
    ASSERT_TRUE(client.Until(HasSubstr("$")));
    client.Type("stty size\n");
    ASSERT_TRUE(client.Until(HasSubstr("24 80")));
    client.Resize({30, 100});
    ASSERT_TRUE(SizeBecomes(client, "30 100"));
    Interrupt(client);
    client.Type("echo after $((2+3))\n");
    ASSERT_TRUE(client.Until(HasSubstr("after 5")));
  }
  EXPECT_FALSE(body_->program().HasEnded());
  Tmux again(UwsgiClient("pty-uconnect", framed_), {24, 80});
  ASSERT_TRUE(again.Until(HasSubstr("after 5")));
  again.Type("echo back $((3+4)); stty size\n");
  EXPECT_TRUE(again.Until(AllOf(HasSubstr("back 7"), HasSubstr("24 80"))));
}

TEST_F(InteropTest, UwsgisRawClientWatchesBesideOthers) {
  StartHead();
  Tmux raw(UwsgiClient("pty-connect", raw_));
  Tmux framed(UwsgiClient("pty-uconnect", framed_));
  Tmux socat(absl::StrCat("exec socat -,raw,echo=0 UNIX-CONNECT:", raw_));
  ASSERT_TRUE(raw.Until(HasSubstr("$")));
  ASSERT_TRUE(framed.Until(HasSubstr("$")));
  ASSERT_TRUE(socat.Until(HasSubstr("$")));
  raw.Type("echo one $((1+1))\n");
  for (Tmux* window : {&raw, &framed, &socat}) {
    EXPECT_TRUE(window->Until(HasSubstr("one 2")));
  }
  socat.Type("echo two $((2+2))\n");
  for (Tmux* window : {&raw, &framed, &socat}) {
    EXPECT_TRUE(window->Until(HasSubstr("two 4")));
  }
}

// Without --pty-no-isig ^C ends uWSGI's client: for its user, to detach.
TEST_F(InteropTest, UwsgisClientLeavesByInterrupt) {
  StartHead();
  Tmux client(
      absl::StrCat("exec uwsgi --plugin pty --pty-connect ", Quote(raw_)));
  ASSERT_TRUE(client.Until(HasSubstr("\n$")));
  client.Press({"C-c"});
  EXPECT_TRUE(TextUntil([&] { return client.Ask("#{pane_dead}"); },
                        testing::StartsWith("1")));
  EXPECT_FALSE(body_->program().HasEnded());
}

TEST_F(InteropTest, ScriptsTypeBySocatAndNc) {
  StartHead();
  Tmux watcher(UwsgiClient("pty-connect", raw_));
  ASSERT_TRUE(watcher.Until(HasSubstr("$")));
  (void)OutputOf({"sh", "-c",
                  absl::StrCat("echo 'echo by $((4+4)) socat' | socat -u - ",
                               Quote("UNIX-CONNECT:" + raw_))});
  EXPECT_TRUE(watcher.Until(HasSubstr("by 8 socat")));
  Tmux nc(absl::StrCat("exec nc -U ", Quote(raw_)));
  ASSERT_TRUE(nc.Until(HasSubstr("by 8 socat")));
  nc.Type("echo by $((5+5)) nc\n");
  EXPECT_TRUE(watcher.Until(HasSubstr("by 10 nc")));
}

// ptyme's article does this: telnet in character mode, and a raw terminal over
// TCP, like its `attach` program.
TEST_F(InteropTest, TelnetAndARawTerminalOverTcp) {
  StartHead();
  Tmux telnet(absl::StrCat("exec telnet 127.0.0.1 ", Port()));
  ASSERT_TRUE(telnet.Until(HasSubstr("Connected")));
  telnet.Type("echo tel $((6+6))\n");
  EXPECT_TRUE(telnet.Until(HasSubstr("tel 12")));
  Tmux attach(absl::StrCat("exec socat -,raw,echo=0 TCP:127.0.0.1:", Port()));
  ASSERT_TRUE(attach.Until(HasSubstr("tel 12")));
  Interrupt(attach);
  attach.Type("echo raw $((7+7))\n");
  EXPECT_TRUE(attach.Until(HasSubstr("raw 14")));
}

// The terminal settings and the loop of the client in uWSGI's documentation.
TEST_F(InteropTest, AClientInPython) {
  StartHead();
  Tmux client(absl::StrCat("exec /usr/bin/python3 ",
                           Quote(absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"),
                                              "/tests/e2e/raw_client.py")),
                           " ", Quote(raw_)));
  ASSERT_TRUE(client.Until(HasSubstr("$")));
  client.Type("echo py $((8+8))\n");
  EXPECT_TRUE(client.Until(HasSubstr("py 16")));
  body_->program().Signal(SIGKILL);  // dash: the session stays
  EXPECT_FALSE(client.dead());
}

// This is the very text, if a copy of the documentation lies beside the
// project.
TEST_F(InteropTest, TheClientOfUwsgisDocumentation) {
  const std::filesystem::path seeds =
      std::filesystem::path(std::getenv("DEPTYR_SOURCE_DIR")) /
      "../shared/seeds";
  std::string program;
  if (std::filesystem::is_directory(seeds)) {
    for (const auto& file : std::filesystem::directory_iterator(seeds)) {
      const std::string text = ReadFile(file.path());
      const size_t from = text.find("import socket\nimport sys\n");
      const size_t to = text.find("s.send(buf)\n");
      if (from != text.npos && to != text.npos) {
        program = text.substr(from, to - from) + "s.send(buf)\n";
      }
    }
  }
  if (program.empty()) {
    GTEST_SKIP() << "no copy of uWSGI's documentation in ../shared/seeds";
  }
  StartHead();
  WriteFile(folder_ / "client.py", program);
  Tmux client(absl::StrCat("exec /usr/bin/python3 ",
                           Quote(folder_ / "client.py"), " ", Quote(raw_)));
  ASSERT_TRUE(client.Until(HasSubstr("$")));
  client.Type("echo doc $((9+9))\n");
  EXPECT_TRUE(client.Until(HasSubstr("doc 18")));
}

// --- the forkpty router

// Returns what a person sees who does the same at both.
std::string SeenAt(const std::string& client) {
  Tmux window(client, {24, 80});
  EXPECT_TRUE(window.Until(HasSubstr("\n$")));
  window.Type("stty size\n");
  EXPECT_TRUE(window.Until(HasSubstr("24 80\n$")));
  window.Resize({20, 70});
  EXPECT_TRUE(SizeBecomes(window, "20 70"));
  window.Type("clear\n");  // however often it was asked
  EXPECT_TRUE(window.Until(testing::StartsWith("$\n")));
  // Keys typed before a shell prompts stand before the prompt.
  window.Type("stty size\n");
  EXPECT_TRUE(window.Until(HasSubstr("20 70\n$")));
  Interrupt(window);
  window.Type("echo $((20+3))\n");
  EXPECT_TRUE(window.Until(HasSubstr("\n23\n$")));
  std::vector<std::string> seen;
  for (absl::string_view line : absl::StrSplit(window.Screen(), '\n')) {
    // These lines of uWSGI's client name the socket.
    if (absl::StartsWith(line, "[pty]")) continue;
    seen.emplace_back(absl::StripTrailingAsciiWhitespace(line));
  }
  window.Type("exit\n");
  // The connection ends, and uWSGI's client with it.
  EXPECT_TRUE(TextUntil([&] { return window.Ask("#{pane_dead}"); },
                        testing::StartsWith("1")));
  return absl::StrCat(absl::StrJoin(seen, "\n"));
}

TEST_F(InteropTest, APersonSeesTheSameAtUwsgisRouterAndAtOurs) {
  const std::string shell = folder_ / "shell";
  WriteFile(shell, "#!/bin/sh\nPS1='$ ' exec dash\n");
  std::filesystem::permissions(shell, std::filesystem::perms(0755));
  LogFile log;
  Program theirs =
      Program::Start({"uwsgi", "--plugin", "corerouter", "--plugin",
                      "forkptyrouter", "--master", "--forkpty-urouter",
                      folder_ / "theirs", "--forkptyrouter-command", shell},
                     {.fds = {{log.fd(), 1}, {log.fd(), 2}}});
  Program ours = Program::Start(
      {Deptyr(), "router", "--uwsgi", folder_ / "ours", "--", shell},
      {.fds = {{log.fd(), 1}, {log.fd(), 2}}});
  ASSERT_TRUE(WaitFor([&] {
    return std::filesystem::exists(folder_ / "theirs") &&
           std::filesystem::exists(folder_ / "ours");
  })) << log.text();
  EXPECT_EQ(SeenAt(UwsgiClient("pty-uconnect", folder_ / "ours")),
            SeenAt(UwsgiClient("pty-uconnect", folder_ / "theirs")));
  // It ends itself, because its gateways are children of it.
  theirs.Signal(SIGINT);
  EXPECT_TRUE(theirs.Wait());
  ours.Signal(SIGTERM);
  EXPECT_EQ(ours.Wait(), ExitStatus{});
}

// The router runs in a private namespace, with its socket in a folder that both
// see.
TEST_F(InteropTest, ARouterInAContainerServesClientsOutside) {
  LogFile log;
  Program router = Program::Start(
      {"unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child",
       "--mount-proc", "sh", "-c",
       absl::StrCat("hostname inside && exec ", Quote(Deptyr()),
                    " router --uwsgi ", Quote(framed_), " --raw ", Quote(raw_),
                    " -- env 'PS1=$ ' dash")},
      {.fds = {{log.fd(), 1}, {log.fd(), 2}}});
  ASSERT_TRUE(WaitFor([&] { return std::filesystem::exists(framed_); }))
      << log.text();
  Tmux client(UwsgiClient("pty-uconnect", framed_));
  ASSERT_TRUE(client.Until(HasSubstr("\n$")));
  client.Type("hostname; stty size\n");
  EXPECT_TRUE(client.Until(AllOf(HasSubstr("inside"), HasSubstr("24 80"))));
  Interrupt(client);
  client.Type("echo $((20+3))\n");
  EXPECT_TRUE(client.Until(HasSubstr("\n23")));
  router.Signal(SIGKILL);
  EXPECT_TRUE(router.Wait());
}

}  // namespace
}  // namespace deptyr
