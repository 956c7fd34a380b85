// A client's place in the ring: what it counts, and when it is waited for.
#include "lib/session/output_cursor.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "tests/support/socket_pair.h"

namespace deptyr {
namespace {

TEST(OutputCursorTest, WhatIsSkippedIsMissed) {
  OutputCursor cursor(-1);
  cursor.BeginAt(10);
  cursor.Advance(5);
  cursor.SkipTo(100);
  EXPECT_EQ(cursor.offset(), 100u);
  EXPECT_EQ(cursor.missed(), 85u);
}

TEST(OutputCursorTest, BeforeItsPictureItHasNoPlace) {
  OutputCursor cursor(-1);
  cursor.BeginWithPicture(10);
  EXPECT_FALSE(cursor.begun());
  EXPECT_TRUE(cursor.lost());
  cursor.BeginAt(12);
  EXPECT_TRUE(cursor.begun());
  EXPECT_FALSE(cursor.lost());
  EXPECT_EQ(cursor.missed(), 0u);
}

TEST(OutputCursorTest, OnceItHasCaughtUpItIsWaitedForAgain) {
  OutputCursor cursor(-1);
  cursor.PassOver();
  cursor.OnPumped(Pumped::kBlocked, /*always=*/false);
  EXPECT_TRUE(cursor.blocked());
  EXPECT_FALSE(cursor.waited_for());
  cursor.OnPumped(Pumped::kAll, /*always=*/false);
  EXPECT_FALSE(cursor.blocked());
  EXPECT_TRUE(cursor.waited_for());
}

TEST(OutputCursorTest, WhoWaitsForAPictureIsWaitedForOnceItHasItsPlace) {
  OutputCursor cursor(-1);
  cursor.BeginWithPicture(0);
  cursor.OnPumped(Pumped::kWaits, /*always=*/true);
  EXPECT_FALSE(cursor.waited_for());
  cursor.BeginAt(0);
  cursor.OnPumped(Pumped::kBlocked, /*always=*/true);
  EXPECT_TRUE(cursor.waited_for());
}

TEST(OutputCursorTest, WhoLeavesIsNeverWaitedForAgain) {
  OutputCursor cursor(-1);
  cursor.Leave();
  cursor.OnPumped(Pumped::kAll, /*always=*/true);
  EXPECT_FALSE(cursor.waited_for());
}

// The bytes that its socket takes say nothing about the client behind it.
TEST(OutputCursorTest, OnlyWhatTheClientTookCounts) {
  const SocketPair pair;
  OutputCursor cursor(pair.ours.get());
  const std::string before(1000, 'x');
  ASSERT_EQ(WriteSome(cursor.fd(), before).bytes, before.size());
  cursor.StartWindow();
  cursor.NoteTaken(WriteSome(cursor.fd(), before).bytes);
  EXPECT_EQ(cursor.TakenInWindow(), 0u);
  std::array<char, 2000> room{};
  ASSERT_EQ(ReadSome(pair.theirs.get(), room).bytes, room.size());
  EXPECT_GE(cursor.TakenInWindow(), room.size());
}

TEST(DrawnCursorTest, NobodyWaitsForAClientThatIsShownDrawings) {
  OutputCursor cursor(-1);
  cursor.OnAttached();
  EXPECT_TRUE(cursor.waited_for());
  cursor.SetDrawn(true);
  EXPECT_FALSE(cursor.waited_for());
  cursor.OnPumped(Pumped::kAll, /*always=*/false);
  EXPECT_FALSE(cursor.waited_for());
  cursor.SetDrawn(false);
  cursor.OnPumped(Pumped::kAll, /*always=*/false);
  EXPECT_TRUE(cursor.waited_for());
}

}  // namespace
}  // namespace deptyr
