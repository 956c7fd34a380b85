#include "lib/sys/file_watch.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "lib/sys/unix_socket.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

class FileWatchTest : public testing::Test {
 protected:
  TempDir dir_;
  const std::string path_ = dir_ / "sock";
  const ListeningSocket socket_ = Value(Listen(path_, {}));
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  int told_ = 0;
  const Watch watch_ = WatchFile(*loop_, path_, [this] { ++told_; });
};

TEST_F(FileWatchTest, ASocketThatIsRemovedIsToldThoughItIsOpen) {
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  EXPECT_TRUE(RunUntil(*loop_, [&] { return told_ > 0; }));
  EXPECT_FALSE(socket_.FileIsOurs());
}

TEST_F(FileWatchTest, ARenameIsTold) {
  std::filesystem::rename(path_, dir_ / "other");
  EXPECT_TRUE(RunUntil(*loop_, [&] { return told_ > 0; }));
}

TEST_F(FileWatchTest, AnotherInItsPlaceIsTold) {
  const ListeningSocket other = Value(Listen(dir_ / "other", {}));
  std::filesystem::rename(dir_ / "other", path_);
  EXPECT_TRUE(RunUntil(*loop_, [&] { return told_ > 0; }));
}

TEST_F(FileWatchTest, WhoConnectsIsNotTold) {
  const Fd client = Value(Connect(path_, kDeadline));
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_EQ(told_, 0);
}

TEST(NoFileWatchTest, AFileThatIsNotThereIsNeverTold) {
  const auto loop = Value(EventLoop::Create());
  const Watch watch = WatchFile(*loop, "/nowhere/at/all", [] { FAIL(); });
  EXPECT_TRUE(IsQuiet(*loop));
}

}  // namespace
}  // namespace deptyr
