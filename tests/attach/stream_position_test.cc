// A client knows its place in the stream.
#include "lib/attach/stream_position.h"

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

namespace deptyr {
namespace {

class StreamPositionTest : public testing::Test {
 protected:
  StreamPositionTest() { Enter(7, 0, false); }
  void Enter(uint64_t stream, uint64_t number, bool running) {
    Attached attached;
    attached.stream = stream;
    attached.offset = 100;
    attached.number = number;
    attached.running = running;
    EXPECT_TRUE(place_.Follow(attached));
  }
  bool Hear(const std::string& event, uint64_t number) {
    return place_.Follow(
        Notice{{{"event", event}, {"number", absl::StrCat(number)}}});
  }
  StreamPosition place_;
};

TEST_F(StreamPositionTest, OutputMovesItPaintsDoNot) {
  (void)place_.Follow(Output{"12345"});
  (void)place_.Follow(Paint{"\033[2J"});
  EXPECT_EQ(place_.offset(), 105U);
  (void)place_.Follow(
      Notice{{{"event", "missed"}, {"bytes", "10"}, {"offset", "115"}}});
  (void)place_.Follow(Output{"6"});
  const Attach wish = place_.Return({.session = "a"});
  EXPECT_EQ(wish, (Attach{.session = "a", .stream = 7, .offset = 116}));
}

TEST_F(StreamPositionTest, WhatWasHeardBeforeIsNoNews) {
  EXPECT_TRUE(Hear("started", 1));
  EXPECT_TRUE(Hear("ended", 1));
  EXPECT_TRUE(Hear("started", 2));
  (void)place_.Return({});
  Enter(7, 3, false);
  EXPECT_FALSE(Hear("started", 1));
  EXPECT_FALSE(Hear("ended", 1));
  EXPECT_FALSE(Hear("started", 2));
  EXPECT_TRUE(place_.running());
  EXPECT_TRUE(Hear("ended", 2));
  EXPECT_FALSE(Hear("ended", 2));
  EXPECT_TRUE(Hear("started", 3));
  EXPECT_TRUE(Hear("resized", 0));
}

// Programs that ended before a client came aren't its.
TEST_F(StreamPositionTest, WhoComesToAnEndedProgramHasHeardOfItsEnd) {
  Enter(7, 4, false);
  (void)place_.Return({});
  Enter(7, 4, false);
  EXPECT_FALSE(Hear("started", 4));
  EXPECT_FALSE(Hear("ended", 4));
  EXPECT_TRUE(Hear("started", 5));
}

// A ring that has lost its end: what follows was written since.
TEST_F(StreamPositionTest, WhoIsSentBackInTheStreamIsToldAllAnew) {
  (void)place_.Follow(Output{"12345"});
  EXPECT_TRUE(Hear("started", 9));
  (void)place_.Return({});
  Enter(7, 1, true);
  EXPECT_EQ(place_.offset(), 100U);
  EXPECT_TRUE(Hear("ended", 1));
}

TEST_F(StreamPositionTest, InAnotherStreamAllIsNew) {
  (void)Hear("started", 9);
  (void)place_.Return({});
  Enter(8, 1, true);
  EXPECT_EQ(place_.stream(), 8U);
  EXPECT_TRUE(Hear("ended", 1));
}

}  // namespace
}  // namespace deptyr
