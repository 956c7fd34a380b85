// A GNU screen session of the test's own, with one window of 24 by 80.
//
//   ScreenSession screen({"/bin/sh", "-c", "exec deptyr head sock 2> log"});
//   ASSERT_TRUE(screen.Until(HasSubstr("waits for")));
//   screen.Type("text\n");
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include <gmock/gmock.h>

#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace deptyr {

class ScreenSession {
 public:
  explicit ScreenSession(const std::vector<std::string>& command);
  ~ScreenSession();

  // Returns the text that the window shows.
  std::string Hardcopy();
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& matcher);
  void Type(absl::string_view keys);
  // Closes the window, as a person would, and with it the session.
  void KillWindow();
  // It ends with its window.
  Program& program() { return screen_; }
  // The command that attaches a terminal to it, and how it is run.
  std::vector<std::string> AttachCommand() const;
  std::vector<std::string> environment() const;

 private:
  void Command(const std::vector<std::string>& words);

  TempDir folder_;
  size_t hardcopies_ = 0;
  Program screen_;
};

}  // namespace deptyr
