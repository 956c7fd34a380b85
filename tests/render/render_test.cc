#include "lib/render/render.h"

#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Screen Showing(absl::string_view bytes, WindowSize size = {4, 20},
               size_t scrollback = 0) {
  Screen screen(size, scrollback);
  screen.Write(bytes);
  return screen;
}

TEST(TextTest, BlanksAtTheEndsAreLeftOut) {
  EXPECT_EQ(Text(Showing("")), "");
  EXPECT_EQ(Text(Showing("\x1b[44m   \x1b[K")), "");
  EXPECT_EQ(Text(Showing("a b  \r\n\r\n  c\r\n")), "a b\n\n  c\n");
  EXPECT_EQ(Text(Showing("x\x1b[4;20Hy")), "x\n\n\n                   y\n");
}

TEST(TextTest, WideAndCombiningCharacters) {
  EXPECT_EQ(Text(Showing("世界e\xcc\x81.\x1b[2;1H界\x1b[2;2Hx")),
            "世界e\xcc\x81.\n x\n");
}

TEST(AnsiTest, LinesHaveTheirColoursAndEndInTheUsualStyle) {
  EXPECT_EQ(Ansi(Showing("")), "");
  EXPECT_EQ(Ansi(Showing("a\x1b[1;31mbc\x1b[m d  \r\n\x1b[44m  \x1b[m\r\n")),
            "a\x1b[1;31mbc\x1b[m d\n\x1b[44m  \x1b[m\n");
}

TEST(TextTest, AWrappedLineStaysAsManyLinesAsItHasRows) {
  EXPECT_EQ(Text(Showing("123456", {4, 4})), "1234\n56\n");
}

TEST(AnsiTest, AWrappedLineIsOne) {
  EXPECT_EQ(Ansi(Showing("\x1b[31m123456\x1b[m\r\n7", {4, 4})),
            "\x1b[31m123456\x1b[m\n7\n");
  // A column that a wide character has left empty isn't part of the line.
  EXPECT_EQ(Ansi(Showing("123世4", {4, 4})), "123世4\n");
  EXPECT_EQ(Ansi(Showing("1234世", {4, 4})), "1234世\n");
  EXPECT_EQ(Ansi(Showing("123\x1b[C\r\n世", {4, 4})), "123\n世\n");
}

constexpr char kLinked[] =
    "\x1b]8;id=1;http://a.b/?x=1&y=\"2\"\x1b\\here\x1b]8;;\x1b\\ x";

TEST(AnsiTest, LinksAreKept) {
  EXPECT_EQ(Ansi(Showing(kLinked)), absl::StrCat(kLinked, "\n"));
  // Over the end of a row, and next to another one.
  constexpr char kLong[] =
      "\x1b]8;;a:1\x1b\\123456\x1b]8;;\x1b\\\x1b]8;;a:2\x1b\\世\x1b]8;;\x1b\\";
  EXPECT_EQ(Ansi(Showing(kLong, {4, 4})), absl::StrCat(kLong, "\n"));
}

TEST(AnsiTest, ALinkThatIsNotPrintableIsLeftOut) {
  EXPECT_EQ(Ansi(Showing("\x1b]8;;http://a\xc2\x9b/\x07x\x1b]8;;\x07")), "x\n");
}

TEST(SvgTest, IsADocumentWithEverythingEscaped) {
  const std::string svg =
      Svg(Showing("<a href=\"x\">&amp;\xef\xbf\xbf\x1b[?25l"), "<&>");
  EXPECT_THAT(svg,
              AllOf(testing::StartsWith("<svg xmlns=\"http://"),
                    testing::EndsWith("</svg>\n"),
                    HasSubstr("&lt;a href=&quot;x&quot;&gt;&amp;amp;\uFFFD"),
                    HasSubstr("<title>&lt;&amp;&gt;</title>")));
}

