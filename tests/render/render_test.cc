#include "lib/render/render.h"

#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/utf8.h"
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

TEST(FingerprintTest, ItChangesWithWhatIsShownAndOnlyThen) {
  const uint64_t plain = Fingerprint(Showing("a b"));
  EXPECT_EQ(plain, 3061525650894900518u);
  EXPECT_EQ(Fingerprint(Showing("x\rab\x1b[1;2H b")), plain);
  for (const char* other :
       {"a  b", "a b ", "\x1b[31ma b", "a b\x1b[?25l", "\x1b[?5ha b",
        "\x1b[?1049h\x1b[Ha b", "\x1b]8;;file:///\x1b\\a b"}) {
    EXPECT_NE(Fingerprint(Showing(other)), plain) << other;
  }
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

TEST(SvgTest, LinksThatPeopleMayFollow) {
  EXPECT_THAT(
      Svg(Showing(kLinked)),
      HasSubstr("<a href=\"http://a.b/?x=1&amp;y=&quot;2&quot;\"><text"));
  EXPECT_THAT(Svg(Showing(kLinked)), HasSubstr(">here</text></a>"));
  for (const char* uri :
       {"HTTPS://a/", "mailto:a@b", "ftp://a/", "file:///etc/motd"}) {
    EXPECT_THAT(Svg(Showing(absl::StrCat("\x1b]8;;", uri, "\x07x"))),
                HasSubstr(absl::StrCat("<a href=\"", uri, "\">")));
  }
}

TEST(SvgTest, LinksToProgramsAreLeftOut) {
  for (const char* uri :
       {"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x",
        "vbscript:x", "blob:http://a/", "/etc/motd", " http://a/",
        "http\xc2\x9b://a/", "x-http://a/", "http"}) {
    EXPECT_THAT(Svg(Showing(absl::StrCat("\x1b]8;;", uri, "\x07x"))),
                AllOf(Not(HasSubstr("href")), HasSubstr(">x")))
        << uri;
  }
}

TEST(SvgTest, IsADocumentWithEverythingEscaped) {
  const std::string svg =
      Svg(Showing("<a href=\"x\">&amp;\xef\xbf\xbf\x1b[?25l"), "<&>");
  EXPECT_THAT(svg, AllOf(testing::StartsWith("<svg xmlns=\"http://"),
                         testing::EndsWith("</svg>\n"),
                         HasSubstr("&lt;a href=&quot;x&quot;&gt;&amp;amp;<"),
                         HasSubstr(">\uFFFD<"),
                         HasSubstr("<title>&lt;&amp;&gt;</title>")));
}

// Whether another program, which knows XML, can read it.
bool IsXml(const std::string& svg) {
  FILE* python = popen(
      "python3 -c 'import sys, xml.etree.ElementTree as tree\n"
      "tree.parse(sys.stdin.buffer)'",
      "w");
  fwrite(svg.data(), 1, svg.size(), python);
  return pclose(python) == 0;
}

TEST(SvgTest, IsXmlWhateverTheCharacters) {
  constexpr int kPlane = 0x10000;
  std::string all;
  for (char32_t c = 0; c < 3 * kPlane; ++c) {
    const bool surrogate = c >= 0xd800 && c < 0xe000;
    if (c >= ' ' && !surrogate && (c < 0x7f || c >= 0xa0)) AppendUtf8(c, all);
  }
  EXPECT_TRUE(IsXml(Svg(Showing(all, {300, 1000}))));
  EXPECT_TRUE(
      IsXml(Svg(Showing(absl::StrCat(kLinked,
                                     "\x1b]8;;http:'<>&\x80\xff\xef\xbf"
                                     "\xbf\x1b\\\x1b[4:3;9;53m\x1b#3x")))));
}

TEST(SvgTest, HasColoursAndAttributes) {
  const std::string svg =
      Svg(Showing("\x1b[1;3;9;53;38;2;1;2;3;48;5;196mx\x1b[0;2mdim\x1b[0;"
                  "7mrev\x1b[0;8mno"));
  EXPECT_THAT(
      svg, AllOf(HasSubstr("font-weight=\"bold\" font-style=\"italic\""),
                 HasSubstr("text-decoration=\"line-through overline\""),
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

TEST(SvgTest, BoldTextIsBrightIfItsColourIsOneOfTheFirstEight) {
  EXPECT_THAT(Svg(Showing("\x1b[31mx\x1b[?25l")),
              HasSubstr("fill=\"#cd0000\""));
  EXPECT_THAT(Svg(Showing("\x1b[1;31mx\x1b[?25l")),
              HasSubstr("fill=\"#ff0000\""));
  EXPECT_THAT(Svg(Showing("\x1b[1;7;31mx\x1b[?25l")),
              HasSubstr("height=\"16\" fill=\"#ff0000\""));
  // Neither a bold text's background nor its line.
  EXPECT_THAT(Svg(Showing("\x1b[1;4;41;58:5:2mx\x1b[?25l")),
              AllOf(HasSubstr("height=\"16\" fill=\"#cd0000\""),
                    HasSubstr("stroke=\"#00cd00\"")));
  EXPECT_THAT(Svg(Showing("\x1b[1;90mx\x1b[?25l")),
              HasSubstr("fill=\"#7f7f7f\""));
  EXPECT_THAT(Svg(Showing("\x1b[1mx\x1b[?25l")), HasSubstr("fill=\"#d8d8d8\""));
}

TEST(SvgTest, UnderlinesHaveTheirStylesAndColours) {
  for (const auto& [sgr, path] :
       {std::pair{"4", "M8 22.3h8.4h8.4"},
        {"21", "M8 22.3m0-.7h8.4m-8.4 2h8.4m0-1.3m0-.7h8.4m-8.4 2h8.4m0-1.3"},
        {"4:3", "M8 22.3q2.1-3 4.2 0t4.2 0q2.1-3 4.2 0t4.2 0"},
        {"4:4", "M8 22.3h1.4m1.4 0h1.4m1.4 0h1.4m1.4 0h1.4m"},
        {"4:5", "M8 22.3h5.6m2.8 0h5.6m2.8 0"}}) {
    const std::string svg =
        Svg(Showing(absl::StrCat("\x1b[", sgr, ";58:2::1:2:3mxy\x1b[?25l")));
    EXPECT_THAT(svg, AllOf(HasSubstr(absl::StrCat("d=\"", path)),
                           HasSubstr("stroke=\"#010203\""),
                           HasSubstr("fill=\"#d8d8d8\">xy<")));
  }
  EXPECT_THAT(Svg(Showing("\x1b[4;34mx")), HasSubstr("stroke=\"#3b78ff\""));
}

// A gap would show what is beneath.
TEST(SvgTest, ThereIsNoGapBetweenBackgrounds) {
  EXPECT_THAT(
      Svg(Showing("\x1b[41ma\x1b[1mb\x1b[42mcd\x1b[m \x1b[43me\x1b[?25l")),
      HasSubstr("<g shape-rendering=\"crispEdges\">\n"
                "<rect x=\"8\" y=\"8\" width=\"33.6\" height=\"16\" "
                "fill=\"#cd0000\"/>\n"
                "<rect x=\"24.8\" y=\"8\" width=\"16.8\" height=\"16\" "
                "fill=\"#00cd00\"/>\n"
                "<rect x=\"50\" y=\"8\" width=\"8.4\" height=\"16\" "
                "fill=\"#cdcd00\"/>\n</g>\n"));
}

TEST(SvgTest, WhatATextFontMayLackShiftsNothing) {
  EXPECT_THAT(Svg(Showing("aé\u2502b\u2500\u2588\u28ff\x1b[?25l")),
              AllOf(HasSubstr(">aé<"), HasSubstr(">\u2502<"),
                    HasSubstr("x=\"33.2\" y=\"21\" textLength=\"8.4\""),
                    HasSubstr(">\u2500\u2588<"), HasSubstr(">\u28ff<")));
}

TEST(SvgTest, RowsOfDoubleWidthAndHeight) {
  const std::string svg =
      Svg(Showing("\x1b#6w\x1b[41m \x1b[m\r\n\x1b#3u\r\n\x1b#4l\x1b[?25l"));
  EXPECT_THAT(
      svg,
      AllOf(HasSubstr("<rect x=\"24.8\" y=\"8\" width=\"16.8\" "),
            HasSubstr("y=\"8\" width=\"168\" height=\"16\" "
                      "viewBox=\"8 8 84 16\" preserveAspectRatio=\"none\">\n"
                      "<text x=\"8\" y=\"21\""),
            HasSubstr("viewBox=\"8 24 84 8\""),
            HasSubstr("viewBox=\"8 48 84 8\"")));
}

TEST(SvgTest, ALineUnderBlanksIsSeen) {
  for (const char* line : {"\x1b[9m", "\x1b[53m"}) {
    EXPECT_THAT(Svg(Showing(std::string(line) + "   \x1b[mx")),
                HasSubstr("text-decoration="));
  }
  EXPECT_THAT(Svg(Showing("\x1b[4m   \x1b[mx")), HasSubstr("<path "));
  EXPECT_THAT(Svg(Showing("\x1b[1m   \x1b[mx")), Not(HasSubstr("bold")));
}

TEST(SvgTest, TheCursorIsWhereItIsUnlessHidden) {
  constexpr char kCursor[] =
      "<rect x=\"16.4\" y=\"8\" width=\"8.4\" height=\"16\" fill=\"#d8d8d8\"/>";
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
