#include "lib/wire/rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

TEST(RightsSpellingTest, RightsAreSpeltAsTheyAreParsed) {
  for (const char* text : {"see", "see,type", "see,resize", "see,signal",
                           "administer", "see,type,resize,signal,administer"}) {
    EXPECT_EQ(Spell(Value(ParseRights(text))), text);
  }
  EXPECT_EQ(Value(ParseRights("all")), Rights::All());
  EXPECT_EQ(Spell(Rights()), "none");
  EXPECT_EQ(KnownRights("none"), Rights());
}

TEST(RightsSpellingTest, TypingResizingAndSignallingIncludeSeeing) {
  EXPECT_EQ(Spell(Value(ParseRights("type"))), "see,type");
  EXPECT_EQ(Spell(Value(ParseRights("resize"))), "see,resize");
  EXPECT_EQ(Spell(Value(ParseRights("signal"))), "see,signal");
}

TEST(RightsSpellingTest, AdministeringDoesNotIncludeSeeing) {
  EXPECT_FALSE(Value(ParseRights("administer")).Has(Right::kSee));
}

TEST(RightsSpellingTest, AnErrorNamesTheUnknownWord) {
  for (const char* text : {"", "sea", "see,", ",see", "see,all", "SEE", "see ",
                           "see;type", "none"}) {
    EXPECT_THAT(ParseRights(text), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
  EXPECT_THAT(ParseRights("see,tipe").status().message(),
              HasSubstr("no such right: \"tipe\"; say see"));
}

TEST(RightsSpellingTest, UnknownWordsOfANewerHeadAreSkipped) {
  EXPECT_EQ(Spell(KnownRights("see,dance,type")), "see,type");
  EXPECT_EQ(KnownRights("dance"), Rights());
}

}  // namespace
}  // namespace deptyr
