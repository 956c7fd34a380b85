#include "lib/base/status.h"

#include <cerrno>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

TEST(ErrnoTest, SaysWhatFailedOnWhatAndWhy) {
  errno = ENOENT;
  EXPECT_EQ(Errno("open ", "/x", " for pid ", 7).message(),
            "open /x for pid 7: No such file or directory");
}

// InvalidArgument means that the user is wrong, exit status 100.
TEST(ErrnoTest, IsNeverTheUsersError) {
  errno = EINVAL;
  EXPECT_THAT(Errno("x"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(ErrnoTest, AnErrorWithoutAWordIsNoCrash) {
  errno = 99999;
  EXPECT_EQ(Errno("x").message(), "x: unknown error");
}

TEST(ErrnoTest, MakingTheSentenceDoesNotChangeErrno) {
  errno = EPIPE;
  (void)Errno("x");
  EXPECT_EQ(errno, EPIPE);
}

TEST(ReturnIfErrorTest, ReturnsTheErrorAndGoesOnWithoutOne) {
  const auto check = [](const absl::Status& status) -> absl::Status {
    RETURN_IF_ERROR(status);
    return absl::AbortedError("went on");
  };
  EXPECT_THAT(check(absl::DataLossError("x")),
              StatusIs(absl::StatusCode::kDataLoss, "x"));
  EXPECT_THAT(check(absl::OkStatus()), StatusIs(absl::StatusCode::kAborted));
}

TEST(AssignOrReturnTest, ReturnsTheErrorOrMovesTheValue) {
  using Box = std::unique_ptr<int>;
  const auto unpack = [](absl::StatusOr<Box> box) -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(const Box mine, std::move(box));
    ASSIGN_OR_RETURN(const int one_more, absl::StatusOr<int>(*mine + 1));
    return one_more;
  };
  EXPECT_EQ(Value(unpack(std::make_unique<int>(6))), 7);
  EXPECT_THAT(unpack(absl::DataLossError("x")),
              StatusIs(absl::StatusCode::kDataLoss, "x"));
}

}  // namespace
}  // namespace deptyr
