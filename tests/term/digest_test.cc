#include "lib/term/digest.h"

#include <string>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

Digest After(absl::string_view bytes) {
  Digest digest;
  digest.Scan(bytes);
  return digest;
}

class DigestTest : public testing::TestWithParam<Transcript> {};

std::string Said(const Digest& digest) {
  return absl::StrCat(
      digest.offset(), " ", digest.whole(), " ", digest.last_clear(), " ",
      digest.last_query(), " ", digest.last_bell(), " ", digest.last_picture(),
      " ", digest.modes().alternate_mode(), " ", digest.modes().Sequences());
}

TEST_P(DigestTest, HowItIsCutDoesNotMatter) {
  const std::string& bytes = GetParam().bytes;
  const std::string whole = Said(After(bytes));
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    Digest digest = After(bytes.substr(0, cut));
    digest.Scan(absl::string_view(bytes).substr(cut));
    ASSERT_EQ(Said(digest), whole) << "cut at " << cut;
  }
  Digest in_bytes;
  for (const char c : bytes) in_bytes.Scan(absl::string_view(&c, 1));
  EXPECT_EQ(Said(in_bytes), whole);
}

TEST_P(DigestTest, ItsModesMakeItAgain) {
  const std::string modes = After(GetParam().bytes).modes().Sequences();
  EXPECT_EQ(After(modes).modes().Sequences(), modes);
}

INSTANTIATE_TEST_SUITE_P(All, DigestTest, testing::ValuesIn(Transcripts()));

TEST(DigestOffsetTest, NothingIsWholeThatHasNotEnded) {
  EXPECT_EQ(After("ab").whole(), 2);
  EXPECT_EQ(After("ab\x1b").whole(), 2);
  EXPECT_EQ(After("ab\x1b[31").whole(), 2);
  EXPECT_EQ(After("ab\x1b[31m").whole(), 7);
  EXPECT_EQ(After("ab\x1b]0;title").whole(), 2);
  EXPECT_EQ(After("ab\x1b]0;title\x1b").whole(), 2);
  EXPECT_EQ(After("ab\x1b]0;title\x1b\\").whole(), 13);
  EXPECT_EQ(After("ab\x1bP$q\x07").whole(), 2);   // BEL ends an OSC only
  EXPECT_EQ(After("ab\x1b[31\x1b[").whole(), 6);  // the first was given up
  EXPECT_EQ(After("ab\x1b[3\x18").whole(), 6);
  EXPECT_EQ(After("ab\x1bN").whole(), 2);
  EXPECT_EQ(After("ab\x1bNq").whole(), 5);
  EXPECT_EQ(After("ab\x1bO\n\xe2").whole(), 5);
  EXPECT_EQ(After("a\xe2\x82").whole(), 1);
  EXPECT_EQ(After("a\xe2\x82\xac").whole(), 4);
  EXPECT_EQ(After("a\xe2\x82z").whole(), 4);
  EXPECT_EQ(After("a\xe2\xe2").whole(), 2);
  EXPECT_EQ(After("a\xff").whole(), 2);
}

TEST(DigestOffsetTest, WhatNeverEndsIsNotWaitedFor) {
  Digest digest = After("ab\x1b]52;");
  digest.Scan(std::string(Digest::kLongestHeld - 5, 'x'));
  EXPECT_EQ(digest.whole(), 2);
  digest.Scan("x");
  EXPECT_EQ(digest.whole(), digest.offset());
  digest.Scan("\x07\x1b[");
  EXPECT_EQ(digest.whole(), digest.offset() - 2);
}

