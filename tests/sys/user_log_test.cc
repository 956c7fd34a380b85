// Each user has so many lines of the log in a while; the rest is counted.
#include "lib/sys/user_log.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/peer_identity.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::SizeIs;

constexpr absl::Duration kPause = absl::Milliseconds(100);
constexpr uid_t kUser = 1000;
constexpr uid_t kOther = 1001;

class UserLogTest : public testing::Test {
 protected:
  UserLogTest() : file_(::memfd_create("log", MFD_CLOEXEC)) {
    stderr_ = Fd(::dup3(2, ::dup(2), O_CLOEXEC));
    (void)::dup2(file_.get(), 2);
    LogToStandardError();
    log_.emplace(*loop_, 2, kPause, UserLog::Words());
    log_->Use();
  }
  ~UserLogTest() override {
    (void)::dup2(stderr_.get(), 2);
    LogNowhere();
  }
  std::vector<std::string> Lines() const {
    std::string text(1 << 16, '\0');
    const ssize_t size = ::pread(file_.get(), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }

  Fd file_;
  Fd stderr_;
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  std::optional<UserLog> log_;
};

TEST_F(UserLogTest, WhatIsBeyondIsCountedAndTold) {
  for (int i = 0; i < 5; ++i) LogOf(Severity::kInfo, kUser, "did", "did ", i);
  LogOf(Severity::kInfo, kUser, "left", "left");
  LogOf(Severity::kInfo, kOther, "did", "the other did");
  EXPECT_THAT(Lines(), ElementsAre(EndsWith(": did 0"), EndsWith(": did 1"),
                                   EndsWith(": the other did")));
  ASSERT_TRUE(RunUntil(*loop_, [&] { return Lines().size() == 4; }));
  EXPECT_THAT(Lines()[3], EndsWith(": uid=1000 did more than the log has lines "
                                   "for: did 3, left 1"));
}

TEST_F(UserLogTest, ThatLineIsOneOfTheNextMinutes) {
  for (int i = 0; i < 3; ++i) LogOf(Severity::kInfo, kUser, "did", "did ", i);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return Lines().size() == 3; }));
  for (int i = 0; i < 3; ++i) LogOf(Severity::kInfo, kUser, "did", "again");
  EXPECT_THAT(Lines(), SizeIs(4));
}

TEST_F(UserLogTest, WhoStaysBelowIsForgotten) {
  LogOf(Severity::kInfo, kUser, "did", "did");
  ASSERT_TRUE(RunUntil(*loop_, [&] { return log_->users() == 0; }));
  EXPECT_THAT(Lines(), SizeIs(1));
}

TEST_F(UserLogTest, WithoutOneNothingIsLeftOut) {
  log_.reset();
  for (int i = 0; i < 5; ++i) LogOf(Severity::kInfo, kUser, "did", "did ", i);
  EXPECT_THAT(Lines(), SizeIs(5));
}

}  // namespace
}  // namespace deptyr
