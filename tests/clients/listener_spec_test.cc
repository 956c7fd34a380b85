#include "lib/clients/listener_spec.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

void ExpectListener(absl::string_view text, absl::string_view address,
                    absl::string_view session) {
  const ListenerSpec spec = Value(ParseListener(text));
  EXPECT_EQ(spec.address, address) << text;
  EXPECT_EQ(spec.session, session) << text;
}

TEST(ParseListenerTest, AnAddressAloneIsForTheLatestSession) {
  ExpectListener("/run/a.sock", "/run/a.sock", "");
  ExpectListener("@a", "@a", "");
  ExpectListener("tcp:[::1]:0", "tcp:[::1]:0", "");
  ExpectListener("fd:3", "fd:3", "");
}

TEST(ParseListenerTest, ASessionFollowsTheLastEqualsSign) {
  ExpectListener("/run/a.sock=build", "/run/a.sock", "build");
  ExpectListener("/run/a=b.sock=build", "/run/a=b.sock", "build");
  ExpectListener("tcp:localhost:4000=web@1.x", "tcp:localhost:4000", "web@1.x");
}

TEST(ParseListenerTest, WhatCanNotBeASessionIsAnError) {
  for (const char* text : {"/run/a=b.sock/", "/run/a=", "/run/a=.hidden"}) {
    EXPECT_THAT(ParseListener(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("not a session name")))
        << text;
  }
}

TEST(ParseListenerTest, AnAddressIsNeeded) {
  for (const char* text : {"", "=session"}) {
    EXPECT_THAT(
        ParseListener(text),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no address")));
  }
}

}  // namespace
}  // namespace deptyr
