// The lines of a session on their way to a log: a pipe that somebody reads, or
// doesn't, and files.
#include "lib/session/session_log.h"

#include <fcntl.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/session/file_log.h"
#include "lib/sys/signals.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;
using testing::MatchesRegex;

constexpr WindowSize kSize{24, 80};
constexpr char kStamp[] =
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}[-+][0-9]{2}:[0-9]{2} ";

class SessionLogTest : public testing::Test {
 protected:
  SessionLogTest() {
    IgnoreWriteSignals();
    (void)ring_.Begin({.pid = 1});
  }

  void Begin(SessionLog& log, absl::string_view style) {
    ASSERT_THAT(log.Begin(Value(LogSink::Take(std::move(pipe_.write_end))),
                          style, kSize),
                IsOk());
  }
  // As head reads: a part at a time.
  void Write(absl::string_view bytes, Observer& observer) {
    while (!bytes.empty()) {
      const std::span<char> room = ring_.Space(4096);
      const size_t count = bytes.copy(room.data(), room.size());
      ring_.Commit(count);
      observer.OnOutput();
      bytes.remove_prefix(count);
    }
  }
  void Write(absl::string_view bytes) { Write(bytes, log_); }
  // Runs the loop until the reader has this text.
  testing::AssertionResult Read(
      const testing::Matcher<const std::string&>& matcher) {
    EXPECT_TRUE(SetNonBlocking(pipe_.read_end.get()).ok());
    const bool found = RunUntil(*loop_, [&] {
      std::array<char, 65536> room;
      IoResult got{IoState::kDone};
      while ((got = ReadSome(pipe_.read_end.get(), room)).state ==
             IoState::kDone) {
        text_.append(room.data(), got.bytes);
      }
      ended_ = got.state == IoState::kEnd;
      return matcher.Matches(text_);
    });
    return found ? testing::AssertionSuccess()
                 : testing::AssertionFailure() << "it has: " << text_;
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Ring ring_ = Value(Ring::Create(64 << 10));
  Pipe pipe_;
  int changes_ = 0;
  SessionLog log_{*loop_, ring_, [this] { ++changes_; }};
  std::string text_;
  bool ended_ = false;
};

TEST_F(SessionLogTest, HasWholeLinesAndTheRestAtTheEnd) {
  EXPECT_FALSE(log_.open());
  EXPECT_EQ(log_.descriptor(), -1);
  Begin(log_, "text");
  EXPECT_TRUE(log_.open());
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(log_.style(), "text");
  Write("\033[31mone\033[m\r\ntw");
  EXPECT_TRUE(Read("one\n"));
  log_.Mark("a mark\n");
  EXPECT_TRUE(Read("one\na mark\n"));
  Write("o");
  log_.End("the end\n");
  EXPECT_TRUE(Read("one\na mark\ntwo\nthe end\n"));
  EXPECT_FALSE(log_.open());
  EXPECT_EQ(changes_, 2);
  EXPECT_TRUE(Read(testing::_));
  EXPECT_TRUE(ended_);
  EXPECT_EQ(log_.lost(), 0U);
}

TEST_F(SessionLogTest, WhatTheRingHadAlreadyIsThere) {
  const std::span<char> room = ring_.Space(10);
  ring_.Commit(absl::string_view("early\r\n").copy(room.data(), room.size()));
  Begin(log_, "text");
  EXPECT_TRUE(Read("early\n"));
}

TEST_F(SessionLogTest, RawIsEveryByteAndAnsiHasColors) {
  Begin(log_, "raw");
  Write("\033[31mone\r\n\007tw");
  EXPECT_TRUE(Read("\033[31mone\r\n\007tw"));
  log_.OnResize({10, 10});
  Pipe next;
  pipe_ = std::move(next);
  text_.clear();
  (void)ring_.Begin({.pid = 2});
  Begin(log_, "ansi");
  Write("\033[31mone\r\n");
  EXPECT_TRUE(Read(MatchesRegex("\033\\[[0-9;]*31mone\033\\[0?m\n")));
}

TEST_F(SessionLogTest, EachLineHasAStampIfWanted) {
  SessionLog stamped(
      *loop_, ring_, [] {}, SessionLog::Stamps::kLocalTime);
  Begin(stamped, "text");
  Write("one\r\ntwo\r\nthree", stamped);
  stamped.End("the end\n");
  EXPECT_TRUE(
      Read(MatchesRegex(absl::StrCat(kStamp, "one\n", kStamp, "two\n", kStamp,
                                     "three\n", kStamp, "the end\n"))));
}

// Nothing is lost without a word.
TEST_F(SessionLogTest, AReaderThatStopsLosesCountedLines) {
  Begin(log_, "text");
  constexpr int kLines = 40000;
  for (int i = 0; i < kLines; ++i) Write(absl::StrCat("line ", i, "\r\n"));
  const uint64_t lost = log_.lost();
  EXPECT_GT(lost, 0U);
  const std::string told =
      absl::StrCat("deptyr: ", lost, " lines lost: the log took no more\n");
  EXPECT_TRUE(Read(EndsWith(told)));
  // The lines before are the first ones, all of them.
  const std::vector<std::string> lines = absl::StrSplit(text_, '\n');
  ASSERT_EQ(lines.size(), kLines - lost + 2);
  for (size_t i = 0; i < kLines - lost; ++i) {
    ASSERT_EQ(lines[i], absl::StrCat("line ", i));
  }
  // Some 256 KiB wait, besides what a pipe has.
  EXPECT_GE(text_.size(), SessionLog::kMostWaiting - (8 << 10));
  EXPECT_LE(text_.size(), SessionLog::kMostWaiting + (70 << 10));
  Write("it reads again\r\n");
  EXPECT_TRUE(Read(EndsWith(absl::StrCat(told, "it reads again\n"))));
  EXPECT_EQ(log_.lost(), lost);
  EXPECT_TRUE(log_.open());
}

TEST_F(SessionLogTest, OneLineIsOneLine) {
  Begin(log_, "text");
  pipe_.read_end.Reset();
  Write("gone\r\n");
  EXPECT_EQ(log_.lost(), 1U);
  EXPECT_TRUE(log_.open());
  Pipe next;
  pipe_ = std::move(next);
  Begin(log_, "text");
  EXPECT_TRUE(
      Read(testing::HasSubstr("deptyr: 1 line lost: the log took no more\n")));
}

TEST_F(SessionLogTest, AfterItsEndItIsOpenUntilItHasTakenAll) {
  Begin(log_, "text");
  for (int i = 0; i < 20000; ++i) Write("a line\r\n");
  log_.End("the end\n");
  EXPECT_TRUE(log_.open());
  // Nothing is added any more.
  log_.Mark("a mark\n");
  log_.End("another end\n");
  Write("more\r\n");
  EXPECT_TRUE(Read(EndsWith("a line\nthe end\n")));
  EXPECT_FALSE(log_.open());
  EXPECT_EQ(changes_, 2);
}

TEST_F(SessionLogTest, LinesThatWaitGoToTheNextProgramsLog) {
  Begin(log_, "text");
  for (int i = 0; i < 20000; ++i) Write("a line\r\n");
  log_.End("the end\n");
  Pipe next;
  pipe_ = std::move(next);
  (void)ring_.Begin({.pid = 2});
  Begin(log_, "text");
  Write("next\r\n");
  EXPECT_TRUE(Read(EndsWith("a line\nthe end\nnext\n")));
  EXPECT_TRUE(log_.open());
}

// Last words find room beyond what others have, but not without end.
TEST_F(SessionLogTest, ProgramsThatEndInARowAddALimitedNumberOfLines) {
  for (uint32_t pid = 2; pid < 14; ++pid) {
    (void)ring_.Begin({.pid = static_cast<int32_t>(pid)});
    ASSERT_THAT(
        log_.Begin(Value(LogSink::Take(Duplicate(pipe_.write_end.get()))),
                   "text", kSize),
        IsOk());
    log_.End(absl::StrCat(std::string(100 << 10, 'x'), "\n"));
  }
  EXPECT_GT(log_.lost(), 0U);
  EXPECT_TRUE(Read(
      testing::Truly([this](const std::string&) { return !log_.open(); })));
  EXPECT_GT(text_.size(), SessionLog::kMostWaiting);
  EXPECT_LE(text_.size(), 2 * SessionLog::kMostWaiting + (80 << 10));
}

TEST_F(SessionLogTest, AFileThatIsFullIsTriedAgainUntilAnotherTakesItsPlace) {
  const TempDir folder;
  ASSERT_THAT(log_.Begin(LogSink::ForFile(Fd(::open("/dev/full", O_WRONLY))),
                         "text", kSize),
              IsOk());
  Write("one\r\n");
  Write("two\r\n");
  EXPECT_TRUE(log_.open());
  EXPECT_EQ(log_.lost(), 0U);
  const std::string path = folder / "log";
  log_.Replace(LogSink::ForFile(Value(CreateFile(path, Existing::kKept))));
  EXPECT_EQ(ReadSmallFile(path), "one\ntwo\n");
  log_.End("");
  EXPECT_FALSE(log_.open());
}

class FileLogTest : public SessionLogTest {
 protected:
  FileLogTest() { EXPECT_THAT(folder_.Open(dir_.path()), IsOk()); }
  std::string Text() const {
    return ReadSmallFile(dir_ / "a.log").value_or("none");
  }

