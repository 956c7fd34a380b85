#include "lib/sys/name_service.h"

#include <signal.h>
#include <stdlib.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

TEST(NameServiceTest, AUserIsByNumberOrName) {
  EXPECT_EQ(Value(FindUser("0")), 0U);
  EXPECT_EQ(Value(FindUser("12345")), 12345U);
  EXPECT_EQ(Value(FindUser("root")), 0U);
  // Debian's base-passwd has these.
  EXPECT_EQ(Value(FindUser("www-data")), 33U);
  EXPECT_EQ(Value(FindGroup("tty")), 5U);
}

// The number that stands for an unknown user can't be named.
TEST(NameServiceTest, TheLastNumberIsNobodys) {
  EXPECT_EQ(Value(FindUser("4294967294")), 4294967294U);
  EXPECT_THAT(FindUser("4294967295"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no user can have the number 4294967295")));
  EXPECT_THAT(FindGroup("4294967295"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no group can have")));
}

TEST(NameServiceTest, WhoIsntThereIsSaidSo) {
  EXPECT_THAT(FindUser("no-such-user"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no such user: no-such-user; see getent "
                                 "passwd")));
  EXPECT_THAT(FindGroup("no-such-group"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no such group: no-such-group")));
  EXPECT_THAT(FindHost("no-such-host.invalid"),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("no such host: no-such-host.invalid")));
}

TEST(NameServiceTest, ANameIsNoOption) {
  EXPECT_THAT(FindUser("--help"), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("no such user: --help")));
}

TEST(NameServiceTest, AHostHasAnAddress) {
  EXPECT_THAT(Value(FindHost("localhost")), AnyOf("127.0.0.1", "::1"));
}

// A supervisor may leave SIGCHLD ignored; then nobody hears how a child ended.
TEST(NameServiceTest, AnAnswerCountsWhateverBecameOfWhoGaveIt) {
  const sighandler_t before = ::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(Value(FindUser("www-data")), 33U);
  EXPECT_THAT(FindUser("no-such-user"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("it failed")));
  (void)::signal(SIGCHLD, before);
}

class PathTest : public testing::Test {
 protected:
  PathTest() { (void)::setenv("PATH", folder_.path().c_str(), 1); }
  ~PathTest() override { (void)::setenv("PATH", before_.c_str(), 1); }

  const std::string before_ = ::getenv("PATH");
  const TempDir folder_;
};

TEST_F(PathTest, WithoutGetentANumberIsAskedFor) {
  EXPECT_THAT(FindUser("root"),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("can't ask getent for user root: No such file "
                                 "or directory; say its number")));
  EXPECT_EQ(Value(FindUser("33")), 33U);
}

}  // namespace
}  // namespace deptyr
