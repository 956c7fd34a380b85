// The benchmarks that start programs share this: processes that end with us, a
// head in a folder of its own, medians.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace bench {

using Clock = std::chrono::steady_clock;

inline constexpr int kProgramFd = 9;  // passed on by Spawn()

[[noreturn]] inline void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline pid_t Spawn(std::vector<std::string> words, int program_fd) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (program_fd >= 0) (void)::dup2(program_fd, kProgramFd);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  (void)::execv(argv[0], argv.data());
  Die(argv[0]);
}

// Returns the microseconds since then.
inline double Since(Clock::time_point start) {
  const std::chrono::duration<double, std::micro> took = Clock::now() - start;
  return took.count();
}

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// `deptyr head` or `deptyr router` with these options, ready; its log is kept
// out of sight, and it ends with this object.
class Server {
 public:
  Server(const std::string& deptyr, const std::string& role,
         const std::vector<std::string>& options) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) Die("pipe");
    std::vector<std::string> words = {deptyr, role, "--ready-fd",
                                      std::to_string(kProgramFd)};
    for (std::string word : options) {
      if (word.starts_with("/@/")) word = folder_ / word.substr(3);
      words.push_back(std::move(word));
    }
    const int log =
        ::open(Path("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int kept = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    (void)::dup2(log, STDERR_FILENO);
    pid_ = Spawn(words, ready[1]);
    (void)::dup2(kept, STDERR_FILENO);
    (void)::close(kept);
    (void)::close(log);
    (void)::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) Die("the server did not start");
    (void)::close(ready[0]);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    (void)::kill(pid_, SIGTERM);
    (void)::waitpid(pid_, nullptr, 0);
  }

  // In its folder; options that begin with "/@/" are there, too.
  std::string Path(const std::string& name) const { return folder_ / name; }

 private:
  const deptyr::TempDir folder_;
  pid_t pid_;
};

}  // namespace bench
