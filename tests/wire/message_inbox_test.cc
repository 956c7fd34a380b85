#include "lib/wire/message_inbox.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

const HeadMessage kSize = Resize{.rows = 24, .cols = 80};

TEST(MessageInboxTest, MessagesAreTakenInTheirOrderHoweverTheyCame) {
  const std::string bytes = Encode(Keys{"ls"}) + Encode(kSize);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    MessageInbox inbox(SIZE_MAX, bytes.substr(0, cut));
    std::vector<HeadMessage> taken;
    for (const std::string& rest : {bytes.substr(cut), std::string()}) {
      while (const auto message = Value(inbox.Take())) {
        taken.push_back(*message);
      }
      inbox.Append(rest);
    }
    EXPECT_THAT(taken, testing::ElementsAre(HeadMessage(Keys{"ls"}), kSize));
    EXPECT_TRUE(inbox.empty());
  }
}

TEST(MessageInboxTest, TheFirstMessageStaysUntilItIsDropped) {
  MessageInbox inbox;
  inbox.Append(Encode(Keys{"ls"}) + Encode(kSize));
  EXPECT_EQ(Value(inbox.First()), HeadMessage(Keys{"ls"}));
  EXPECT_EQ(Value(inbox.First()), HeadMessage(Keys{"ls"}));
  inbox.DropFirst();
  EXPECT_EQ(inbox.bytes(), Encode(kSize));
  EXPECT_EQ(Value(inbox.Take()), kSize);
}

TEST(MessageInboxTest, AMessageIsTooLongOnlyWhileItIsNotWhole) {
  const std::string message = Encode(Keys{std::string(100, 'x')});
  MessageInbox inbox(50, message.substr(0, 50));
  EXPECT_EQ(Value(inbox.Take()), std::nullopt);
  inbox.Append(message.substr(50, 1));
  EXPECT_THAT(inbox.Take(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("longer than any")));
  inbox.Append(message.substr(51));
  EXPECT_THAT(inbox.Take(), IsOk());
}

TEST(MessageInboxTest, AnotherProtocolIsAnErrorAtItsFirstByte) {
  MessageInbox inbox;
  inbox.Append("G");
  EXPECT_THAT(inbox.Take(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("deptyr's protocol")));
}

}  // namespace
}  // namespace deptyr
