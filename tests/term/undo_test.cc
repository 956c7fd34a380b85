#include "lib/term/undo.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>

#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

constexpr int kCols = 20;

Undo After(absl::string_view bytes) {
  Undo undo;
  undo.Note(bytes);
  return undo;
}
std::string UndoOf(absl::string_view bytes) {
  return After(bytes).Sequences(kCols);
}

TEST(UndoTest, NothingIsUndoneThatWasNotDone) {
  EXPECT_EQ(UndoOf(""), "");
  EXPECT_EQ(UndoOf("text\r\n\x1b[H\x1b[2J\x1b[31mred\x1b[m\x1b[?25l\x1b[?25h"),
            "");
  EXPECT_EQ(UndoOf("\x1b[?1049h\x1b[H\x1b[?1049l\x1b[m"), "");
}

struct Deed {
  std::string done;
  std::string undone;
};

TEST(UndoTest, EachDeedIsUndoneByItself) {
  const std::string last_row = "\x1b[999;1H";
  const std::vector<Deed> deeds = {
      {"\x1b[1m", "\x1b[m"},
      {"\x1b[?25l", "\x1b[?25h"},
      {"\x1b[?1003h\x1b[?1006h", "\x1b[?1006l\x1b[?1003l"},
      {"\x1b[?2004h", "\x1b[?2004l"},
      {"\x1b[?9001h", "\x1b[?9001l"},
      {"\x1b[?2027h", "\x1b[?2027l"},
      {"\x1b[4h", "\x1b[4l"},
      {"\x1b=", "\x1b>"},
      {"\x1b[5 q", "\x1b[0 q"},
      {"\x1b[#{", "\x1b[#}\x1b[m"},
      {"\x1b[#{\x1b[#}\x1b[m", ""},
      {"\x1b[>4;2m", "\x1b[>4m\x1b[m"},
      {"\x1b[>1;3m\x1b[>2n", "\x1b[>1m\x1b[>2m\x1b[m"},
      {"\x1b[>1;3m\x1b[>1m", ""},
      {"\x1b[1\"q", "\x1b[0\"q"},
      {"\x1b[1\"q\x1b[0m\x1b[0\"q", ""},
      {"\x1bV", "\x1b[0\"q"},
      {"\x1b[1\"q\x1b\x37\x1b[2\"q\x1b\x38\x1b[m", "\x1b[0\"q"},
      {"\x1b[?4h\x1b[?8l", "\x1b[?4l\x1b[?8h"},
      {"\x1b[?80h\x1b[?8452h", "\x1b[?80l\x1b[?8452l"},
      {"\x1b[1m\x1b[5i", "\x1b[4i\x1b[m"},
      {"\x1b[?5i", "\x1b[?4i"},
      {"\x1b[5i\x1b[4i", ""},
      {"\x1b[>1u\x1b[>3u", "\x1b[<2u"},
      {"\x1b[=5u", "\x1b[<1u"},
      {"\x1b[2;5r", absl::StrCat("\x1b[r", last_row)},
      {"\x1b[?6h", absl::StrCat("\x1b[?6l", last_row)},
      {"\x1b[?69h\x1b[2;5s", absl::StrCat("\x1b[?69l", last_row)},
      {"\x1b[3g",
       absl::StrCat("\x1b[3g\x1b[1G\x1bH\x1b[9G\x1bH\x1b[17G\x1bH\x1b[?5W",
                    last_row)},
      {"\x1b[?1049h", absl::StrCat("\x1b[?1047l", last_row)},
      // Each screen has keyboard flags of its own.
      {"\x1b[>1u\x1b[?1049h\x1b[>3u",
       absl::StrCat("\x1b[<1u\x1b[?1047l\x1b[<1u", last_row)},
      {"\x1b[?1049h\x1b[>3u\x1b[?1049l\x1b[m",
       "\x1b[?1047h\x1b[<1u\x1b[?1047l"},
      {"\x1b]8;;http://a/\x1b\\", "\x1b]8;;\x1b\\"},
      {"\x1b]8;;http://a/\x1b\\a\x1b]8;;\x1b\\", ""},
      {"\x1b]4;1;red;2;blue\a", "\x1b]104;1\a\x1b]104;2\a"},
      {"\x1b]11;#400000\a\x1b]12;red\a", "\x1b]111\a\x1b]112\a"},
      {"\x1b]11;?\a", ""},
      {"\x1b]9;4;1;50\a", "\x1b]9;4;0\a"},
      {"\x1b]9;4;1;50\a\x1b]9;4;0\a", ""},
      {"\x1b]22;text\a", "\x1b]22;\a"},
      {"\x1b]7;file:///tmp\a", "\x1b]7;\a"},
      {"\x1b]2;title\a", "\x1b]2;\a"},
      {"\x1b[22;0t\x1b]2;title\a", "\x1b[23;0t"},
  };
  for (const Deed& deed : deeds) {
    EXPECT_EQ(UndoOf(deed.done), deed.undone)
        << testing::PrintToString(deed.done);
  }
}

TEST(UndoTest, WhatHasBegunIsEndedFirst) {
  EXPECT_EQ(UndoOf("\x1b]0;half"), "\x1b\\\x1b]1;\a\x1b]2;\a");
  EXPECT_EQ(UndoOf("\x1b[1m\x1bPq#0"), "\x1b\\\x1b[m");
  EXPECT_EQ(UndoOf("\x1b_G"), "\x1b\\");
  EXPECT_EQ(UndoOf("\x1b]99;half\x1b"), "\x1b\\");
  EXPECT_EQ(UndoOf("\x1b[3"), "\x18");
  EXPECT_EQ(UndoOf("\x1b"), "\x18");
  EXPECT_EQ(UndoOf("\x1bN"), "\x18");
}

class UndoOfTest : public testing::TestWithParam<Transcript> {};

TEST_P(UndoOfTest, NothingIsLeft) {
  const std::string& bytes = GetParam().bytes;
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Undo undo = After(bytes.substr(0, cut));
    undo.Note(undo.Sequences(kCols));
    ASSERT_EQ(undo.Sequences(kCols), "") << "cut at " << cut;
  }
}

TEST_P(UndoOfTest, WhatIsDoneAgainIsUndoneAlike) {
  const std::string& bytes = GetParam().bytes;
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const Undo undo = After(bytes.substr(0, cut));
    Undo again = After(undo.Redo());
    EXPECT_EQ(again.expects_input(), undo.expects_input());
    again.Note(undo.Sequences(kCols));
    // The pen isn't known.
    ASSERT_THAT(again.Sequences(kCols), testing::AnyOf("", "\x1b[m"))
        << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(All, UndoOfTest, testing::ValuesIn(Transcripts()));

TEST(UndoTest, ReportsMayBeOnTheirWay) {
  for (const char* reports : {"\x1b[?1000h", "\x1b[?1003h", "\x1b[?1004h",
                              "\x1b[?2031h", "\x1b[?2048h", "\x1b[>2u"}) {
    EXPECT_TRUE(After(reports).expects_input())
        << testing::PrintToString(reports);
  }
  EXPECT_TRUE(After("\x1b[6n").expects_input());
  EXPECT_FALSE(After("text\x1b[?2004h\x1b[>1u").expects_input());
  EXPECT_FALSE(After("\x1b[?1000h\x1b[?1000l").expects_input());
}

}  // namespace
}  // namespace deptyr
