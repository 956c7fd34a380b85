// The screen of the program before the last, made of what the ring has.
#include "lib/session/post_mortem.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::Not;

class PostMortemTest : public testing::Test {
 protected:
  void Write(absl::string_view text) {
    while (!text.empty()) {
      const std::span<char> room = ring_.Space(text.size());
      const size_t count = text.copy(room.data(), room.size());
      ring_.Commit(count);
      text.remove_prefix(count);
    }
  }
  void Run(absl::string_view output) {
    ring_.Begin({.rows = 24, .cols = 80});
    Write(output);
    ring_.latest().end = ring_.end();
    ring_.latest().outcome = Outcome::kExited;
  }

  Ring ring_ = Value(Ring::Create(64 << 10));
};

TEST_F(PostMortemTest, ShowsWhatTheOneBeforeTheLastWrote) {
  Run("first");
  Run("second");
  const auto left = PostMortemFromRing(ring_);
  ASSERT_TRUE(left.has_value());
  EXPECT_THAT(left->paint, HasSubstr("first"));
  EXPECT_THAT(left->paint, Not(HasSubstr("second")));
  EXPECT_EQ(left->size, (WindowSize{24, 80}));
  EXPECT_EQ(left->how, "ended: exit status 0");
}

TEST_F(PostMortemTest, OfOneProgramThereIsNone) {
  EXPECT_FALSE(PostMortemFromRing(ring_).has_value());
  Run("first");
  EXPECT_FALSE(PostMortemFromRing(ring_).has_value());
}

TEST_F(PostMortemTest, OfWhatTheRingHasLostThereIsNone) {
  Run("first");
  Run(std::string(2 * ring_.capacity(), 'x'));
  EXPECT_FALSE(PostMortemFromRing(ring_).has_value());
}

}  // namespace
}  // namespace deptyr
