#include "lib/verbs/cast.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deptyr {
namespace {

TEST(CastTest, TheHeaderTellsSizeTimeAndTitle) {
  EXPECT_EQ(CastWriter(CastVersion::k2)
                .Header({.rows = 24, .cols = 80},
                        absl::FromUnixSeconds(1700000000), "a \"b\""),
            "{\"version\":2,\"width\":80,\"height\":24,"
            "\"timestamp\":1700000000,\"title\":\"a \\\"b\\\"\"}\n");
}

TEST(CastTest, EventsHaveATimeAKindAndAText) {
  CastWriter cast(CastVersion::k2);
  EXPECT_EQ(cast.Output(absl::Milliseconds(1500), "\x1b[mx\r\n"),
            "[1.5,\"o\",\"\\u001b[mx\\r\\n\"]\n");
  EXPECT_EQ(cast.Resized(absl::Seconds(2), {.rows = 30, .cols = 100}),
            "[2.0,\"r\",\"100x30\"]\n");
  EXPECT_EQ(cast.Mark(absl::Seconds(3), "ended"), "[3.0,\"m\",\"ended\"]\n");
}

TEST(CastTest, Version3HasRelativeTimesAndAnExit) {
  CastWriter cast(CastVersion::k3);
  EXPECT_EQ(cast.Header({.rows = 24, .cols = 80},
                        absl::FromUnixSeconds(1700000000), "a"),
            "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24},"
            "\"timestamp\":1700000000,\"title\":\"a\"}\n");
  EXPECT_EQ(cast.Output(absl::Milliseconds(1500), "a"), "[1.5,\"o\",\"a\"]\n");
  EXPECT_EQ(cast.Resized(absl::Seconds(2), {.rows = 30, .cols = 100}),
            "[0.5,\"r\",\"100x30\"]\n");
  EXPECT_EQ(cast.Exit(absl::Seconds(2), 137), "[0.0,\"x\",\"137\"]\n");
  EXPECT_EQ(CastWriter(CastVersion::k2).Exit(absl::Seconds(2), 137), "");
}

TEST(CastTest, RelativeTimesAddUp) {
  CastWriter cast(CastVersion::k3);
  std::string events;
  for (int i = 1; i <= 3; ++i) {
    events += cast.Output(i * absl::Nanoseconds(1700), "a");
  }
  EXPECT_EQ(events,
            "[1e-06,\"o\",\"a\"]\n[2e-06,\"o\",\"a\"]\n"
            "[2e-06,\"o\",\"a\"]\n");
}

TEST(CastTest, ACharacterIsNotCut) {
  CastWriter cast(CastVersion::k2);
  EXPECT_EQ(cast.Output(absl::ZeroDuration(), "a\xe6\xbc"),
            "[0.0,\"o\",\"a\"]\n");
  EXPECT_EQ(cast.Output(absl::Seconds(1), "\xa2"),
            "[1.0,\"o\",\"\xe6\xbc\xa2\"]\n");
  EXPECT_EQ(cast.Output(absl::Seconds(1), "\xc3"), "");
  EXPECT_EQ(cast.Output(absl::Seconds(1), "\xa4"),
            "[1.0,\"o\",\"\xc3\xa4\"]\n");
  EXPECT_EQ(cast.Output(absl::Seconds(1), "\xf0\x9f"), "");
  EXPECT_EQ(cast.Output(absl::Seconds(2), "\x98\x80"),
            "[2.0,\"o\",\"\xf0\x9f\x98\x80\"]\n");
}

TEST(CastTest, WhatIsNoUtf8IsReplacedAndNotKeptForEver) {
  CastWriter cast(CastVersion::k2);
  EXPECT_EQ(cast.Output(absl::ZeroDuration(), "\xff\x80\x80\x80x"),
            "[0.0,\"o\",\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"]"
            "\n");
}

}  // namespace
}  // namespace deptyr
