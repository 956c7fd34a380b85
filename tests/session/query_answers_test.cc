// Head answers in place of a terminal: once, in order, with the cursor where it
// was, and no more than is read.
#include "lib/session/query_answers.h"

#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/session/live_screen.h"
#include "tests/support/fake_client.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

constexpr size_t kRing = 64 << 10;
constexpr WindowSize kSize{24, 80};
constexpr WindowSize kLarge{135, 480};

// Each fills all cells: more than the model does at once.
std::string Acts(int count) {
  std::string acts;
  for (int i = 0; i < count; ++i) acts += "\033#8";
  return acts;
}

class QueryAnswersTest : public testing::Test {
 protected:
  QueryAnswersTest() { screen_.OnStart(kSize); }

  // As head reads: a part at a time.
  void Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const std::span<char> room = ring_.Space(4096);
      const size_t count = bytes.copy(room.data(), room.size());
      ring_.Commit(count);
      screen_.OnOutput();
      bytes.remove_prefix(count);
    }
  }
  std::string Typed() const { return std::string(input_.bytes()); }
  bool UntilTyped(const std::string& bytes) {
    return RunUntil(*loop_, [&] { return Typed() == bytes; });
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Ring ring_ = Value(Ring::Create(kRing));
  Audience audience_{*loop_, ring_, WhenBehind::kSkip, [] {}};
  InputQueue input_{*loop_, [] {}};
  QueryAnswers answers_{audience_, input_, [this](absl::string_view answer) {
                          input_.TakeFromHead(answer);
                        }};
  LiveScreen screen_{*loop_, ring_, &answers_};
  FakeClient client_{1};
};

TEST_F(QueryAnswersTest, TheCursorIsWhereItWasWhenTheProgramAsked) {
  Write("\033[999;999H\033[6n\033[H\033[?6nabc\033[6n");
  EXPECT_EQ(Typed(), "\033[24;80R\033[?1;1R\033[1;4R");
  EXPECT_EQ(audience_.answered(), ring_.end());
}

TEST_F(QueryAnswersTest, ACursorThatWaitsToWrapIsInTheLastColumn) {
  Write(absl::StrCat("\033[5;1H", std::string(80, 'x'), "\033[6n"));
  EXPECT_EQ(Typed(), "\033[5;80R");
}

TEST_F(QueryAnswersTest, InOriginModeItIsCountedFromTheRegion) {
  Write("\033[5;20r\033[?6h\033[2;3H\033[6n\033[?6l\033[6;3H\033[6n");
  EXPECT_EQ(Typed(), "\033[2;3R\033[6;3R");
}

TEST_F(QueryAnswersTest, AnswersComeInTheOrderOfTheQueries) {
  Write("\033[5n\033[6n\033[?2004h\033[?2004$p\033[6n\033[18t\033[c");
  EXPECT_EQ(Typed(),
            "\033[0n\033[1;1R\033[?2004;1$y\033[1;1R\033[8;24;80t\033[?62;22c");
}

TEST_F(QueryAnswersTest, AQueryInPiecesIsAnsweredAtItsEnd) {
  for (const char c : std::string("\033[3;4H\033[6")) {
    Write(absl::string_view(&c, 1));
    EXPECT_EQ(Typed(), "");
  }
  Write("n");
  EXPECT_EQ(Typed(), "\033[3;4R");
}

TEST_F(QueryAnswersTest, TheSizeIsTheTerminalsNotTheModels) {
  screen_.OnResize({2000, 2000});
  Write("\033[18t");
  EXPECT_EQ(Typed(), "\033[8;2000;2000t");
}

TEST_F(QueryAnswersTest, AParkedScreenKnowsTheCursor) {
  Write("\033[2J\033[7;9H");
  (void)screen_.Take(kSize);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return screen_.parked(); }));
  Write("\033[6n");
  EXPECT_EQ(Typed(), "\033[7;9R");
}

TEST_F(QueryAnswersTest, ATerminalAnswersItself) {
  audience_.Add(client_);
  client_.SetSize(kSize);
  Write("\033[c\033[6n");
  EXPECT_EQ(Typed(), "");
  audience_.Remove(client_);
  Write("\033[5n");
  EXPECT_EQ(Typed(), "\033[0n") << "what was asked before is answered";
}

// --- mode 2048

TEST_F(QueryAnswersTest, OtherPixelsAreToldAndChangeNothingElse) {
  Write("abc\033[?2048h");
  input_.Clear();
  const LiveScreen::Picture before = screen_.Take(kSize);
  const WindowSize pixels = {kSize.rows, kSize.cols, 800, 600};
  screen_.OnResize(pixels);
  EXPECT_EQ(Typed(), "\033[48;24;80;600;800t");
  input_.Clear();
  EXPECT_EQ(screen_.Take(pixels).paint, before.paint);
  EXPECT_TRUE(screen_.exact());
  Write("\033[14t");
  EXPECT_EQ(Typed(), "\033[4;600;800t");
}

TEST_F(QueryAnswersTest, TheSizeIsToldWhileTheProgramWantsThat) {
  audience_.Add(client_);
  client_.SetSize(kSize);
  screen_.OnResize({30, 90});
  EXPECT_EQ(Typed(), "");
  Write("\033[?2048h");
  EXPECT_EQ(Typed(), "\033[48;30;90;0;0t") << "whether or not anybody watches";
  input_.Clear();
  audience_.Remove(client_);
  screen_.OnResize({40, 100});
  EXPECT_EQ(Typed(), "\033[48;40;100;0;0t");
  input_.Clear();
  Write("\033[?2048l");
  screen_.OnResize(kSize);
  EXPECT_EQ(Typed(), "");
}

