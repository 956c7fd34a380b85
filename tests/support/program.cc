#include "tests/support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

// If libgcov is linked in (tests/coverage), this writes its counts, which only
// exit(3) and exec(3) do by themselves.
extern "C" __attribute__((weak)) void __gcov_dump();

namespace deptyr {
namespace {

// No test asks for numbers from here on.
constexpr int kOutOfTheWay = 500;
// The time for an end that writes counts.
constexpr absl::Duration kOrderlyEnd = absl::Seconds(2);

void PlaceFds(const ProgramOptions& options) {
  std::vector<std::pair<int, int>> fds = options.fds;
  for (const int fd : options.keep) fds.emplace_back(fd, fd);
  for (auto& [ours, theirs] : fds) {
    ours = ::fcntl(ours, F_DUPFD_CLOEXEC, kOutOfTheWay);
    if (ours < 0) ::_exit(125);
  }
  std::sort(fds.begin(), fds.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  unsigned next = 3;
  for (const auto& [ours, theirs] : fds) {
    if (::dup2(ours, theirs) < 0) ::_exit(125);
    const auto number = static_cast<unsigned>(theirs);
    if (number > next) (void)::syscall(SYS_close_range, next, number - 1, 0);
    next = std::max(next, number + 1);
  }
  (void)::syscall(SYS_close_range, next, ~0U, 0);
}

void PlaceEnvironment(const std::vector<std::string>& env) {
  for (const std::string& variable : env) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos) {
      (void)::unsetenv(variable.c_str());
    } else {
      (void)::setenv(variable.substr(0, equals).c_str(),
                     variable.c_str() + equals + 1, 1);
    }
  }
}

}  // namespace

Program Program::Fork(absl::FunctionRef<int()> main,
                      const ProgramOptions& options) {
  const pid_t parent = ::getpid();
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(125);
    PlaceFds(options);
    PlaceEnvironment(options.env);
    const int status = main();
    std::fflush(nullptr);
    if (__gcov_dump != nullptr) __gcov_dump();
    ::_exit(status);
  }
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) std::abort();
  return Program(pid, std::move(pidfd));
}

Program Program::Start(const std::vector<std::string>& argv,
                       const ProgramOptions& options) {
  return Fork(
      [&] {
        std::vector<char*> words;
        for (const std::string& word : argv) {
          words.push_back(const_cast<char*>(word.c_str()));
        }
        words.push_back(nullptr);
        if (options.prepare != nullptr) options.prepare();
        (void)::execvp(words[0], words.data());
        std::perror(words[0]);
        return 127;
      },
      options);
}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      status_(other.status_) {}

Program::~Program() {
  if (pid_ < 0 || status_) return;
  if (__gcov_dump != nullptr) {
    (void)::kill(pid_, SIGTERM);
    (void)WaitForEvents(pidfd_.get(), POLLIN, kOrderlyEnd);
  }
  (void)::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, nullptr, 0);
}

void Program::Signal(int signal) const {
  if (!status_) (void)::kill(pid_, signal);
}

bool Program::Sleeps() const {
  std::ifstream file(absl::StrCat("/proc/", pid_, "/stat"));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  // "12 (any name) S ..."
  const size_t name_end = text.rfind(") ");
  return name_end != std::string::npos && text[name_end + 2] == 'S';
}

std::optional<ExitStatus> Program::Wait(absl::Duration deadline) {
  if (status_) return status_;
  if (WaitForEvents(pidfd_.get(), POLLIN, deadline) == 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  status_ = WIFSIGNALED(status) ? ExitStatus{.signal = WTERMSIG(status)}
                                : ExitStatus{.code = WEXITSTATUS(status)};
  return status_;
}

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
  read_end = Fd(ends[0]);
  write_end = Fd(ends[1]);
}

size_t CountOpenFds() {
  // The folder itself is open while it is read.
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries))) - 1;
}

}  // namespace deptyr