TEST(DigestOffsetTest, LastClear) {
  EXPECT_EQ(After("ab\x1b[J\x1b[K\x1b[1J").last_clear(), 0);
  EXPECT_EQ(After("\x1b[Jab").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[2Jcd").last_clear(), 2);
  EXPECT_EQ(After("ab\x1b[2Jcd\x1b\x63").last_clear(), 8);
  EXPECT_EQ(After("ab\x1b[H\x1b[J").last_clear(), 2);
  EXPECT_EQ(After("ab\x1b[1;1H\x1b[0J").last_clear(), 2);
  EXPECT_EQ(After("ab\x1b[Hx\x1b[J").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[2;1H\x1b[J").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[?6h\x1b[H\x1b[J").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[?1049h").last_clear(), 2);
  // The primary screen has come back with what was on it.
  EXPECT_EQ(After("ab\x1b[2J\x1b[?1049h\x1b[2J\x1b[?1049l").last_clear(), 2);
}

TEST(DigestOffsetTest, LastPicture) {
  const std::string picture = "ab\x1bPq~\x1b\\";
  EXPECT_EQ(After("ab").last_picture(), 0);
  EXPECT_EQ(After(picture).last_picture(), 3);
  const Digest cleared = After(picture + "\x1b[2J");
  EXPECT_LT(cleared.last_picture(), cleared.last_clear());
  const Digest at_once = After("\x1b[2J\x1bPq~\x1b\\");
  EXPECT_GT(at_once.last_picture(), at_once.last_clear());
  // Each screen has its own.
  const std::string alternate = picture + "\x1b[?1049hcd" + picture;
  EXPECT_GT(After(alternate).last_picture(), 10);
  EXPECT_EQ(After(alternate + "\x1b[?1049l").last_picture(), 3);
}

TEST(DigestOffsetTest, LastBell) {
  EXPECT_EQ(After("none").last_bell(), 0u);
  EXPECT_EQ(After("a\x07"
                  "bc")
                .last_bell(),
            2u);
  EXPECT_EQ(After("a\x07 a text that is longer than a block\x07.").last_bell(),
            38u);
  EXPECT_EQ(After("\x1b]0;title\x07").last_bell(), 0u) << "it ends the title";
  EXPECT_EQ(After("\x1bP$q\x07").last_bell(), 0u);
  EXPECT_EQ(After("\x1b[3\x07m").last_bell(), 4u) << "a CSI goes on";
  Digest digest = After("a\x07");
  digest.Rebase();
  EXPECT_EQ(digest.last_bell(), 0u);
}

TEST(DigestOffsetTest, TheUsualPen) {
  const std::string text = "\x1b[1m\x1b[mtext";
  EXPECT_TRUE(After(text).has_usual_pen_since(7));
  EXPECT_FALSE(After(text).has_usual_pen_since(3));
  for (const char* other : {"\x1b[4m", "\x1b\x38", "\x1b[1\"q", "\x1bV"}) {
    EXPECT_FALSE(After(text + other).has_usual_pen_since(99)) << other;
  }
  const Digest guarded = After(text + "\x1b[1\"q\x1b[0\"q");
  EXPECT_FALSE(guarded.has_usual_pen_since(7));
  EXPECT_TRUE(guarded.has_usual_pen_since(guarded.offset()));
}

TEST(DigestOffsetTest, AResizeUndoesTheRegion) {
  Digest digest = After("\x1b[3;7r");
  digest.Resized();
  EXPECT_EQ(digest.modes().Sequences(), "");
}

TEST(DigestOffsetTest, RebasedItKeepsTheModesAndCountsAnew) {
  Digest digest = After("\x1b[2J\x1b[c\x1b[?1h\x1b[?1049h\x1b]2;t\x07 text");
  const std::string modes = digest.modes().Sequences();
  digest.Rebase();
  EXPECT_EQ(digest.offset(), 0u);
  EXPECT_EQ(digest.whole(), 0u);
  EXPECT_EQ(digest.last_clear(), 0u);
  EXPECT_EQ(digest.last_query(), 0u);
  EXPECT_EQ(digest.modes().Sequences(), modes);
  EXPECT_TRUE(digest.modes().alternate());
  digest.Scan("abc\x1b[2J");
  EXPECT_EQ(digest.last_clear(), 3u);
  EXPECT_EQ(digest.offset(), 7u);
}

}  // namespace
}  // namespace deptyr
