// For tests that run beside a supervisor, as COMMAND of a recipe in
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

// Where `deptyr` and `report` are for programs of any user (the build tree may
// be out of their sight), and what such programs write.
inline constexpr char kBinaries[] = "/run/test-bin";
inline constexpr char kFiles[] = "/run/test";
// As the shipped units and services have it.
inline constexpr char kHeadSocket[] = "/run/deptyr/head.sock";

// Makes those folders.  Ends the program where /run is the machine's.
void SetUpPrivateRun();

// What a shell command printed, on both outputs, and how it ended.
struct Said {
  ExitStatus status;
  std::string text;
};
Said Shell(const std::string& command);
// "" and a failed test if the command fails.
std::string MustShell(const std::string& command);

std::string ReadFile(const std::string& path);  // "" if there is none
void WriteFile(const std::string& path, const std::string& text);
void WriteScript(const std::string& path, const std::string& text);
// A file of the project.
std::string SourceFile(const std::string& path);

// docs/supervisors.md: the file that is given there by that path; the commands,
// in their order, of the blocks under that heading that start with `fence`.
std::string DocumentedFile(const std::string& path);
std::vector<std::string> DocumentedCommands(const std::string& heading,
                                            const std::string& fence);

// What of a log is worth printing.
std::string LastLines(const std::string& text);

// What /proc tells of a process; "" and 0 when it has gone.
std::string ProgramOf(pid_t pid);  // the basename of its executable
std::string NameOf(pid_t pid);
pid_t ParentOf(pid_t pid);
bool Lives(pid_t pid);  // and is no zombie
bool Sleeps(pid_t pid);
long CpuTicksOf(pid_t pid);  // of user and system

// What tests/e2e/report.cc wrote.
class Report {
 public:
  // Waits for it.
  explicit Report(const std::string& name);

  // "" if the report doesn't tell.
  std::string operator[](const std::string& key) const;
  pid_t pid() const;
  // What a body must leave alone, but for the environment variables named.
  std::vector<std::string> AsFound(
      const std::vector<std::string>& except) const;
  // Until the program has had that signal ("HUP").
  testing::AssertionResult Had(const std::string& signal) const;

 private:
  std::string path_;
  std::string text_;
};

// A head of the test's own, on a terminal.
class Screen {
 public:
  explicit Screen(const std::string& socket);

  // Until it has shown that, since the last Forget().
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
