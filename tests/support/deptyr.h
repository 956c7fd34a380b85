// The built binary ($DEPTYR) as the tests run it.
//
//   HeadProcess head({"--mode", "0660"});             // no terminal; ready
//   BodyProcess body(head.socket(), {"--name", "a"}, {"cat"});
//   ASSERT_TRUE(head.log().Until(HasSubstr("session=a")));
//   EXPECT_EQ(head.Stop(), ExitStatus{});
#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include <gmock/gmock.h>

#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {

// The program under test, and the programs that the tests run under its care
// (tests/e2e/actor.cc, tests/e2e/traffic.cc).
std::string Deptyr();
std::string Actor();
std::string Traffic();

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, absl::string_view text);
// Quotes `word` for a shell.
std::string Quote(absl::string_view word);
std::string Quote(const std::vector<std::string>& words);

// Waits until the text that `read` gives matches.
testing::AssertionResult TextUntil(
    absl::FunctionRef<std::string()> read,
    const testing::Matcher<const std::string&>& matcher,
    absl::Duration deadline = kDeadline);

// A file without a name, to whose end others write while we look.
class LogFile {
 public:
  LogFile();
  int fd() const { return fd_.get(); }
  std::string text() const;
  std::vector<std::string> lines() const;
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& matcher) const;

 private:
  Fd fd_;
};

// Runs a program to its end and returns its standard output; its failure fails
// the test.
std::string OutputOf(const std::vector<std::string>& argv,
                     const ProgramOptions& options = {});

class BodyProcess {
 public:
  // Runs body with `options`, then `socket -- program`.
  BodyProcess(const std::string& socket,
              const std::vector<std::string>& options,
              const std::vector<std::string>& program, ProgramOptions how = {});

  pid_t pid() const { return program_.pid(); }
  Program& program() { return program_; }
  std::optional<ExitStatus> Wait() { return program_.Wait(); }
  // Waits until it has become its program, or has ended.
  bool WaitExecuted() const;
  // Its original standard output and standard error.
  const LogFile& said() const { return said_; }

 private:
  LogFile said_;
  Program program_;
};

struct HeadProcessOptions {
  // The path of its socket; "" is one in a folder of its own.
  std::string socket = {};
  // The command that starts it, as {"strace", "-f"}.
  std::vector<std::string> wrapper = {};
  // Its descriptor 0, or else /dev/null, and its descriptor 2, or else log().
  int stdin_fd = -1;
  int stderr_fd = -1;
  // Don't wait until it is ready.
  bool at_once = false;
  ProgramOptions how = {};
};

class HeadProcess {
 public:
  // Returns when it is ready, or has ended.
  explicit HeadProcess(const std::vector<std::string>& options = {},
                       HeadProcessOptions more = {});

  const std::string& socket() const { return socket_; }
  const LogFile& log() const { return log_; }
  Program& program() { return program_; }
  pid_t pid() const { return program_.pid(); }
  bool ready() const { return ready_; }
  // Waits until it is ready, or has ended.
  bool WaitReady();
  // True when WaitReady() would not wait.
  bool HasSaid() const;
  // Ends it by SIGTERM.
  std::optional<ExitStatus> Stop();

 private:
  TempDir folder_;
  std::string socket_;
  LogFile log_;
  Pipe ready_pipe_;
  bool ready_ = false;
  Program program_;
};

// Facts about a process from /proc.  Its descriptors don't include the rings of
// sessions, which are remembered after their end.
size_t CountFdsOf(pid_t pid);
// "Pid:", "VmRSS:", ... of /proc/PID/status.
std::string StatusFieldOf(pid_t pid, absl::string_view field);
// Its own memory in KiB, without files: the program's pages count for less
// while other tests run it, too (Pss_Anon and Pss_Shmem, proc(5)).
long OwnKilobytes(pid_t pid);
// Field n, from 1, of /proc/PID/stat; "" if there is no such process.
std::string StatFieldOf(pid_t pid, size_t n);
// Its processor time, user and system, in clock ticks.
long CpuTimeOf(pid_t pid);
std::string ExeOf(pid_t pid);
// Whether it has neither gone nor become a zombie.
bool Runs(pid_t pid);
std::vector<pid_t> ChildrenOf(pid_t pid);
// Waits until it has slept for a while.  A process that only gets no processor
// isn't quiet.
bool WaitUntilQuiet(pid_t pid);
// Whether it has a handler for the signal.
bool Catches(pid_t pid, int signal);

}  // namespace deptyr
