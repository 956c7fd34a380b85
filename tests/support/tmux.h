// A tmux server of the test's own, with one window: a real terminal emulator
// whose screen can be read, whose keyboard can be typed on.
//
//   Tmux tmux("exec deptyr head sock 2> log");
//   ASSERT_TRUE(tmux.Until(HasSubstr("waits for")));
//   tmux.Press({"C-\\", "l"});
//   tmux.Type("text");
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include <gmock/gmock.h>

#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace deptyr {

class Tmux {
 public:
  // What TERM says in its window.
  static constexpr char kTerm[] = "tmux-256color";

  // `command` is a shell's.
  explicit Tmux(const std::string& command, WindowSize size = {24, 80});
  ~Tmux();

  // What the window shows, as text; and with colours and attributes, and where
  // the cursor is.
  std::string Screen() const;
  std::string StyledScreen() const;
  // As text, from the oldest line that can be scrolled back to.
  std::string ScreenAndHistory() const;
  // A format of tmux's: "#{pane_dead_status}", "#{alternate_on}", ...
  std::string Ask(const std::string& format) const;
  // Waits for an answer: what a program wrote may be known to others before
  // tmux has read it.
  testing::AssertionResult Answers(
      const std::string& format,
      const testing::Matcher<const std::string&>& matcher) const;
  // Until the window shows that, colours and cursor included.
  testing::AssertionResult StyledUntil(
      const testing::Matcher<const std::string&>& matcher) const;
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& matcher) const;

  // Keys by tmux's names: "C-\\", "Enter", "F10", "a".
  void Press(const std::vector<std::string>& keys) const;
  void Type(absl::string_view text) const;
  void Paste(const std::string& file) const;
  void Resize(WindowSize size) const;
  // Closes the window, as a person would.
  void KillWindow() const;

  pid_t server_pid() const { return server_.pid(); }
  pid_t pane_pid() const;
  bool dead() const { return Ask("#{pane_dead}") == "1"; }
  // How the command ended, once it has: "0", "signal 11".
  std::string DeadStatus() const;

 private:
  std::string Run(const std::vector<std::string>& words) const;
  bool Try(const std::vector<std::string>& words) const;
  std::vector<std::string> Command(const std::vector<std::string>& words) const;

  TempDir folder_;
  Program server_;
};

}  // namespace deptyr
