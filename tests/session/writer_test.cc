// A client may have the keys of a session for itself.
#include "lib/session/writer.h"

#include <memory>

#include <gtest/gtest.h>

#include "tests/support/fake_client.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

class WriterTest : public testing::Test {
 protected:
  WriterTest() {
    for (FakeClient* client : {&one_, &two_, &three_}) audience_.Add(*client);
  }
  void Leave(FakeClient& client) {
    left_keys_ = writer_.OnLeft(client);
    audience_.Remove(client);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Ring ring_ = Value(Ring::Create(64 << 10));
  FakeClient one_{1};
  FakeClient two_{2};
  FakeClient three_{3};
  Audience audience_{*loop_, ring_, WhenBehind::kSkip, [] {}};
  Writer writer_{ring_, audience_, WriterPolicy::kAll};
  bool left_keys_ = false;
};

TEST_F(WriterTest, UsuallyEverybodyIsHeard) {
  EXPECT_FALSE(writer_.OnTyped(one_));
  EXPECT_FALSE(writer_.OnTyped(two_));
  EXPECT_EQ(writer_.client(), nullptr);
  EXPECT_TRUE(audience_.Hears(one_));
  EXPECT_TRUE(audience_.Hears(two_));
}

TEST_F(WriterTest, UnderOneTheFirstToTypeHasThem) {
  writer_.SetOwnPolicy(WriterPolicy::kOne);
  EXPECT_TRUE(writer_.OnTyped(one_));
  EXPECT_FALSE(writer_.OnTyped(two_));
  EXPECT_TRUE(audience_.Hears(one_));
  EXPECT_FALSE(audience_.Hears(two_));
  Leave(one_);
  EXPECT_TRUE(left_keys_);
  EXPECT_EQ(writer_.client(), nullptr);
  EXPECT_TRUE(writer_.OnTyped(two_));
}

TEST_F(WriterTest, WhoeverHasThemLeads) {
  audience_.Lead(one_);
  EXPECT_TRUE(writer_.Give(&two_));
  EXPECT_EQ(audience_.leader(), &two_);
  audience_.Lead(one_);
  EXPECT_EQ(audience_.leader(), &two_);
  EXPECT_FALSE(writer_.Give(&two_));
}

TEST_F(WriterTest, TheyGoBackToWhoHadThem) {
  (void)writer_.Give(&one_);
  (void)writer_.Give(&two_);
  Leave(two_);
  EXPECT_EQ(writer_.client(), &one_);
  Leave(one_);
  EXPECT_EQ(writer_.client(), nullptr);
}

TEST_F(WriterTest, TheyDoNotGoBackToOneThatLeft) {
  (void)writer_.Give(&one_);
  (void)writer_.Give(&two_);
  Leave(one_);
  EXPECT_FALSE(left_keys_);
  Leave(two_);
  EXPECT_EQ(writer_.client(), nullptr);
}

TEST_F(WriterTest, OneThatAskedAndLeftAsksNoMore) {
  (void)writer_.Give(&one_);
  writer_.Ask(two_);
  EXPECT_EQ(writer_.asker(), &two_);
  Leave(two_);
  EXPECT_EQ(writer_.asker(), nullptr);
  writer_.Ask(three_);
  (void)writer_.Give(&three_);
  EXPECT_EQ(writer_.asker(), nullptr);
}

TEST_F(WriterTest, ARingOfAnotherVersionHasNoPolicyOfOurs) {
  ring_.state().writer_policy = 3;
  EXPECT_EQ(writer_.policy(), WriterPolicy::kAll);
  ring_.state().writer_policy = 2;
  EXPECT_EQ(writer_.policy(), WriterPolicy::kOne);
}

}  // namespace
}  // namespace deptyr
