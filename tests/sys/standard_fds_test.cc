#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "lib/sys/inherited_fds.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

constexpr ExitStatus kFine{.code = 0};

TEST(OriginalStderrTest, IsSpokenToWhateverBecomesOfFd2) {
  Pipe log;
  Program child = Program::Fork(
      [] {
        const OriginalStderr original;
        original.Say("a");
        (void)::close(STDERR_FILENO);
        original.Say("b");
        return 0;
      },
      {.fds = {{log.write_end.get(), STDERR_FILENO}}});
  log.write_end.Reset();
  OutputReader output(log.read_end.get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(output.text(), "a\nb\n");
  EXPECT_EQ(child.Wait(), kFine);
}

bool IsDevNull(int fd) {
  struct stat file {};
  struct stat null {};
  return ::fstat(fd, &file) == 0 && ::stat("/dev/null", &null) == 0 &&
         file.st_rdev == null.st_rdev && S_ISCHR(file.st_mode);
}

TEST(OriginalStderrTest, NoDescriptorOpenedLaterGetsAStandardNumber) {
  Program child = Program::Fork([] {
    for (const int fd : {0, 1, 2}) (void)::close(fd);
    const OriginalStderr original;
    original.Say("to nobody");
    for (const int fd : {0, 1, 2}) {
      if (!IsDevNull(fd)) return 1;
      // exec closes them again, so the program finds them as they were.
      if (::fcntl(fd, F_GETFD) != FD_CLOEXEC) return 2;
    }
    return ::dup(0) == 3 ? 0 : 3;  // NOLINT(android-cloexec-dup): none is kept
  });
  EXPECT_EQ(child.Wait(), kFine);
}

TEST(OriginalStderrTest, WhatIsOpenStaysAsItIs) {
  const Pipe pipe;
  Program child = Program::Fork(
      [] {
        (void)::close(1);
        const OriginalStderr original;
        return !IsDevNull(0) && ::fcntl(0, F_GETFD) == 0 && IsDevNull(1) ? 0
                                                                         : 1;
      },
      {.fds = {{pipe.read_end.get(), 0}}});
  EXPECT_EQ(child.Wait(), kFine);
}

TEST(OriginalStderrTest, TheCopyIsCloseOnExec) {
  Program child = Program::Fork([] {
    const OriginalStderr original;
    return ::fcntl(3, F_GETFD) == FD_CLOEXEC ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

TEST(OriginalStderrTest, TheJournalIsToldTheSeverity) {
  SocketPair journal;
  struct stat file {};
  ASSERT_EQ(::fstat(journal.theirs.get(), &file), 0);
  Program child = Program::Fork(
      [] {
        const OriginalStderr original;
        original.Say("a");
        original.Say("b", Severity::kNotice);
        return 0;
      },
      {.fds = {{journal.theirs.get(), STDERR_FILENO}},
       .env = {
           absl::StrCat("JOURNAL_STREAM=", file.st_dev, ":", file.st_ino)}});
  journal.theirs.Reset();
  OutputReader output(journal.ours.get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(output.text(), "<3>a\n<5>b\n");
  EXPECT_EQ(child.Wait(), kFine);
}

}  // namespace
}  // namespace deptyr
