#include "lib/sys/folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr uid_t kUser = 12345;

bool IsOpen(const absl::StatusOr<Fd>& folder, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return folder.ok() && ::fstat(folder->get(), &opened) == 0 &&
         ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(dir_ / "a/b");
    std::filesystem::create_directory(dir_ / "precious");
  }
  void Link(const std::string& to, const std::string& name) {
    ASSERT_EQ(::symlink(to.c_str(), (dir_ / name).c_str()), 0);
  }
  void Give(const std::string& name) {
    ASSERT_EQ(::lchown((dir_ / name).c_str(), kUser, kUser), 0);
  }
  void ExpectRefused(const std::string& name) {
    EXPECT_THAT(OpenFolder(dir_ / name).status(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("on the way may be another user's")));
    EXPECT_THAT(CheckFolder(dir_ / name),
                StatusIs(absl::StatusCode::kFailedPrecondition));
  }

  const TempDir dir_;
};

TEST(FolderOfTest, IsAllBeforeTheName) {
  EXPECT_EQ(FolderOf("/run/x/head.sock"), "/run/x");
  EXPECT_EQ(FolderOf("/head.sock"), "/");
  EXPECT_EQ(FolderOf("x/head.sock"), "x");
  EXPECT_EQ(FolderOf("head.sock"), ".");
  EXPECT_EQ(NameIn("/run/x/head.sock"), "head.sock");
  EXPECT_EQ(NameIn("head.sock"), "head.sock");
  EXPECT_EQ(NameIn("/run/"), "");
}

TEST_F(FolderTest, IsFoundHoweverItIsNamed) {
  for (const char* const name :
       {"a/b", "a/b/", "a//b", "./a/./b", "a/b/../b", "a/../precious/../a/b"}) {
    EXPECT_TRUE(IsOpen(OpenFolder(dir_ / name), dir_ / "a/b")) << name;
  }
  EXPECT_TRUE(IsOpen(OpenFolder("/"), "/"));
  EXPECT_TRUE(IsOpen(OpenFolder("."), "."));
  EXPECT_TRUE(IsOpen(OpenFolder("..//."), ".."));
}

TEST_F(FolderTest, HasToBeThere) {
  std::ofstream(dir_ / "file") << "x";
  for (const char* const name : {"none", "file", "file/x", "a/none/b"}) {
    EXPECT_THAT(OpenFolder(dir_ / name).status(),
                StatusIs(absl::StatusCode::kUnavailable,
                         HasSubstr(dir_ / name + ": N")));
    EXPECT_THAT(CheckFolder(dir_ / name),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("no such folder")));
  }
  EXPECT_THAT(CheckFolder(dir_ / "a"), IsOk());
}

TEST_F(FolderTest, OurOwnLinksAreFollowed) {
  Link("a", "relative");
  Link(dir_ / "relative/b", "absolute");
  EXPECT_TRUE(IsOpen(OpenFolder(dir_ / "relative"), dir_ / "a"));
  EXPECT_TRUE(IsOpen(OpenFolder(dir_ / "absolute"), dir_ / "a/b"));
  EXPECT_TRUE(IsOpen(OpenFolder(dir_ / "absolute/../b"), dir_ / "a/b"));
}

TEST_F(FolderTest, ALinkThatLeadsToItselfEnds) {
  Link("loop", "loop");
  EXPECT_THAT(
      OpenFolder(dir_ / "loop").status(),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("symbolic links")));
}

TEST_F(FolderTest, AnotherUsersLinkIsNotFollowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  Link("precious", "link");
  Give("link");
  ExpectRefused("link");
  // A second link behind one that is followed isn't followed, either.
  Link("link/.", "ours");
  ExpectRefused("ours");
}

TEST_F(FolderTest, ALinkWhereOthersCanPutThemIsNotFollowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  // Nobody else made it, but somebody may have moved it.
  Link("../precious", "a/link");
  for (const mode_t mode : {0777, 0775}) {
    ASSERT_EQ(::chmod((dir_ / "a").c_str(), mode), 0);
    ExpectRefused("a/link");
  }
  ASSERT_EQ(::chmod((dir_ / "a").c_str(), 01777), 0);
  EXPECT_TRUE(IsOpen(OpenFolder(dir_ / "a/link"), dir_ / "precious"));
  // Even there a link isn't followed that is another one's second name.
  ASSERT_EQ(::link((dir_ / "a/link").c_str(), (dir_ / "other").c_str()), 0);
  ExpectRefused("a/link");
  std::filesystem::remove(dir_ / "other");
  ASSERT_EQ(::chmod((dir_ / "a").c_str(), 0755), 0);
  EXPECT_TRUE(IsOpen(OpenFolder(dir_ / "a/link"), dir_ / "precious"));
  Give("a");
  ExpectRefused("a/link");
}

TEST_F(FolderTest, AnotherUsersFoldersAreEntered) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  Give("a");
  EXPECT_TRUE(IsOpen(OpenFolder(dir_ / "a"), dir_ / "a"));
  EXPECT_TRUE(IsOpen(OpenFolder(dir_ / "a/b"), dir_ / "a/b"));
}

}  // namespace
}  // namespace deptyr
