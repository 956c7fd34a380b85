// Short streams, and the text that xterm shows after them, too.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "lib/term/screen.h"
#include "tests/term/terminal.h"

namespace deptyr {
namespace {

constexpr WindowSize kSize{6, 10};

Style StyleAt(absl::string_view bytes, size_t col) {
  Screen screen(kSize);
  screen.Write(bytes);
  return screen.Rows()[0].cells[col].style;
}

// --- the last column

TEST(PendingWrapTest, ErasingSparesTheLastCharacter) {
  for (const char* erase : {"K", "J", "X", "P", "@"}) {
    const std::string bytes = absl::StrCat("\x1b[1;8Habc\x1b[", erase);
    EXPECT_EQ(Shown(bytes), "       abc\n") << erase;
    EXPECT_EQ(Shown(bytes + "d"), "       abc\nd\n") << erase;
  }
}

TEST(PendingWrapTest, MovingEndsIt) {
  const std::string pending = "\x1b[2;8Habc";
  for (const auto& [moves, text] :
       std::vector<std::pair<std::string, std::string>>{
           {"\b", "\n       adc\n"},
           {"\x1b[D", "\n       adc\n"},
           {"\x1b[C", "\n       abd\n"},
           {"\x1b[A", "         d\n       abc\n"},
           {"\n", "\n       abc\n         d\n"},
           {"\x1bM", "         d\n       abc\n"},
           {"\x1b[2;10H", "\n       abd\n"}}) {
    EXPECT_EQ(Shown(pending + moves + "d"), text)
        << testing::PrintToString(moves);
  }
}

TEST(PendingWrapTest, ALineFeedThatScrollsEndsIt) {
  for (const char* feed : {"\n", "\x1b\x44"}) {
    EXPECT_EQ(Shown(absl::StrCat("\x1b[6;8Habc", feed, "d")),
              "\n\n\n\n       abc\n         d\n");
  }
  EXPECT_EQ(Shown("\x1b[1;8Habc\x1bMd"), "         d\n       abc\n");
}

TEST(PendingWrapTest, ItStaysWithASavedCursor) {
  EXPECT_EQ(Shown("\x1b[1;8Habc\x1b\x37\x1b[3;3H\x1b\x38"
                  "d"),
            "       abc\nd\n");
}

TEST(PendingWrapTest, WithoutAutowrapTheLastColumnIsOverwritten) {
  EXPECT_EQ(Shown("\x1b[?7labcdefghijXY"), "abcdefghiY\n");
  EXPECT_EQ(Shown("\x1b[?7labcdefghij\x1b[?7hk"), "abcdefghij\nk\n");
  EXPECT_EQ(Shown("\x1b[?7labcdefghij漢c"), "abcdefghic\n");
}

TEST(WrapTest, RowsSayWhetherTheyGoOn) {
  const auto wraps = [](absl::string_view bytes) {
    Screen screen(kSize);
    screen.Write(bytes);
    return screen.ReadRow(false, 0).wraps;
  };
  EXPECT_FALSE(wraps("abcdefghij"));
  EXPECT_TRUE(wraps("abcdefghijk"));
  EXPECT_FALSE(wraps("abcdefghij\r\nk"));
  for (const char* cuts : {"K", "J", "X", "P", " @"}) {
    EXPECT_FALSE(wraps(absl::StrCat("abcdefghijk\x1b[1;3H\x1b[", cuts)))
        << cuts;
  }
  EXPECT_TRUE(wraps("abcdefghijk\x1b[1;3H\x1b[1K\x1b[@x"));
}

// --- the cursor

TEST(CursorTest, StopsAtTheRegionsEdges) {
  const std::string region = "\x1b[2;4r";
  EXPECT_EQ(Shown(region + "\x1b[3;1H\x1b[9Ax"), "\nx\n");
  EXPECT_EQ(Shown(region + "\x1b[3;1H\x1b[9Bx"), "\n\n\nx\n");
  EXPECT_EQ(Shown(region + "\x1b[3;3H\x1b[9Ex"), "\n\n\nx\n");
  EXPECT_EQ(Shown(region + "\x1b[3;3H\x1b[9Fx"), "\nx\n");
  EXPECT_EQ(Shown(region + "\x1b[6;1H\x1b[9Ax"), "\nx\n") << "from below";
  EXPECT_EQ(Shown(region + "\x1b[1;1H\x1b[9Ax"), "x\n") << "above";
  EXPECT_EQ(Shown(region + "\x1b[5;1H\x1b[9Bx"), "\n\n\n\n\nx\n") << "below";
}

TEST(CursorTest, EachScreenHasOneOfItsOwnToSave) {
  EXPECT_EQ(
      Shown("\x1b[3;3H\x1b\x37\x1b[?47h\x1b[2;2H\x1b\x37\x1b[?47l\x1b\x38X"),
      "\n\n  X\n");
  EXPECT_EQ(Shown("\x1b[3;3H\x1b\x37\x1b[?47h\x1b\x38X"), "X\n");
}

TEST(CursorTest, Mode1049SharesThePlaceOfEsc7) {
  EXPECT_EQ(Shown("\x1b[3;3H\x1b[?1049h\x1b[?1049l\x1b[1;1H\x1b\x38X"),
            "\n\n  X\n");
  EXPECT_EQ(Shown("\x1b[3;3H\x1b\x37\x1b[1;1H\x1b[?1049lX"), "\n\n  X\n")
      << "dialog leaves without having entered";
  EXPECT_EQ(Shown("\x1b[3;3H\x1b[?1049lX"), "X\n");
}

TEST(CursorTest, ARestoredOneIsWithinTheRegion) {
  EXPECT_EQ(Shown("\x1b[2;4r\x1b[?6h\x1b\x37\x1b[4;5r\x1b\x38X"), "\n\n\nX\n");
}

TEST(CursorTest, WithReverseWrapItGoesUp) {
  EXPECT_EQ(Shown("\x1b[?45habcdefghijk\b\bX"), "abcdefghiX\nk\n");
  EXPECT_EQ(Shown("\x1b[?45h\x1b[2;1H\x1b[12DX"), "\n\n\n\n\n        X\n")
      << "from the first row to the last";
  EXPECT_EQ(Shown("\x1b[?45habcdefghij\bX"), "abcdefghiX\n")
      << "a pending wrap counts";
}

TEST(CursorTest, InsertingAndDeletingLinesGoesToTheMargin) {
  EXPECT_EQ(Shown("abc\x1b[LX"), "X\nabc\n");
  EXPECT_EQ(Shown("abc\r\ndef\x1b[1;3H\x1b[MX"), "Xef\n");
}

TEST(ScrollTest, ZeroIsOneButNotForSd) {
  EXPECT_EQ(Shown("a\r\nb\x1b[0S"), "b\n");
  EXPECT_EQ(Shown("a\x1b[T"), "\na\n");
  EXPECT_EQ(Shown("a\x1b[0T"), "a\n");
}

// --- screens

TEST(AlternateTest, Mode47KeepsWhatItShowed) {
  EXPECT_EQ(Shown("\x1b[?47habc\x1b[?47l\x1b[?47h"), "abc\n");
  EXPECT_EQ(Shown("\x1b[?47habc\x1b[?47l\x1b[?1047h"), "abc\n");
  EXPECT_EQ(Shown("\x1b[?47habc\x1b[?1047l\x1b[?47h"), "");
  EXPECT_EQ(Shown("\x1b[?47habc\x1b[?1049l\x1b[?47h"), "");
  EXPECT_EQ(Shown("\x1b[?47habc\x1b[?47l\x1b[?1049h"), "");
  EXPECT_EQ(Shown("\x1b[?47habc\x1b[?1049h"), "");
}

// --- looks

TEST(SgrTest, UnderlinesHaveStyles) {
  const std::pair<const char*, Underline> kStyles[] = {
      {"4", Underline::kSingle},   {"21", Underline::kDouble},
      {"4:2", Underline::kDouble}, {"4:3", Underline::kCurly},
      {"4:4", Underline::kDotted}, {"4:5", Underline::kDashed},
      {"4;4:0", Underline::kNone}, {"21;24", Underline::kNone}};
  for (const auto& [parameters, style] : kStyles) {
    const Style shown = StyleAt(absl::StrCat("\x1b[", parameters, "mx"), 0);
    EXPECT_EQ(shown.underline, style) << parameters;
    EXPECT_EQ(shown.fg, Color()) << parameters;
  }
}

TEST(SgrTest, UnderlinesHaveColours) {
  EXPECT_EQ(StyleAt("\x1b[4;58:5:9mx", 0).line, Color::Indexed(9));
  EXPECT_EQ(StyleAt("\x1b[4;58;5;9mx", 0).line, Color::Indexed(9));
  EXPECT_FALSE(StyleAt("\x1b[58;5;1mx", 0).blink);
  EXPECT_EQ(StyleAt("\x1b[58:2::1:2:3mx", 0).line,
            (Color{Color::Kind::kRgb, 1, 2, 3}));
  EXPECT_EQ(StyleAt("\x1b[58:5:9;59mx", 0).line, Color());
}

TEST(LinkTest, CellsHaveTheirs) {
  Screen screen(kSize);
  screen.Write("\x1b]8;;http://a\x1b\\a\x1b[mb\x1b]8;;\x1b\\c");
  const std::vector<Cell> cells = screen.Rows()[0].cells;
  EXPECT_EQ(cells[0].link, ";http://a");
  EXPECT_EQ(cells[1].link, ";http://a") << "SGR doesn't end it";
  EXPECT_EQ(cells[2].link, "");
}

// Links that no cell has any more are forgotten, and the others stay.
TEST(LinkTest, ThereMayBeMany) {
  Screen screen(kSize);
  screen.Write("\x1b[2;1H\x1b]8;;first\x1b\\x");
  for (int i = 0; i < 70'000; ++i) {
    screen.Write(absl::StrCat("\x1b[1;1H\x1b]8;;", i, "\x1b\\y"));
  }
  EXPECT_EQ(screen.Rows()[1].cells[0].link, ";first");
  EXPECT_EQ(screen.Rows()[0].cells[0].link, ";69999");
}

// --- characters

TEST(MarkTest, ManyJoinACharacter) {
  const std::string grave = "\xcc\x80";
  std::string marked = "e";
  for (size_t i = 0; i < CellTables::kMostMarks; ++i) marked += grave;
  EXPECT_EQ(Shown(marked), marked + "\n");
  EXPECT_EQ(Shown(marked + grave + "x"), marked + "x\n");
}

TEST(MarkTest, TheyJoinWhatWasPrintedOrIsAtTheCursor) {
  EXPECT_EQ(Shown("a\x1b[31m\xcc\x81"
                  "b"),
            "a\xcc\x81"
            "b\n");
  EXPECT_EQ(Shown("abc\x1b[1;2H\xcc\x81"),
            "ab\xcc\x81"
            "c\n");
  EXPECT_EQ(Shown("漢\x1b[1;2H\xcc\x81"), "漢\xcc\x81\n");
  EXPECT_EQ(Shown("a\x1b[K\xcc\x81"
                  "b"),
            "ab\n")
      << "nothing is there";
}

TEST(WideTest, AHalfThatIsLeftIsABlankInThePensColour) {
  EXPECT_EQ(Shown("漢\x1b[1;2HX"), " X\n");
  EXPECT_EQ(Shown("漢\x1b[1;1HX"), "X\n");
  EXPECT_EQ(StyleAt("\x1b[42m漢\x1b[4;41m\x1b[1;2HX", 0),
            (Style{.bg = Color::Indexed(1)}));
  EXPECT_EQ(Shown("a漢b\x1b[1;3;1;4;1;3;1;1$v"), "a漢b\n\n b\n");
}

TEST(RepeatTest, WrapsAndNeedsTheCharacterJustBefore) {
  EXPECT_EQ(Shown("x\x1b[10b"), "xxxxxxxxxx\nx\n");
  EXPECT_EQ(Shown("漢\x1b[b"), "漢漢\n");
  for (const char* between : {"\x7f", "\r", "\x1b[m", "\x1b]0;t\x07"}) {
    EXPECT_EQ(Shown(absl::StrCat("x", between, "\x1b[3b")), "x\n");
  }
}

// --- areas

TEST(RectangleTest, AreFilledErasedAndCopied) {
  const std::string filled = "\x1b[88;1;1;3;4$x";
  EXPECT_EQ(Shown(filled), "XXXX\nXXXX\nXXXX\n");
  EXPECT_EQ(Shown(filled + "\x1b[2;2;2;3$z"), "XXXX\nX  X\nXXXX\n");
  EXPECT_EQ(Shown("abc\x1b[1;2;1;3;1;3;5;1$v"), "abc\n\n    bc\n");
  EXPECT_EQ(Shown("\x1b[2;4r\x1b[?6h\x1b[88;1;1;1;2$x"), "\nXX\n")
      << "from the origin";
  EXPECT_EQ(Shown("\x1b[88;3;1;1;4$x"), "") << "the wrong way round";
}

TEST(RectangleTest, TheirLooksAreChanged) {
  constexpr absl::string_view kRows = "abcd\r\nabcd";
  const auto bold = [&](absl::string_view change, size_t row, size_t col) {
    Screen screen(kSize);
    screen.Write(absl::StrCat(kRows, change));
    return screen.Rows()[row].cells[col].style.bold;
  };
  EXPECT_TRUE(bold("\x1b[1;2;2;3;1$r", 0, 1));
  EXPECT_TRUE(bold("\x1b[1;2;2;3;1$r", 0, 5)) << "to the end of the row";
  EXPECT_FALSE(bold("\x1b[2*x\x1b[1;2;2;3;1$r", 0, 3)) << "DECSACE";
  EXPECT_FALSE(bold("\x1b[1;1;1;3;1$r\x1b[1;1;1;1;1$t", 0, 0)) << "reversed";
}

TEST(ProtectedTest, DecscaIsForSelectiveErasuresOnly) {
  const std::string text = "a\x1b[1\"qb\x1b[0\"qc";
  for (const char* erase : {"\x1b[?2K", "\x1b[?2J", "\x1b[1;1;1;3${"}) {
    EXPECT_EQ(Shown(text + erase), " b\n") << erase + 1;
  }
  for (const char* erase : {"\x1b[2K", "\x1b[2J", "\x1b[1;1;1;3$z"}) {
    EXPECT_EQ(Shown(text + erase), "") << erase + 1;
  }
}

TEST(ProtectedTest, SpaIsForErasures) {
  const std::string text = "a\x1bVb\x1bWc";
  for (const char* erase : {"\x1b[2K", "\x1b[2J", "\x1b[?2J", "\r\x1b[3X"}) {
    EXPECT_EQ(Shown(text + erase), " b\n") << erase + 1;
  }
  EXPECT_EQ(Shown(text + "\x1b[0\"q\x1b[2J"), "") << "until the next DECSCA";
}

TEST(ProtectedTest, DecseraKeepsTheLook) {
  EXPECT_EQ(StyleAt("\x1b[44mx\x1b[41m\x1b[1;1;1;1${", 0).bg,
            Color::Indexed(4));
}

TEST(MarginTest, TextAndLinesStayBetweenThem) {
  const std::string margins = "\x1b[?69h\x1b[3;6s";
  EXPECT_EQ(Shown(margins + "\x1b[1;3H12345"), "  1234\n  5\n");
  EXPECT_EQ(Shown(margins + "\x1b[1;5H\rx"), "  x\n");
  EXPECT_EQ(Shown("abcdefgh\r\nabcdefgh" + margins + "\x1b[1;3H\x1b[M"),
            "abcdefgh\nab    gh\n");
  EXPECT_EQ(Shown("abcdefgh" + margins + "\x1b[1;3H\x1b[P"), "abdef gh\n");
  EXPECT_EQ(Shown("abcdefgh" + margins + "\x1b[1;3H\x1b[4hX"), "abXcdegh\n");
  EXPECT_EQ(Shown("abcdefgh" + margins + "\x1b[4h\x1b[1;8HX"), "abcdefgX\n");
  EXPECT_EQ(Shown(margins + "\x1b[2;2H\x1b[?69hx\x1b[1;3H12345"),
            "  1234\n x5\n")
      << "to set the mode again changes nothing";
}

TEST(RowSizeTest, AWideRowHasHalfTheColumns) {
  Screen screen(kSize);
  screen.Write("\x1b#6abcdef\x1b[3;1H\x1b#3x");
  EXPECT_EQ(Text(screen), "abcde\nf\nx\n");
  EXPECT_EQ(screen.ReadRow(false, 0).size, RowSize::kWide);
  EXPECT_EQ(screen.ReadRow(false, 2).size, RowSize::kUpperHalf);
  screen.Write("\x1b[2;1H世世世世世\x1b#6");
  EXPECT_EQ(screen.cursor(), (Cursor{1, 4})) << "nothing waits there";
  screen.Write("\x1b[1;1H\x1b#5");
  EXPECT_EQ(screen.ReadRow(false, 0).size, RowSize::kSingle);
}

}  // namespace
}  // namespace deptyr
