#include "lib/wire/key_values.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// "name" = "build", "" = "": the layout of uWSGI's vars, frozen.
constexpr absl::string_view kBlock(
    "\x04\x00name\x05\x00"
    "build\x00\x00\x00\x00",
    17);

TEST(KeyValuesTest, EncodesToTheFrozenLayout) {
  EXPECT_EQ(EncodeKeyValues({{"name", "build"}, {"", ""}}), kBlock);
}

TEST(KeyValuesTest, DecodesTheFrozenLayout) {
  EXPECT_THAT(Value(DecodeKeyValues(kBlock)),
              ElementsAre(Pair("name", "build"), Pair("", "")));
}

TEST(KeyValuesTest, NothingIsNoPairs) {
  EXPECT_EQ(EncodeKeyValues({}), "");
  EXPECT_THAT(Value(DecodeKeyValues("")), IsEmpty());
}

TEST(KeyValuesTest, ABlockThatIsCutAnywhereIsAnErrorOrFewerPairs) {
  constexpr size_t kFirstPair = 13;
  for (size_t cut = 1; cut < kBlock.size(); ++cut) {
    const auto decoded = DecodeKeyValues(kBlock.substr(0, cut));
    if (cut == kFirstPair) {
      EXPECT_THAT(Value(decoded), ElementsAre(Pair("name", "build")));
    } else {
      EXPECT_THAT(decoded, StatusIs(absl::StatusCode::kInvalidArgument)) << cut;
    }
  }
}

TEST(KeyValuesTest, ASizeBeyondTheBlockIsAnError) {
  EXPECT_THAT(DecodeKeyValues(absl::string_view("\xff\xff"
                                                "a",
                                                3)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(KeyValuesTest, AnyByteAndAnyLengthComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const KeyValues pairs = {{all, std::string(65535, '\xff')},
                           {std::string(65535, '\0'), all}};
  EXPECT_EQ(Value(DecodeKeyValues(EncodeKeyValues(pairs))), pairs);
}

TEST(ValueOfTest, FindsTheFirst) {
  const KeyValues pairs = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(ValueOf(pairs, "a"), "1");
  EXPECT_EQ(ValueOf(pairs, "b"), "2");
  EXPECT_EQ(ValueOf(pairs, "c"), "");
}

}  // namespace
}  // namespace deptyr
