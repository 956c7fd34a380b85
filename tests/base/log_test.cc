#include "lib/base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/utf8.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::AnyOf;
using testing::ContainsRegex;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr ExitStatus kFine{.code = 0};

// Runs `main` in a child, and returns what it writes to standard error, a pipe.
std::string Logged(absl::FunctionRef<int()> main, ProgramOptions options = {}) {
  Pipe log;
  options.fds.emplace_back(log.write_end.get(), STDERR_FILENO);
  Program child = Program::Fork(main, options);
  log.write_end.Reset();
  OutputReader output(log.read_end.get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(child.Wait(), kFine);
  return output.text();
}

std::vector<std::string> Lines(absl::string_view text) {
  return absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
}

TEST(LogTest, OneLinePerEvent) {
  EXPECT_EQ(Logged([] {
              LogToStandardError();
              Log(Severity::kInfo, "session=", "a", " pid=", 7);
              Log(Severity::kError, "b");
              return 0;
            }),
            "deptyr: session=a pid=7\ndeptyr: b\n");
}

TEST(LogTest, NothingIsLoggedBeforeItIsAskedFor) {
  EXPECT_EQ(Logged([] {
              Log(Severity::kError, "a");
              return 0;
            }),
            "");
}

TEST(LogTest, NothingIsLoggedWhileATerminalIsInUse) {
  EXPECT_EQ(Logged([] {
              LogToStandardError();
              Log(Severity::kInfo, "a");
              LogNowhere();
              Log(Severity::kInfo, "b");
              LogToStandardError();
              Log(Severity::kInfo, "c");
              return 0;
            }),
            "deptyr: a\ndeptyr: c\n");
}

std::string JournalStreamOf(int fd) {
  struct stat file {};
  EXPECT_EQ(::fstat(fd, &file), 0);
  return absl::StrCat("JOURNAL_STREAM=", file.st_dev, ":", file.st_ino);
}

int LogOneOfEach() {
  LogToStandardError();
  Log(Severity::kError, "a");
  Log(Severity::kWarning, "b");
  Log(Severity::kNotice, "c");
  Log(Severity::kInfo, "d");
  return 0;
}

TEST(LogTest, TheJournalIsToldSeverities) {
  SocketPair journal;
  Program child = Program::Fork(
      LogOneOfEach, {.fds = {{journal.theirs.get(), STDERR_FILENO}},
                     .env = {JournalStreamOf(journal.theirs.get())}});
  journal.theirs.Reset();
  OutputReader output(journal.ours.get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(output.text(),
            "<3>deptyr: a\n<4>deptyr: b\n<5>deptyr: c\n<6>deptyr: d\n");
}

// With 2>>file in a unit, JOURNAL_STREAM is still there and means another file.
TEST(LogTest, AnotherFileThanTheJournalIsToldNone) {
  const SocketPair journal;
  EXPECT_EQ(
      Logged(LogOneOfEach, {.env = {JournalStreamOf(journal.ours.get())}}),
      "deptyr: a\ndeptyr: b\ndeptyr: c\ndeptyr: d\n");
  EXPECT_THAT(Logged(LogOneOfEach, {.env = {"JOURNAL_STREAM=x"}}),
              StartsWith("deptyr: a\n"));
}

// Logs that many lines while nobody reads, says so on `step`, and logs one more
// after the end of `go`.
int LogIntoTheFull(int lines, const Fd& step, const Fd& go) {
  LogToStandardError();
  for (int i = 0; i < lines; ++i) Log(Severity::kInfo, "line ", i);
  (void)!::write(step.get(), "x", 1);
  char byte = 0;
  (void)!::read(go.get(), &byte, 1);
  Log(Severity::kInfo, "the last");
  return 0;
}

// The log's reader has stopped.  No line blocks; those that found no room are
// counted, and none is cut.
void ExpectLinesAreLostAndCounted(Fd ours, Fd theirs) {
  constexpr int kLines = 50'000;
  Pipe step;
  Pipe go;
  Program child = Program::Fork(
      [&] { return LogIntoTheFull(kLines, step.write_end, go.read_end); },
      {.fds = {{theirs.get(), STDERR_FILENO}},
       .keep = {step.write_end.get(), go.read_end.get()}});
  theirs.Reset();
  step.write_end.Reset();
  ASSERT_TRUE(OutputReader(step.read_end.get()).Until("x")) << "it blocked";
  OutputReader output(ours.get());
  // This frees room for at least one line; the rest is read when all was
  // written.
  ASSERT_TRUE(output.Until(HasSubstr("line 100\n")));
  go.write_end.Reset();
  ASSERT_TRUE(output.UntilEnd());
  EXPECT_EQ(child.Wait(), kFine);

  std::vector<std::string> lines = Lines(output.text());
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines.back(), "deptyr: the last");
  lines.pop_back();
  absl::string_view told = lines.back();
  ASSERT_TRUE(absl::ConsumePrefix(&told, "deptyr: ")) << told;
  ASSERT_TRUE(absl::ConsumeSuffix(&told, " log lines lost: the log was full"))
      << told;
  size_t lost = 0;
  ASSERT_TRUE(absl::SimpleAtoi(told, &lost));
  lines.pop_back();
  EXPECT_EQ(lines.size() + lost, size_t{kLines});
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(lines[i], absl::StrCat("deptyr: line ", i));
  }
}

TEST(LogTest, AFullPipeLosesLinesAndSaysHowMany) {
  Pipe log;
  ExpectLinesAreLostAndCounted(std::move(log.read_end),
                               std::move(log.write_end));
}

