#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "lib/sys/terminal.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;

constexpr ExitStatus kFine{.code = 0};

TEST(GoToBackgroundTest, TheShellGetsItsPromptAndWeGoOn) {
  const Pty pty = Value(OpenPty({}));
  Pipe kept;
  Pipe go;
  Program starter = Program::Fork(
      [&] {
        if (!BecomeTerminalProcess(pty.terminal.get()).ok()) return 1;
        const auto leave = [] { (void)!::write(1, "bye ", 4); };
        if (!GoToBackground(leave, "[goes on, pid ", "]").ok()) return 2;
        char byte = 0;
        (void)!::read(go.read_end.get(), &byte, 1);
        std::string said =
            absl::StrCat("pid ", ::getpid(), " session ", ::getsid(0), " ");
        for (const int fd : {0, 1, 2}) {
          absl::StrAppend(&said, ::isatty(fd) == 1 ? "terminal" : "null", " ");
        }
        absl::StrAppend(&said, "end");
        (void)!::write(kept.write_end.get(), said.data(), said.size());
        return 0;
      },
      {.keep = {pty.terminal.get(), kept.write_end.get(), go.read_end.get()}});
  kept.write_end.Reset();
  EXPECT_EQ(starter.Wait(), kFine) << "at once";
  OutputReader terminal(pty.controller.get());
  EXPECT_TRUE(terminal.Until(ContainsRegex("^bye \\[goes on, pid [0-9]+\\]$")));
  const std::string pid =
      terminal.text().substr(18, terminal.text().size() - 19);
  go.write_end.Reset();
  OutputReader said(kept.read_end.get());
  EXPECT_TRUE(said.UntilEnd());
  EXPECT_EQ(said.text(),
            absl::StrCat("pid ", pid, " session ", pid, " null null null end"));
}

TEST(GoToBackgroundTest, ALogInAFileStays) {
  Pipe log;
  Program starter = Program::Fork(
      [&] {
        if (!GoToBackground([] {}, "", "").ok()) return 1;
        (void)!::write(STDERR_FILENO, "logged", 6);
        return 0;
      },
      {.fds = {{log.write_end.get(), 1}, {log.write_end.get(), 2}}});
  log.write_end.Reset();
  EXPECT_EQ(starter.Wait(), kFine);
  OutputReader output(log.read_end.get());
  EXPECT_TRUE(output.UntilEnd());
  // The two processes write in either order.
  EXPECT_THAT(output.text(), ContainsRegex("^([0-9]+logged|logged[0-9]+)$"));
}

TEST(GoToBackgroundTest, WithoutRoomForItNothingChanges) {
  const Pty pty = Value(OpenPty({}));
  Program starter = Program::Fork(
      [&] {
        if (!BecomeTerminalProcess(pty.terminal.get()).ok()) return 1;
        const rlimit none{};
        (void)::setrlimit(RLIMIT_NOFILE, &none);
        bool left = false;
        if (GoToBackground([&left] { left = true; }, "", "").ok()) return 2;
        return left || ::tcgetpgrp(STDIN_FILENO) != ::getpgrp() ? 3 : 0;
      },
      {.keep = {pty.terminal.get()}});
  EXPECT_EQ(starter.Wait(), kFine);
}

}  // namespace
}  // namespace deptyr
