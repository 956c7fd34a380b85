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
  // TERM in its window.
  static constexpr char kTerm[] = "tmux-256color";

  // A shell runs `command`.
  explicit Tmux(const std::string& command, WindowSize size = {24, 80});
  ~Tmux();

  // Return what the window shows: as text, and with colours, attributes and the
  // cursor's place.
  std::string Screen() const;
  std::string StyledScreen() const;
  // Returns it as text, from the oldest line that can be scrolled back to.
  std::string ScreenAndHistory() const;
  // Expands a format of tmux's: "#{pane_dead_status}", "#{alternate_on}", ...
  std::string Ask(const std::string& format) const;
  // Waits for an answer, because others may know a program's output before tmux
  // has read it.
  testing::AssertionResult Answers(
      const std::string& format,
      const testing::Matcher<const std::string&>& matcher) const;
  // Waits until the window shows that, including colours and the cursor.
  testing::AssertionResult StyledUntil(
      const testing::Matcher<const std::string&>& matcher) const;
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& matcher) const;

  // Presses keys by tmux's names: "C-\\", "Enter", "F10", "a".
  void Press(const std::vector<std::string>& keys) const;
  void Type(absl::string_view text) const;
  // Pastes what is in a file, between brackets if the program asked for them.
  void Paste(const std::string& file) const;
  void Resize(WindowSize size) const;
  // Opens another window, in which a shell runs `command`.
  void NewWindow(const std::string& command) const;
  // Closes the window, as a person would.
  void KillWindow() const;

  Program& program() { return server_; }
  pid_t server_pid() const { return server_.pid(); }
  pid_t pane_pid() const;
  bool dead() const { return Ask("#{pane_dead}") == "1"; }
  // Returns how the command ended, "0" or "signal 11", once it has.
  std::string DeadStatus() const;

 private:
  std::string Run(const std::vector<std::string>& words) const;
  bool Try(const std::vector<std::string>& words) const;
  std::vector<std::string> Command(const std::vector<std::string>& words) const;

  TempDir folder_;
  Program server_;
};

}  // namespace deptyr
