// A client gets the lines that scrolled off, as far as head remembers them, and
// copes with heads that don't tell.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/attach/history.h"
#include "lib/wire/messages.h"
#include "tests/support/scripted_head.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WindowSize kSize{.rows = 2, .cols = 10};

std::string Beginning(uint64_t offset) {
  return Encode(SomeAttached(offset));
}

absl::StatusOr<std::vector<std::string>> Read(const std::string& said,
                                              uint64_t offset,
                                              WindowSize size = kSize) {
  const ScriptedHead head({said});
  return ReadScrollback(head.path(), "a", offset, size, 100);
}

TEST(ScrollbackTest, IsWhatLeftTheScreenUpToAnOffset) {
  const std::string said =
      absl::StrCat(Beginning(10), Encode(Output{"one\r\ntwo\r\n"}),
                   Encode(Output{"three\r\nfour\r\nfive\r\nsix"}));
  // Up to "three\r\n", which leaves one screen of two rows.
  EXPECT_THAT(Value(Read(said, 27)), ElementsAre("one", "two"));
  EXPECT_THAT(Value(Read(Beginning(10), 10)), IsEmpty());
}

// It wouldn't come any more.
TEST(ScrollbackTest, WhatWasPassedOverIsNotWaitedFor) {
  const std::string said =
      absl::StrCat(Beginning(0), Encode(Output{"1\r\n2\r\n"}),
                   Encode(Notice{{{"event", "missed"}, {"offset", "1000"}}}));
  EXPECT_THAT(Value(Read(said, 1000)), ElementsAre("1"));
}

TEST(ScrollbackTest, ARefusalIsToldWithWhatToDo) {
  EXPECT_THAT(Read(Encode(Refused{.code = kRefusedLimit, .text = "full"}), 10),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("full; head's log says which")));
}

TEST(ScrollbackTest, AHeadThatGoesAwayIsTold) {
  EXPECT_THAT(Read("", 10), StatusIs(absl::StatusCode::kUnavailable,
                                     HasSubstr("head went away")));
}

TEST(ScrollbackTest, NoTerminalIsAsLargeAsASizeCanBe) {
  const std::string said =
      absl::StrCat(Beginning(0), Encode(Output{std::string(2000, '\n')}));
  EXPECT_THAT(Value(Read(said, 2000, {.rows = 65535, .cols = 1})),
              testing::SizeIs(100));
}

}  // namespace
}  // namespace deptyr
