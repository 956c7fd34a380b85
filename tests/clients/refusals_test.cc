// All refusals are counted, and logged once in a while.
#include "lib/clients/refusals.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/log.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr absl::Duration kPause = absl::Milliseconds(100);
constexpr uid_t kUser = 1000;

class RefusalsTest : public testing::Test {
 protected:
  RefusalsTest() : log_(::memfd_create("log", MFD_CLOEXEC)) {
    stderr_ = Fd(::dup3(2, ::dup(2), O_CLOEXEC));
    (void)::dup2(log_.get(), 2);
    LogToStandardError();
  }
  ~RefusalsTest() override {
    (void)::dup2(stderr_.get(), 2);
    LogNowhere();
  }
  std::vector<std::string> Lines() const {
    std::string text(1 << 16, '\0');
    const ssize_t size = ::pread(log_.get(), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }
  void Refuse(uid_t uid, absl::string_view code, int times = 1) {
    for (int i = 0; i < times; ++i) {
      refusals_.Note(PeerIdentity{.pid = 7, .uid = uid, .gid = 0}, code, "why");
    }
  }

  Fd log_;
  Fd stderr_;
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Refusals refusals_{*loop_, kPause};
};

TEST_F(RefusalsTest, AUserIsOneLineAndThenACount) {
  Refuse(kUser, "limit", 3);
  Refuse(kUser, "malformed", 2);
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr("refused pid=7 uid=1000: limit: why")));
  EXPECT_THAT(refusals_.counts(),
              UnorderedElementsAre(Pair("limit", 3), Pair("malformed", 2)));
  ASSERT_TRUE(RunUntil(*loop_, [&] { return Lines().size() == 2; }));
  EXPECT_THAT(Lines()[1],
              HasSubstr("refused uid=1000 again: limit 2, malformed 2"));
}

TEST_F(RefusalsTest, WhoWasQuietMeanwhileIsALineAgain) {
  Refuse(kUser, "limit", 2);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return Lines().size() == 2; }));
  // One pause more without any, and the next is told at once.
  ASSERT_TRUE(RunUntil(*loop_, [&] { return refusals_.pauses() == 0; }));
  Refuse(kUser, "limit");
  EXPECT_THAT(Lines(), SizeIs(3));
}

TEST_F(RefusalsTest, UsersAreToldApart) {
  Refuse(kUser, "limit", 2);
  Refuse(kUser + 1, "limit", 2);
  refusals_.Note(std::nullopt, "limit", "over TCP");
  Refuse(kUnknownId, "limit");
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr("uid=1000: "), HasSubstr("uid=1001: "),
                          HasSubstr("a client over TCP: limit: ")));
}

TEST_F(RefusalsTest, EndlesslyManyUsersAreNotRemembered) {
  for (uid_t uid = 1; uid <= 5'000; ++uid) Refuse(uid, "limit");
  EXPECT_THAT(Lines(), SizeIs(kMostLoggedUsers + 1));
  EXPECT_EQ(refusals_.counts().at("limit"), 5'000U);
}

}  // namespace
}  // namespace deptyr
