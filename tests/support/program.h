// A child process of the test.  It dies with the object, and with the test
// program (PR_SET_PDEATHSIG), and of our descriptors it sees the named ones.
//
//   Program cat = Program::Start({"cat"}, {.fds = {{pipe.get(), 0}}});
//   EXPECT_EQ(cat.Wait(), ExitStatus{.code = 0});
//
//   Program child = Program::Fork([] { return MayItFail() ? 1 : 0; });
#pragma once

#include <sys/types.h>

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

#include "lib/sys/fd.h"
#include "lib/sys/process.h"
#include "tests/support/wait.h"

namespace deptyr {

struct ProgramOptions {
  // Our descriptor, the number it has there.  0, 1 and 2 are the test's unless
  // named; all others that are neither here nor in `keep` are closed.
  std::vector<std::pair<int, int>> fds = {};
  // Descriptors that have the same number there.
  std::vector<int> keep = {};
  // "NAME=VALUE" on top of the test's own environment; "NAME" takes it out.
  std::vector<std::string> env = {};
  // Runs in the child, last before the program (Start()).
  void (*prepare)() = nullptr;
};

class [[nodiscard]] Program {
 public:
  // Looked up in PATH.  Exit status 127: it could not be executed.
  static Program Start(const std::vector<std::string>& argv,
                       const ProgramOptions& options = {});
  // A copy of this process that calls `main` and exits with what it returns.
  static Program Fork(absl::FunctionRef<int()> main,
                      const ProgramOptions& options = {});
  Program(Program&&) noexcept;
  Program& operator=(Program&&) = delete;
  ~Program();  // SIGKILL, unless it was waited for

  pid_t pid() const { return pid_; }
  // Readable once it has ended.
  int pidfd() const { return pidfd_.get(); }
  void Signal(int signal) const;
  // True once it has ended, reaped or not.
  bool HasEnded() const { return deptyr::HasEnded(pidfd_.get()); }
  // True while it waits for something (state S of proc(5)).
  bool Sleeps() const;
  // Waits for its end and reaps it.  Nothing: it goes on.
  std::optional<ExitStatus> Wait(absl::Duration deadline = kDeadline);

 private:
  Program(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_;
  Fd pidfd_;
  std::optional<ExitStatus> status_;
};

// How gtest prints it.
inline void PrintTo(const ExitStatus& status, std::ostream* out) {
  *out << Describe(status);
}

// Close-on-exec.
struct Pipe {
  Pipe();
  Fd read_end;
  Fd write_end;
};

// The descriptors this process has open.
size_t CountOpenFds();

}  // namespace deptyr