  const TempDir dir_;
  LogFolder folder_;
  const CurrentProgram program_{*loop_, ring_, [] {}};
  FileLog file_{
      *loop_, ring_, program_, {&folder_, false}, "a", [this] { ++changes_; }};
};

TEST_F(FileLogTest, HasLinesAndWhatHappens) {
  ring_.state().rows = 30;
  ring_.state().cols = 90;
  file_.OnChange({Change::kResized});
  EXPECT_EQ(Text(), "none");
  file_.Begin(kSize);
  file_.OnChange({Change::kResized});
  file_.OnChange({Change::kWriter});
  Write("one\r\n", file_);
  EXPECT_TRUE(file_.open());
  EXPECT_EQ(std::filesystem::status(dir_ / "a.log").permissions(),
            std::filesystem::perms{0640});
  EXPECT_EQ(Text(), "deptyr: the size is 30x90\none\n");
  file_.End("the end\n");
  EXPECT_EQ(Text(), "deptyr: the size is 30x90\none\nthe end\n");
  EXPECT_FALSE(file_.open());
  (void)ring_.Begin({.pid = 2});
  file_.Begin(kSize);
  Write("two\r\n", file_);
  EXPECT_THAT(Text(), EndsWith("the end\ntwo\n"));
}

TEST_F(FileLogTest, ReopenedItIsMadeAnew) {
  file_.Reopen();
  EXPECT_EQ(Text(), "none");
  file_.Begin(kSize);
  Write("one\r\n", file_);
  ASSERT_EQ(::rename((dir_ / "a.log").c_str(), (dir_ / "old").c_str()), 0);
  file_.Reopen();
  Write("two\r\n", file_);
  EXPECT_EQ(Text(), "two\n");
  EXPECT_EQ(ReadSmallFile(dir_ / "old"), "one\n");
}

TEST_F(FileLogTest, IsGoneOnWithByTheSpool) {
  file_.Begin(kSize);
  Write("one\r\ntw", file_);
  Fd spool = Duplicate(file_.spool());
  FileLog next(*loop_, ring_, program_, {&folder_, false}, "a", [] {});
  next.Resume(Fd(), kSize);
  EXPECT_FALSE(next.open());
  next.Resume(std::move(spool), kSize);
  EXPECT_TRUE(next.open());
  Write("o\r\n", next);
  EXPECT_EQ(Text(), "one\ntwo\n");
}

TEST_F(FileLogTest, WithoutAFolderThereIsNone) {
  const LogFolder closed;
  for (const LogFolder* folder :
       {static_cast<const LogFolder*>(nullptr), &closed}) {
    FileLog none(*loop_, ring_, program_, {folder, false}, "a", [] {});
    none.Begin(kSize);
    none.OnChange({Change::kResized});
    none.Reopen();
    none.Resume(Duplicate(0), kSize);
    EXPECT_FALSE(none.open());
  }
  EXPECT_EQ(Text(), "none");
}

}  // namespace
}  // namespace deptyr
