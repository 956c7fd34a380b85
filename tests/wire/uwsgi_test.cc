#include "lib/wire/uwsgi.h"

#include <string>

#include <gtest/gtest.h>

namespace deptyr {
namespace {

TEST(PeekHeaderTest, NeedsFourBytes) {
  const absl::string_view bytes("\x01\x02\x03\x04", 4);
  for (size_t cut = 0; cut < kPacketHeader; ++cut) {
    EXPECT_FALSE(PeekHeader(bytes.substr(0, cut))) << cut;
  }
  EXPECT_TRUE(PeekHeader(bytes));
}

TEST(PeekHeaderTest, TheSizeIsLittleEndianAndUnsigned) {
  const auto header = PeekHeader(absl::string_view("\xfe\xff\x80\xfd...", 7));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->modifier1, 0xfe);
  EXPECT_EQ(header->size, 0x80ff);
  EXPECT_EQ(header->modifier2, 0xfd);
}

TEST(EncodePacketTest, WritesTheFrozenLayout) {
  EXPECT_EQ(EncodePacket(222, 3, "abc"), std::string("\xde\x03\x00\x03"
                                                     "abc",
                                                     7));
}

TEST(EncodePacketTest, TheLongestPayloadComesBackWhole) {
  const std::string payload(kLongestPayload, 'x');
  const std::string packet = EncodePacket(1, 2, payload);
  EXPECT_EQ(packet.size(), kPacketHeader + kLongestPayload);
  const auto header = PeekHeader(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->size, kLongestPayload);
}

}  // namespace
}  // namespace deptyr
