#include "tests/support/session_program.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "lib/sys/io.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

void PassOutputOn(int terminal) {
  termios settings{};
  (void)::tcgetattr(terminal, &settings);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  (void)::tcsetattr(terminal, TCSANOW, &settings);
}

Program StartOn(int terminal, absl::FunctionRef<int()> main,
                std::vector<int> keep) {
  PassOutputOn(terminal);
  keep.push_back(terminal);
  return Program::Fork(
      [&] {
        if (!BecomeTerminalProcess(terminal).ok()) return 125;
        (void)::close(terminal);
        return main();
      },
      {.keep = std::move(keep)});
}

int Execute(const std::vector<std::string>& argv) {
  std::vector<char*> words;
  for (const std::string& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  (void)::execvp(words[0], words.data());
  return 127;
}

}  // namespace

SessionProgram::SessionProgram(EventLoop& loop,
                               const std::vector<std::string>& argv,
                               WindowSize size)
    : SessionProgram(
          loop, [&] { return Execute(argv); }, {}, size) {}

SessionProgram::SessionProgram(EventLoop& loop, absl::FunctionRef<int()> main,
                               const std::vector<int>& keep, WindowSize size)
    : pty_(Value(OpenPty(size))),
      size_(size),
      process_(StartOn(pty_.terminal.get(), main, keep)),
      reaper_(loop.Add(process_.pidfd(), Interest::kRead, [this](Ready) {
        status_ = process_.Wait();
        reaper_.Reset();
      })) {
  pty_.terminal.Reset();
  if (!SetNonBlocking(pty_.controller.get()).ok()) std::abort();
}

Incarnation SessionProgram::Registration() {
  return {.pid = process_.pid(),
          .pidfd = Fd(::fcntl(process_.pidfd(), F_DUPFD_CLOEXEC, 0)),
          .controller = std::move(pty_.controller),
          .size = size_,
          .argv = {"program"}};
}

}  // namespace deptyr
