// A terminal's replies of its size are taken out of what is typed.
#include "lib/term/size_replies.h"

#include <string>

#include <gtest/gtest.h>

namespace deptyr {
namespace {

constexpr char kReply[] = "\x1b]2811;columns=120;lines=40\x1b\\";
constexpr WindowSize kTold = {.rows = 40, .cols = 120};

TEST(SizeRepliesTest, ASubscriptionSaysWhatIsKnown) {
  EXPECT_EQ(SizeSubscription({24, 80}),
            "\x1b]2811;?;columns=80;lines=24\x1b\\");
}

TEST(SizeRepliesTest, AReplyIsTakenOutWhereverItIs) {
  SizeReplies replies;
  EXPECT_EQ(replies.Feed(std::string("ab") + kReply + "cd"), "abcd");
  EXPECT_EQ(replies.Take(), kTold);
  EXPECT_EQ(replies.Take(), std::nullopt);
}

// A single ESC may be a key, and isn't held back.
TEST(SizeRepliesTest, ItMayComeInPieces) {
  const std::string reply = kReply;
  for (size_t cut = 0; cut <= reply.size(); ++cut) {
    SizeReplies replies;
    std::string typed = replies.Feed(reply.substr(0, cut));
    typed += replies.Feed(reply.substr(cut) + "x");
    EXPECT_EQ(typed, cut == 1 ? "\x1bx" : "x") << cut;
    EXPECT_EQ(replies.Take(), kTold) << cut;
    EXPECT_EQ(replies.held(), "");
  }
}

TEST(SizeRepliesTest, FieldsMayComeInAnyOrderAndBeUnknown) {
  for (const char* const reply :
       {"\x1b]2811;lines=40;columns=120\x1b\\",
        "\x1b]2811;xpixels=7;lines=40;columns=120\a"}) {
    SizeReplies replies;
    EXPECT_EQ(replies.Feed(reply), "");
    EXPECT_EQ(replies.Take(), kTold) << reply;
  }
}

TEST(SizeRepliesTest, AReplyWithoutASizeIsDroppedAndTellsNothing) {
  for (const char* const reply :
       {"\x1b]2811;?;columns=80;lines=24\x1b\\", "\x1b]2811;?\x1b\\",
        "\x1b]2811;columns=80\x1b\\", "\x1b]2811;columns=0;lines=24\x1b\\",
        "\x1b]2811;columns=80;lines=65536\x1b\\",
        "\x1b]2811;columns=80;lines=24;lines=24\x1b\\", "\x1b]2811;\a"}) {
    SizeReplies replies;
    EXPECT_EQ(replies.Feed(reply), "") << reply;
    EXPECT_EQ(replies.Take(), std::nullopt) << reply;
  }
}

TEST(SizeRepliesTest, AnythingElseWasTyped) {
  for (const std::string typed :
       {"text", "\x1b", "\x1b[A", "\x1b]10;rgb:ff/ff/ff\x1b\\", "\x1b\x1b]x",
        "\x1b]2812;columns=80;lines=24\x1b\\"}) {
    SizeReplies replies;
    EXPECT_EQ(replies.Feed(typed) + replies.Flush(), typed);
    const std::string first = replies.Feed(typed.substr(0, 1));
    EXPECT_EQ(first + replies.Feed(typed.substr(1)) + replies.Flush(), typed);
  }
  const std::string endless =
      std::string("\x1b]2811;") + std::string(1000, '1');
  SizeReplies replies;
  EXPECT_EQ(replies.Feed(endless) + replies.Flush(), endless);
}

}  // namespace
}  // namespace deptyr
