// The pages on head's own terminal.
#include "lib/clients/terminal_page.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/terminal.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ListTest : public testing::Test {
 protected:
  void Add(int count) {
    for (int i = 1; i <= count; ++i) {
      owned_.push_back(
          std::make_unique<Session>(*loop_, absl::StrCat("session-", i),
                                    ::getuid(), Value(Ring::Create(4096)),
                                    SessionOptions{}, [](Session&, Change) {}));
      sessions_.push_back(owned_.back().get());
    }
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  std::vector<std::unique_ptr<Session>> owned_;
  std::vector<Session*> sessions_;
};

TEST_F(ListTest, MarksTheOneThatIsShownAndNumbersTen) {
  Add(11);
  const std::string text = ListText(sessions_, sessions_[1], 24);
  EXPECT_THAT(text, HasSubstr("\n 1  session-1  "));
  EXPECT_THAT(text, HasSubstr("\n*2  session-2  "));
  EXPECT_THAT(text, HasSubstr("\n 0  session-10  "));
  EXPECT_THAT(text, HasSubstr("\n    session-11  "));
}

TEST_F(ListTest, SaysHowManyDoNotFit) {
  Add(11);
  const std::string text = ListText(sessions_, nullptr, 10);
  EXPECT_THAT(text, HasSubstr("session-6"));
  EXPECT_THAT(text, Not(HasSubstr("session-7")));
  EXPECT_THAT(text, EndsWith("... 5 more\n"));
}

TEST_F(ListTest, SaysThatThereIsNone) {
  EXPECT_THAT(ListText({}, nullptr, 24), EndsWith("(none yet)\n"));
}

TEST_F(ListTest, ADigitChoosesAndOtherKeysDoNot) {
  Add(11);
  EXPECT_EQ(ChooseFrom(sessions_, '1'), sessions_[0]);
  EXPECT_EQ(ChooseFrom(sessions_, '0'), sessions_[9]);
  EXPECT_EQ(ChooseFrom(sessions_, 'x'), nullptr);
  sessions_.resize(3);
  EXPECT_EQ(ChooseFrom(sessions_, '3'), sessions_[2]);
  EXPECT_EQ(ChooseFrom(sessions_, '4'), nullptr);
}

TEST(TerminalPageTest, IsWrittenAsThereIsRoom) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const Fd reads(ends[0]);
  const Fd writes(ends[1]);
  ASSERT_GE(::fcntl(writes.get(), F_SETPIPE_SZ, 4096), 4096);
  TerminalPage page;
  Undo undo;
  undo.Note("\x1b[?25l");
  page.Open(TerminalPage::kNote, absl::StrCat(undo.Sequences(80), kClearScreen),
            std::string(10'000, 'x') + "\nend\n");
  std::string read;
  while (!page.written()) {
    ASSERT_NE(page.Write(writes.get(), undo), IoState::kError);
    std::array<char, 4096> room{};
    const ssize_t got = ::read(reads.get(), room.data(), room.size());
    ASSERT_GT(got, 0);
    read.append(room.data(), static_cast<size_t>(got));
  }
  for (std::array<char, 4096> room{};;) {
    const ssize_t got = ::read(reads.get(), room.data(), room.size());
    if (got <= 0) break;
    read.append(room.data(), static_cast<size_t>(got));
  }
  EXPECT_THAT(read, StartsWith(absl::StrCat("\x1b[?25h", kClearScreen)));
  EXPECT_THAT(read, EndsWith("x\r\nend\r\n"));
  EXPECT_EQ(undo.Sequences(80), "") << "it has noted what was written";
}

TEST(TerminalPageTest, OnlyPagesTakeKeys) {
  TerminalPage page;
  EXPECT_FALSE(page.takes_keys());
  page.Open(TerminalPage::kWaits, "", WaitsText("/head.sock", false, {}));
  EXPECT_FALSE(page.takes_keys());
  page.Open(TerminalPage::kHelp, "", HelpText('\x1c'));
  EXPECT_TRUE(page.takes_keys());
  page.Close();
  EXPECT_FALSE(page.takes_keys());
  EXPECT_TRUE(page.written());
}

TEST(TerminalPageTest, QuittingNamesThoseWhoLoseTheirTerminal) {
  EXPECT_THAT(QuitText(""), HasSubstr("No program runs."));
  EXPECT_THAT(QuitText("a (pid 1)"), HasSubstr("(SIGHUP): a (pid 1)"));
}

}  // namespace
}  // namespace deptyr
