#include "lib/sys/log_folder.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

class CutLineTest : public testing::Test {
 protected:
  // Returns what the file has if head goes on in one with this text.
  std::string After(const std::string& text) {
    LogFolder folder;
    EXPECT_THAT(folder.Open(dir_.path()), IsOk());
    const Fd file = Value(folder.OpenFile("a.log", 0640));
    EXPECT_EQ(::ftruncate(file.get(), 0), 0);
    EXPECT_EQ(AppendLine(file.get(), text).bytes, text.size());
    EndCutLine(file.get());
    EXPECT_EQ(AppendLine(file.get(), "next\n").bytes, 5U);
    std::string read(text.size() + 100, '\0');
    const ssize_t got = ::pread(file.get(), read.data(), read.size(), 0);
    EXPECT_GT(got, 0);
    read.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return read;
  }

  const TempDir dir_;
};

TEST_F(CutLineTest, AFileOfWholeLinesIsLeftAlone) {
  EXPECT_EQ(After(""), "next\n");
  EXPECT_EQ(After("one\ntwo\n"), "one\ntwo\nnext\n");
}

TEST_F(CutLineTest, ALineWithoutAnEndIsMarkedAndEnded) {
  EXPECT_EQ(After("one\ntw"), "one\ntw [cut]\nnext\n");
  EXPECT_EQ(After("o"), "o [cut]\nnext\n");
}

TEST_F(CutLineTest, ZerosAtTheEndAreDropped) {
  EXPECT_EQ(After(absl::StrCat("one\n", std::string(3000, '\0'))),
            "one\nnext\n");
  EXPECT_EQ(After(absl::StrCat("one\ntw", std::string(1, '\0'))),
            "one\ntw [cut]\nnext\n");
  EXPECT_EQ(After(std::string(4096, '\0')), "next\n");
}

TEST_F(CutLineTest, OnlyTheEndOfALargeFileIsLookedAt) {
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(After(large), absl::StrCat(large, " [cut]\nnext\n"));
  const std::string lines = absl::StrCat(large, "\n");
  EXPECT_EQ(After(lines), absl::StrCat(lines, "next\n"));
  // A zero in the middle was written by somebody.
  EXPECT_EQ(After(std::string("a\0b\n", 4)), std::string("a\0b\nnext\n", 9));
}

}  // namespace
}  // namespace deptyr
