// Helps tests that run beside a supervisor, as COMMAND of a recipe in
// tests/supervisors: /run is theirs alone, and nothing outlives them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include <gmock/gmock.h>

#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/wait.h"

namespace deptyr {

// Programs of every user find `deptyr` and `report` here (the build tree may be
// hidden from them), and write here.
inline constexpr char kBinaries[] = "/run/test-bin";
inline constexpr char kFiles[] = "/run/test";
// The shipped units and services use this.
inline constexpr char kHeadSocket[] = "/run/deptyr/head.sock";

// Makes those folders.  Ends the program if /run is the machine's.
void SetUpPrivateRun();

// The output of a shell command, from both streams, and how it ended.
struct Said {
  ExitStatus status;
  std::string text;
};
Said Shell(const std::string& command);
// Returns "", and fails the test, if the command fails.
std::string MustShell(const std::string& command);

std::string ReadFile(const std::string& path);  // "" if there is none
void WriteFile(const std::string& path, const std::string& text);
void WriteScript(const std::string& path, const std::string& text);
// Reads a file of the project.
std::string SourceFile(const std::string& path);

// These read a page: the file that is shown there under that path, and the
// commands, in order, of the blocks under that heading that start with `fence`.
inline constexpr char kSupervisorsPage[] = "docs/supervisors.md";
std::string DocumentedFile(const std::string& path,
                           const std::string& page = kSupervisorsPage);
std::vector<std::string> DocumentedCommands(
    const std::string& heading, const std::string& fence,
    const std::string& page = kSupervisorsPage);

// The end of a log, for a failure's message.
std::string LastLines(const std::string& text);

// Facts about a process from /proc; "" and 0 when it has gone.
std::string ProgramOf(pid_t pid);  // the basename of its executable
std::string NameOf(pid_t pid);
pid_t ParentOf(pid_t pid);
bool Lives(pid_t pid);  // and isn't a zombie
bool Sleeps(pid_t pid);
long CpuTicksOf(pid_t pid);  // of user and system

// Reads what tests/e2e/report.cc wrote.
class Report {
 public:
  // Waits for the report.
  explicit Report(const std::string& name);

  // Returns "" if the report doesn't tell.
  std::string operator[](const std::string& key) const;
  pid_t pid() const;
  // The entries that a body must not change, without the environment variables
  // named.
  std::vector<std::string> AsFound(
      const std::vector<std::string>& except) const;
  // Waits until the program has had that signal ("HUP").
  testing::AssertionResult Had(const std::string& signal) const;

 private:
  std::string path_;
  std::string text_;
};

// A head of the test's own, on a terminal.
class Screen {
 public:
  explicit Screen(const std::string& socket);

  // Waits until it has shown that since the last Forget().
  testing::AssertionResult Shows(
      const testing::Matcher<const std::string&>& what) {
    return shown_.Until(what);
  }
  void Forget() { shown_.Forget(); }
  void Type(absl::string_view keys);
  Program& head() { return head_; }

 private:
  Pty pty_;
  Program head_;
  OutputReader shown_;
};

}  // namespace deptyr