TEST(LogTest, AFullSocketLosesLinesAndSaysHowMany) {
  SocketPair log;
  ExpectLinesAreLostAndCounted(std::move(log.ours), std::move(log.theirs));
}

// A line longer than what a pipe takes at once would be cut where the pipe is
// nearly full, and the next line would go on in its middle.
TEST(LogTest, LongLinesAreCutShortNotInTwo) {
  Pipe log;
  Pipe step;
  const int size = ::fcntl(log.write_end.get(), F_SETPIPE_SZ, 8192);
  ASSERT_EQ(size, 8192);
  Program child = Program::Fork(
      [&] {
        LogToStandardError();
        for (int i = 0; i < 10; ++i) {
          Log(Severity::kInfo, std::string(6000, 'x'));
        }
        (void)!::write(step.write_end.get(), "x", 1);
        return 0;
      },
      {.fds = {{log.write_end.get(), STDERR_FILENO}},
       .keep = {step.write_end.get()}});
  log.write_end.Reset();
  ASSERT_TRUE(OutputReader(step.read_end.get()).Until("x"));
  OutputReader output(log.read_end.get());
  ASSERT_TRUE(output.UntilEnd());
  EXPECT_THAT(output.text(), EndsWith("\n"));
  const std::vector<std::string> lines = Lines(output.text());
  EXPECT_THAT(lines[0], MatchesRegex("deptyr: x{4000}"));
  EXPECT_THAT(
      lines,
      Each(AnyOf(
          lines[0],
          ContainsRegex("^deptyr: [0-9]+ log lines lost: the log was full$"))));
}

// The shell that started us shares that file.
TEST(LogTest, TheSharedFileIsNotMadeNonBlocking) {
  Pipe log;
  Program child = Program::Fork(
      [] {
        LogToStandardError();
        Log(Severity::kInfo, "a");
        return (::fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0 ? 0 : 1;
      },
      {.fds = {{log.write_end.get(), STDERR_FILENO}}});
  EXPECT_EQ(child.Wait(), kFine);
}

TEST(LogTest, AFileIsAppendedTo) {
  const TempDir dir;
  const std::string path = dir / "log";
  std::ofstream(path) << "before\n";
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  Program child =
      Program::Fork(LogOneOfEach, {.fds = {{file.get(), STDERR_FILENO}}});
  EXPECT_EQ(child.Wait(), kFine);
  std::ifstream in(path);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_THAT(text, StartsWith("before\ndeptyr: a\n"));
}

TEST(LogTest, AClosedStandardErrorIsNoError) {
  EXPECT_EQ(Program::Fork([] {
              (void)::close(STDERR_FILENO);
              return LogOneOfEach();
            }).Wait(),
            kFine);
}

TEST(LogTest, TheReaderGoingAwayIsNoError) {
  Pipe log;
  log.read_end.Reset();
  Program child = Program::Fork(
      [] {
        (void)::signal(SIGPIPE, SIG_IGN);
        return LogOneOfEach();
      },
      {.fds = {{log.write_end.get(), STDERR_FILENO}}});
  EXPECT_EQ(child.Wait(), kFine);
}

TEST(PrintableTest, NothingATerminalObeysGetsThrough) {
  EXPECT_EQ(Printable("plain text, 100%"), "plain text, 100%");
  EXPECT_EQ(Printable("a\x1b[2J\nb\x7f"), "a\\x1b[2J\\nb\\x7f");
  EXPECT_EQ(Printable("\xc3\xa4"), "\xc3\xa4");
  // These have CSI and OSC as one character, in a byte and in UTF-8, and bytes
  // that aren't UTF-8.
  EXPECT_EQ(Printable("\x9b\x32J"), "\\x9b2J");
  EXPECT_EQ(Printable("a\xc2\x9d\x30;title\xc2\x9c"),
            "a\\xc2\\x9d0;title\\xc2\\x9c");
  EXPECT_EQ(Printable("\xc2\xa0\xe2\x82|\xc3"), "\xc2\xa0\\xe2\\x82|\\xc3");
}

// A reader can tell what was escaped from what only looks like it.
TEST(PrintableTest, ABackslashIsDoubledAndQuotesAreNot) {
  EXPECT_EQ(Printable("a\\b \\x1b \"c\" 'd'"), "a\\\\b \\\\x1b \"c\" 'd'");
  EXPECT_EQ(Printable("\t\r\n"), "\\t\\r\\n");
}

TEST(PrintableTest, WhatTurnsTextAroundOrHidesIsMadeVisible) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;  // surrogates aren't characters
    const bool hides =
        c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e ||
        c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
        (c >= 0x2066 && c <= 0x206f) || (c >= 0xfff9 && c <= 0xfffb) ||
        (c >= 0xe0000 && c <= 0xe007f);
    std::string text;
    AppendUtf8(c, text);
    ASSERT_EQ(IsPrintable(text), !hides) << static_cast<uint32_t>(c);
    if (c == '\\') continue;
    ASSERT_EQ(Printable(text) == text, !hides) << static_cast<uint32_t>(c);
  }
  EXPECT_EQ(Printable("abc\xe2\x80\xae"
                      "fdp.exe"),
            "abc\\xe2\\x80\\xaefdp.exe");
}

TEST(LogTest, ALineIsMadePrintableOnce) {
  EXPECT_EQ(Logged([] {
              LogToStandardError();
              Log(Severity::kInfo, "a\\b\x1b[2J\n", "deptyr: forged");
              return 0;
            }),
            "deptyr: a\\\\b\\x1b[2J\\ndeptyr: forged\n");
}

}  // namespace
}  // namespace deptyr
