#include "lib/sys/file_sync.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

// Whether a line that was written is on the disk only a loss of power shows
// (tests/faults/power).
class FileSyncTest : public testing::Test {
 protected:
  Fd File(const std::string& name) {
    return Value(CreateFile(dir_ / name, Existing::kKept));
  }

  const TempDir dir_;
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  std::vector<absl::Status> ends_;
  std::optional<FileSync> sync_{
      std::in_place, *loop_,
      [this](const absl::Status& done) { ends_.push_back(done); }};
};

TEST_F(FileSyncTest, ItsEndIsTold) {
  const Fd file = File("a");
  ASSERT_EQ(WriteSome(file.get(), "one\n").bytes, 4U);
  ASSERT_THAT(sync_->Start(file.get()), IsOk());
  EXPECT_TRUE(sync_->busy());
  EXPECT_TRUE(ends_.empty());
  ASSERT_TRUE(RunUntil(*loop_, [&] { return !ends_.empty(); }));
  EXPECT_THAT(ends_, testing::ElementsAre(IsOk()));
  EXPECT_FALSE(sync_->busy());
  EXPECT_TRUE(IsQuiet(*loop_));
}

TEST_F(FileSyncTest, TheFileMayBeClosedAndAnotherFollows) {
  for (const char* name : {"a", "b"}) {
    const Fd file = File(name);
    ASSERT_EQ(WriteSome(file.get(), "one\n").bytes, 4U);
    ASSERT_THAT(sync_->Start(file.get()), IsOk());
  }
  ASSERT_TRUE(RunUntil(*loop_, [&] { return ends_.size() == 2; }));
  EXPECT_THAT(ends_, testing::Each(IsOk()));
  EXPECT_FALSE(sync_->busy());
}

TEST_F(FileSyncTest, OneMayBeginAtTheEndOfAnother) {
  const Fd file = File("a");
  int left = 3;
  sync_.emplace(*loop_, [&](const absl::Status& done) {
    EXPECT_THAT(done, IsOk());
    if (--left == 0) return;
    EXPECT_THAT(sync_->Start(file.get()), IsOk());
  });
  ASSERT_THAT(sync_->Start(file.get()), IsOk());
  EXPECT_TRUE(RunUntil(*loop_, [&] { return left == 0; }));
}

TEST_F(FileSyncTest, WhatHasNoDiskIsRefused) {
  const PipeEnds pipe = Value(MakePipe());
  EXPECT_THAT(sync_->Start(pipe.in.get()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("put the file on its disk: it has none")));
  EXPECT_THAT(sync_->Start(-1), StatusIs(absl::StatusCode::kUnavailable,
                                         HasSubstr("Bad file descriptor")));
  EXPECT_FALSE(sync_->busy());
}

TEST_F(FileSyncTest, OneThatIsUnderWayTellsNobodyWhoHasGone) {
  const Fd file = File("a");
  ASSERT_THAT(sync_->Start(file.get()), IsOk());
  sync_.reset();
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_TRUE(ends_.empty());
}

}  // namespace
}  // namespace deptyr
