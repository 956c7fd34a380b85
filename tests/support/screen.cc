#include "tests/support/screen.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "tests/support/deptyr.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

constexpr char kName[] = "test";
constexpr int kRows = 24;

// Debian's screen is set-group-ID, and a program that gains a group by being
// executed loses what makes it end with us.
void KeepOurGroup() {
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace

std::vector<std::string> ScreenSession::environment() const {
  return {absl::StrCat("SCREENDIR=", folder_ / "sockets"), "STY",
          "TERM=xterm-256color", "LC_ALL=C.UTF-8", "SHELL=/bin/sh"};
}

ScreenSession::ScreenSession(const std::vector<std::string>& command)
    : screen_([&] {
        constexpr mode_t kPrivate = 0700;
        (void)::mkdir((folder_ / "sockets").c_str(), kPrivate);
        WriteFile(folder_ / "rc",
                  "startup_message off\nvbell off\ndeflogin off\n");
        std::vector<std::string> words = {
            "screen", "-c", folder_ / "rc", "-U", "-D", "-m", "-S", kName};
        words.insert(words.end(), command.begin(), command.end());
        return Program::Start(words,
                              {.env = environment(), .prepare = KeepOurGroup});
      }()) {
  // Its socket is there before it listens; the first hardcopy shows that it
  // does.
  if (!WaitFor([this] { return !Hardcopy().empty(); })) {
    ADD_FAILURE() << "screen does not start";
  }
}

ScreenSession::~ScreenSession() {
  if (screen_.HasEnded()) return;
  Command({"quit"});
  (void)screen_.Wait();
}

std::vector<std::string> ScreenSession::AttachCommand() const {
  return {"screen", "-c", folder_ / "rc", "-U", "-x", kName};
}

void ScreenSession::Command(const std::vector<std::string>& command) {
  std::vector<std::string> words = {"screen", "-S", kName, "-X"};
  words.insert(words.end(), command.begin(), command.end());
  const LogFile said;
  Program screen =
      Program::Start(words, {.fds = {{said.fd(), 1}, {said.fd(), 2}},
                             .env = environment(),
                             .prepare = KeepOurGroup});
  (void)screen.Wait();
}

std::string ScreenSession::Hardcopy() {
  const std::string path = folder_ / absl::StrCat("hardcopy-", ++hardcopies_);
  Command({"hardcopy", path});
  // screen writes the file line by line, and doesn't say when it is done.
  std::string text;
  constexpr absl::Duration kMoment = absl::Seconds(1);
  (void)WaitFor(
      [&] {
        text = ReadFile(path);
        return std::count(text.begin(), text.end(), '\n') >= kRows;
      },
      kMoment);
  return text;
}

testing::AssertionResult ScreenSession::Until(
    const testing::Matcher<const std::string&>& matcher) {
  return TextUntil([this] { return Hardcopy(); }, matcher);
}

void ScreenSession::Type(absl::string_view keys) {
  // Spelt in octal, so that screen takes nothing in it for its own.
  std::string octal;
  for (const char key : keys) {
    absl::StrAppendFormat(&octal, "\\%03o", static_cast<unsigned char>(key));
  }
  Command({"stuff", octal});
}

void ScreenSession::KillWindow() {
  Command({"kill"});
}

}  // namespace deptyr
