#include "lib/clients/allow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr uid_t kOwner = 1000;
constexpr uid_t kOther = 1001;
constexpr gid_t kGroup = 50;

PeerIdentity PendingConnection(uid_t uid, gid_t gid = 0,
                               std::vector<gid_t> groups = {}) {
  return {.pid = 1, .uid = uid, .gid = gid, .groups = std::move(groups)};
}

AllowRules Rules(const std::vector<std::string>& texts) {
  AllowRules rules;
  for (const std::string& text : texts)
    rules.push_back(Value(ParseAllow(text)));
  return rules;
}

std::string In(const std::string& session,
               const std::vector<std::string>& rules,
               const std::optional<PeerIdentity>& who) {
  return Spell(RightsIn(session, kOwner, Rules(rules), who));
}

const std::string kAll = Spell(Rights::All());

TEST(Allow, OwnerAndRootMayAllNobodyElseAny) {
  EXPECT_EQ(In("a", {}, PendingConnection(kOwner)), kAll);
  EXPECT_EQ(In("a", {}, PendingConnection(0)), kAll);
  EXPECT_EQ(In("a", {}, PendingConnection(kOther)), "none");
  EXPECT_EQ(In("a", {}, std::nullopt), "none");
}

TEST(Allow, ARuleIsForOneUser) {
  EXPECT_EQ(In("a", {"uid:1001=see"}, PendingConnection(kOther)), "see");
  EXPECT_EQ(In("a", {"uid:1001=see"}, PendingConnection(kOther + 1)), "none");
}

TEST(Allow, ARuleIsForAGroupFirstOrBesides) {
  EXPECT_EQ(In("a", {"gid:50=type"}, PendingConnection(kOther, kGroup)),
            "see,type");
  EXPECT_EQ(In("a", {"gid:50=type"}, PendingConnection(kOther, 1, {7, kGroup})),
            "see,type");
  EXPECT_EQ(In("a", {"gid:50=type"}, PendingConnection(kOther, 1, {7})),
            "none");
  // A number is no user's and a group's at once.
  EXPECT_EQ(In("a", {"gid:50=type"}, PendingConnection(50)), "none");
}

TEST(Allow, ARuleIsForOneSessionOrForAll) {
  EXPECT_EQ(In("a", {"uid:1001=see@a"}, PendingConnection(kOther)), "see");
  EXPECT_EQ(In("b", {"uid:1001=see@a"}, PendingConnection(kOther)), "none");
  EXPECT_EQ(In("b", {"any=see"}, PendingConnection(kOther)), "see");
  EXPECT_EQ(Spell(Granted(Rules({"any=all@a"}), PendingConnection(kOther), "")),
            "none");
}

TEST(Allow, RulesAddUp) {
  EXPECT_EQ(In("a", {"any=see", "gid:50=signal@a", "uid:1001=resize"},
               PendingConnection(kOther, kGroup)),
            "see,resize,signal");
}

TEST(Allow, WhoHasNoIdentityIsMeantByAnyOnly) {
  const std::vector<std::string> rules = {"any=see", "uid:0=all"};
  EXPECT_EQ(In("a", rules, std::nullopt), "see");
  EXPECT_EQ(In("a", rules, PendingConnection(kUnknownId, kUnknownId)), "see");
  EXPECT_THAT(ParseAllow("uid:4294967295=see"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Allow, NamesAreLookedUp) {
  EXPECT_EQ(Spell(Value(ParseAllow("user:root=see"))), "uid:0=see");
  EXPECT_EQ(Spell(Value(ParseAllow("group:root=see@a"))), "gid:0=see@a");
  EXPECT_THAT(ParseAllow("user:no-such-user=see").status().message(),
              HasSubstr("no such user: no-such-user"));
  EXPECT_THAT(ParseAllow("group:no-such-group=see").status().message(),
              HasSubstr("no such group: no-such-group"));
}

TEST(Allow, IsSpeltAsItIsParsed) {
  for (const char* text :
       {"uid:7=see,type", "gid:50=administer@a@b", "any=see@x",
        "any=see,type,resize,signal,administer"}) {
    EXPECT_EQ(Spell(Value(ParseAllow(text))), text);
  }
}

TEST(Allow, WhatIsNoRuleIsAnError) {
  for (const char* text :
       {"", "any", "any=", "=see", "uid:=see", "uid:x=see", "uid:-1=see",
        "gid:4294967295=see", "root=see", "any=see@", "any=see@../x", "any=@a",
        "everybody=see"}) {
    EXPECT_THAT(ParseAllow(text), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace deptyr
