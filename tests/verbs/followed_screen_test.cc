#include "lib/verbs/followed_screen.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/render/render.h"

namespace deptyr {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class FollowedScreenTest : public testing::Test {
 protected:
  FollowedScreenTest() { AttachTo(4, 20); }
  void AttachTo(uint16_t rows, uint16_t cols) {
    Attached attached;
    attached.rows = rows;
    attached.cols = cols;
    screen_.OnAttached(attached);
  }
  // Returns the screen after each change.
  std::vector<std::string> Take(const HeadMessage& message) {
    std::vector<std::string> seen;
    screen_.Take(message, [&] { seen.push_back(Text(screen_.screen())); });
    return seen;
  }
  FollowedScreen screen_;
};

TEST_F(FollowedScreenTest, ItIsWhatWasPaintedAndWhatCameSince) {
  EXPECT_THAT(Take(Paint{{"\x1b[2;1Hpainted"}}), ElementsAre("\npainted\n"));
  EXPECT_THAT(Take(Output{{"\x1b[1;1Hnew"}}), ElementsAre("new\npainted\n"));
  EXPECT_THAT(Take(Done{}), ElementsAre());
}

TEST_F(FollowedScreenTest, WhatIsErasedAtOnceWasSeen) {
  for (const char* erasure :
       {"\x1b[2J", "\x1b[H\x1b[J", "\x1b[?1049l", "\x1b[?1047h",
        "\x1b"
        "c"}) {
    Take(
        Output{{"\x1b"
                "c"}});
    EXPECT_THAT(Take(Output{{absl::StrCat("short", erasure, "other")}}),
                Contains("short\n"))
        << erasure + 1;
  }
}

TEST_F(FollowedScreenTest, LinesThatScrollAwayAtOnceWereSeen) {
  std::string flood;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&flood, "line", i, ".\r\n");
  const std::vector<std::string> seen = Take(Output{{flood}});
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(seen, Contains(HasSubstr(absl::StrCat("line", i, "."))));
  }
}

TEST_F(FollowedScreenTest, AProgramThatStartsHasACleanScreenOfItsSize) {
  Take(Output{{"old"}});
  EXPECT_THAT(
      Take(Notice{{{"event", "started"}, {"rows", "6"}, {"cols", "9"}}}),
      ElementsAre(""));
  EXPECT_EQ(screen_.screen().size(), (WindowSize{6, 9}));
  Take(Output{{"123456789x"}});
  EXPECT_THAT(
      Take(Notice{{{"event", "resized"}, {"rows", "6"}, {"cols", "20"}}}),
      ElementsAre("123456789x\n"));
}

// Such sizes come from no terminal.
TEST_F(FollowedScreenTest, ASizeThatAHeadMadeUpCostsLittle) {
  AttachTo(0, 65535);
  EXPECT_EQ(screen_.screen().size(), (WindowSize{1, 1000}));
  EXPECT_THAT(Take(Output{{"ab"}}), ElementsAre("ab\n"));
}

}  // namespace
}  // namespace deptyr
