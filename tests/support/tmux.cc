#include "tests/support/tmux.h"

#include <fcntl.h>
#include <signal.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "tests/support/deptyr.h"
#include "tests/support/wait.h"

namespace deptyr {

Tmux::Tmux(const std::string& command, WindowSize size)
    : server_(Program::Start(
          {"tmux", "-D", "-S", folder_ / "tmux", "-f", "/dev/null"},
          {.env = {"TMUX", "TMUX_PANE", "TERM=xterm-256color", "LC_ALL=C.UTF-8",
                   "SHELL=/bin/sh"}})) {
  // Nothing reports when it listens, so try until it answers.
  if (!WaitFor([this] { return Try({"set", "-g", "remain-on-exit", "on"}); })) {
    ADD_FAILURE() << "tmux does not start";
    return;
  }
  Run({"set", "-g", "default-terminal", kTerm});
  Run({"set", "-g", "status", "off"});
  Run({"new-session", "-d", "-x", absl::StrCat(size.cols), "-y",
       absl::StrCat(size.rows), command});
}

Tmux::~Tmux() {
  if (!server_.HasEnded()) (void)Try({"kill-server"});
  (void)server_.Wait();
}

std::vector<std::string> Tmux::Command(
    const std::vector<std::string>& words) const {
  std::vector<std::string> command = {"tmux", "-N", "-S", folder_ / "tmux"};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

std::string Tmux::Run(const std::vector<std::string>& words) const {
  return OutputOf(Command(words));
}

bool Tmux::Try(const std::vector<std::string>& words) const {
  const LogFile said;
  Program tmux =
      Program::Start(Command(words), {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  return tmux.Wait() == ExitStatus{};
}

std::string Tmux::Screen() const {
  return Run({"capture-pane", "-p"});
}

std::string Tmux::ScreenAndHistory() const {
  return Run({"capture-pane", "-p", "-S", "-"});
}

std::string Tmux::StyledScreen() const {
  return absl::StrCat(Run({"capture-pane", "-p", "-e"}),
                      Ask("cursor #{cursor_x},#{cursor_y} #{cursor_flag}"));
}

std::string Tmux::Ask(const std::string& format) const {
  std::string answer = Run({"display-message", "-p", format});
  absl::StripTrailingAsciiWhitespace(&answer);
  return answer;
}

testing::AssertionResult Tmux::Answers(
    const std::string& format,
    const testing::Matcher<const std::string&>& matcher) const {
  return TextUntil([&] { return Ask(format); }, matcher);
}

testing::AssertionResult Tmux::StyledUntil(
    const testing::Matcher<const std::string&>& matcher) const {
  return TextUntil([this] { return StyledScreen(); }, matcher);
}

testing::AssertionResult Tmux::Until(
    const testing::Matcher<const std::string&>& matcher) const {
  return TextUntil([this] { return Screen(); }, matcher);
}

void Tmux::Press(const std::vector<std::string>& keys) const {
  std::vector<std::string> words = {"send-keys"};
  words.insert(words.end(), keys.begin(), keys.end());
  Run(words);
}

void Tmux::Type(absl::string_view text) const {
  Run({"send-keys", "-l", "--", std::string(text)});
}

void Tmux::Paste(const std::string& file) const {
  Run({"load-buffer", file});
  Run({"paste-buffer", "-p", "-r"});
}

void Tmux::Resize(WindowSize size) const {
  Run({"resize-window", "-x", absl::StrCat(size.cols), "-y",
       absl::StrCat(size.rows)});
}

void Tmux::KillWindow() const {
  Run({"kill-window"});
}

void Tmux::NewWindow(const std::string& command) const {
  Run({"new-window", "-d", command});
}

pid_t Tmux::pane_pid() const {
  pid_t pid = -1;
  (void)absl::SimpleAtoi(Ask("#{pane_pid}"), &pid);
  return pid;
}

std::string Tmux::DeadStatus() const {
  // The window is dead when its terminal is hung up.  The status follows a
  // little later, or never, because tmux 3.3a misses a SIGCHLD now and then.
  std::string status;
  const bool ended = WaitFor([&] {
    (void)::kill(server_.pid(), SIGCHLD);
    status =
        Ask("#{?pane_dead_signal,signal #{pane_dead_signal},"
            "#{pane_dead_status}}");
    return dead() && !status.empty();
  });
  return ended ? status : "not dead";
}

}  // namespace deptyr
