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
  // Pairs of our descriptor and its number there.  0, 1 and 2 are the test's
  // unless named; all others that are neither here nor in `keep` are closed.
  std::vector<std::pair<int, int>> fds = {};
  // Descriptors that keep their number.
  std::vector<int> keep = {};
  // Changes to the test's own environment: "NAME=VALUE" sets, "NAME" removes.
  std::vector<std::string> env = {};
  // Runs in the child, just before the program (Start()).
  void (*prepare)() = nullptr;
};

class [[nodiscard]] Program {
 public:
  // Looks the program up in PATH.  Its exit status is 127 if it can't be
  // executed.
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
  // Whether it has ended, reaped or not.
  bool HasEnded() const { return deptyr::HasEnded(pidfd_.get()); }
  // Whether it waits for something now (state S of proc(5)).
  bool Sleeps() const;
  // Waits for its end and reaps it.  Returns nothing if it goes on.
  std::optional<ExitStatus> Wait(absl::Duration deadline = kDeadline);

 private:
  Program(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_;
  Fd pidfd_;
  std::optional<ExitStatus> status_;
};

// gtest prints it like this.
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