TEST(SvgTest, HasColoursAndAttributes) {
  const std::string svg = Svg(Showing(
      "\x1b[1;3;4;9;38;2;1;2;3;48;5;196mx\x1b[0;2mdim\x1b[0;7mrev\x1b[0;8mno"));
  EXPECT_THAT(
      svg, AllOf(HasSubstr("font-weight=\"bold\" font-style=\"italic\""),
                 HasSubstr("text-decoration=\"underline line-through\""),
                 HasSubstr("fill=\"#010203\""), HasSubstr("fill=\"#ff0000\""),
                 HasSubstr("fill-opacity=\"0.6\">dim<"),
                 HasSubstr("fill=\"#181818\">rev<"), Not(HasSubstr(">no<"))));
}

TEST(SvgTest, HasAllOfThePalette) {
  const std::string svg = Svg(
      Showing("\x1b[31ma\x1b[96mb\x1b[38;5;16mc\x1b[38;5;110md\x1b[38;5;232me"
              "\x1b[38;5;255mf"));
  EXPECT_THAT(
      svg,
      AllOf(HasSubstr("fill=\"#cd0000\">a<"), HasSubstr("fill=\"#00ffff\">b<"),
            HasSubstr("fill=\"#000000\">c<"), HasSubstr("fill=\"#87afd7\">d<"),
            HasSubstr("fill=\"#080808\">e<"),
            HasSubstr("fill=\"#eeeeee\">f<")));
}

TEST(SvgTest, ALineUnderBlanksIsSeen) {
  for (const char* line : {"\x1b[4m", "\x1b[9m", "\x1b[53m"}) {
    EXPECT_THAT(Svg(Showing(std::string(line) + "   \x1b[mx")),
                HasSubstr("text-decoration="));
  }
  EXPECT_THAT(Svg(Showing("\x1b[1m   \x1b[mx")), Not(HasSubstr("bold")));
}

TEST(SvgTest, TheCursorIsWhereItIsUnlessHidden) {
  constexpr char kCursor[] =
      "<rect x=\"16.4\" y=\"8\" width=\"8.4\" height=\"17\" fill=\"#d8d8d8\"/>";
  EXPECT_THAT(Svg(Showing("abc\x1b[1;2H")),
              AllOf(HasSubstr(kCursor), HasSubstr("fill=\"#181818\">b<")));
  EXPECT_THAT(Svg(Showing("abc\x1b[1;2H\x1b[?25l")), Not(HasSubstr(kCursor)));
}

TEST(SvgTest, AWideCharacterHasBothItsColumns) {
  EXPECT_THAT(Svg(Showing("a世b\x1b[?25l")),
              AllOf(HasSubstr("textLength=\"16.8\""), HasSubstr(">世<")));
  // The cursor is on both of its halves.
  for (const char* move : {"\x1b[1;2H", "\x1b[1;3H"}) {
    EXPECT_THAT(Svg(Showing(std::string("a世b") + move)),
                HasSubstr("<rect x=\"16.4\" y=\"8\" width=\"16.8\""));
  }
}

TEST(SvgTest, ReverseVideo) {
  EXPECT_THAT(Svg(Showing("\x1b[?5hx")),
              HasSubstr("height=\"100%\" fill=\"#d8d8d8\""));
}

TEST(ScrollbackTest, LinesThatLeaveTheTopAreKept) {
  const Screen screen =
      Showing("\x1b[31m1\x1b[m one\r\n2  \r\n3\r\n4\r\n5\r\n6", {4, 20}, 10);
  EXPECT_THAT(screen.Scrollback(), ElementsAre("\x1b[31m1\x1b[m one", "2"));
  EXPECT_EQ(Text(screen), "3\n4\n5\n6\n");
}

TEST(ScrollbackTest, NotMoreThanThereIsRoomFor) {
  EXPECT_THAT(Showing(Lines(100), {4, 20}, 3).Scrollback(),
              ElementsAre("94 line", "95 line", "96 line"));
  EXPECT_THAT(Showing(Lines(100)).Scrollback(), IsEmpty());
}

TEST(ScrollbackTest, NothingOfTheAlternateScreen) {
  EXPECT_THAT(Showing("\x1b[?1049h" + Lines(100), {4, 20}, 3).Scrollback(),
              IsEmpty());
}

TEST(ScrollbackTest, ErasedByED3) {
  EXPECT_THAT(Showing(Lines(9) + "\x1b[3J", {4, 20}, 9).Scrollback(),
              IsEmpty());
}

}  // namespace
}  // namespace deptyr