TEST_F(QueryAnswersTest, TheLastSizeIsToldLast) {
  screen_.OnStart(kLarge);
  Write(absl::StrCat(Acts(100), "\033[6n\033[?2048h"));
  screen_.OnResize(kSize);
  EXPECT_TRUE(RunUntil(*loop_, [&] { return !answers_.waits(); }));
  EXPECT_THAT(Typed(), testing::EndsWith("\033[48;24;80;0;0t"));
}

// --- late

TEST_F(QueryAnswersTest, AModelThatIsBehindAnswersWhenItGetsThere) {
  screen_.OnStart(kLarge);
  Write(absl::StrCat("\033[5n", Acts(100), "\033[7;9H\033[6n\033[H\033[c"));
  EXPECT_EQ(Typed(), "\033[0n") << "the others wait for the cursor";
  EXPECT_TRUE(UntilTyped("\033[0n\033[7;9R\033[?62;22c"));
}

// Though a client that comes meanwhile is sent the stream with the query.
TEST_F(QueryAnswersTest, WhoComesMeanwhileDoesNotChangeWhoAnswers) {
  screen_.OnStart(kLarge);
  Write(absl::StrCat(Acts(100), "\033[7;9H\033[6n"));
  EXPECT_EQ(Typed(), "");
  EXPECT_EQ(audience_.answered(), ring_.end());
  audience_.Add(client_);
  client_.SetSize(kSize);
  Write("\033[c");
  EXPECT_TRUE(UntilTyped("\033[7;9R"));
  EXPECT_TRUE(RunUntil(*loop_, [&] { return IsQuiet(*loop_); }));
  EXPECT_EQ(Typed(), "\033[7;9R");
}

TEST_F(QueryAnswersTest, BeforeAnUpgradeWhatIsOwedIsAnswered) {
  screen_.OnStart(kLarge);
  Write(absl::StrCat(Acts(5), "\033[7;9H\033[6n"));
  EXPECT_EQ(Typed(), "");
  (void)screen_.Park();
  EXPECT_EQ(Typed(), "\033[7;9R");
}

TEST_F(QueryAnswersTest, BeforeAnUpgradeAModelThatIsFarBehindAnswers) {
  screen_.OnStart(kLarge);
  Write(absl::StrCat(Acts(100), "\033[6n\033[5n"));
  EXPECT_EQ(Typed(), "");
  (void)screen_.Park();
  EXPECT_EQ(Typed(), "\033[1;1R\033[0n");
}

TEST_F(QueryAnswersTest, BeforeAnUpgradeAFloodIsAnswered) {
  Write(std::string(3 * kRing, 'x') + "\033[6n");
  Write(std::string(3 * kRing, 'x'));
  EXPECT_EQ(Typed(), "");
  (void)screen_.Park();
  EXPECT_THAT(Typed(), testing::MatchesRegex("\033\\[[0-9]+;[0-9]+R"));
}

TEST_F(QueryAnswersTest, TheNextProgramIsNotToldOfTheCursor) {
  screen_.OnStart(kLarge);
  Write(absl::StrCat(Acts(100), "\033[6n"));
  screen_.OnStart(kSize);
  EXPECT_FALSE(answers_.waits());
  Write("\033[5;5H\033[6n");
  EXPECT_EQ(Typed(), "\033[5;5R");
}

// The others don't wait for the end of the flood.
TEST_F(QueryAnswersTest, InAFloodOnlyTheCursorIsWaitedFor) {
  Write(std::string(3 * kRing, 'x') + "\033[6n\033[5n");
  EXPECT_TRUE(RunUntil(*loop_, [&] {
    Write(std::string(kRing, 'x'));
    return !Typed().empty();
  }));
  EXPECT_EQ(Typed(), "\033[0n");
  EXPECT_TRUE(RunUntil(*loop_, [&] { return !answers_.waits(); }));
  EXPECT_THAT(Typed(), testing::EndsWith("R"));
}

TEST_F(QueryAnswersTest, AFloodThatEndsInQueriesIsAnsweredWhenItPauses) {
  Write(std::string(3 * kRing, 'x') + "\033[9;9H\033[6n\033[c");
  EXPECT_TRUE(UntilTyped("\033[9;9R\033[?62;22c"));
}

// --- bounded

TEST_F(QueryAnswersTest, WhoAsksAndDoesNotReadGetsALimitedNumber) {
  std::string queries;
  for (int i = 0; i < 1000; ++i) queries += "\033[6n\033[>q\033[5n";
  for (int i = 0; i < 100; ++i) Write(queries);
  EXPECT_LE(input_.bytes().size(), kInputRoom + kHeadRoom + 1024);
  const uint64_t work = screen_.work();
  Write(queries);
  EXPECT_FALSE(answers_.waits());
  EXPECT_EQ(screen_.work(), work) << "nor does the model work for it";
}

TEST_F(QueryAnswersTest, SoManyWaitForTheCursor) {
  screen_.OnStart(kLarge);
  Write(Acts(100));
  std::string queries;
  for (int i = 0; i < 1000; ++i) queries += "\033[6n\033[>q\033[5n";
  Write(queries);
  EXPECT_TRUE(answers_.waits());
  EXPECT_TRUE(RunUntil(*loop_, [&] { return !answers_.waits(); }));
  EXPECT_LE(input_.bytes().size(), 4096u);
}

}  // namespace
}  // namespace deptyr
