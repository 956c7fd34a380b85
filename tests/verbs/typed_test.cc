#include "lib/verbs/typed.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/term/digest.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(UnescapeTest, KnowsTheUsualEscapes) {
  EXPECT_EQ(Value(Unescape("stop\\n")), "stop\n");
  EXPECT_EQ(Value(Unescape("\\r\\t\\b\\a\\e\\\\")), "\r\t\b\a\x1b\\");
  EXPECT_EQ(Value(Unescape("\\x03\\x1b[A\\x4z")), "\x03\x1b[A\x04z");
  EXPECT_EQ(Value(Unescape("\\033[A\\0x\\03779")), std::string("\x1b[A\0x\xff"
                                                               "9",
                                                               7));
  EXPECT_EQ(Value(Unescape("\xc3\xa4 plain")), "\xc3\xa4 plain");
  EXPECT_EQ(Value(Unescape("\\08\\0a")), std::string("\0"
                                                     "8\0a",
                                                     4));
  EXPECT_EQ(Value(Unescape("")), "");
}

TEST(UnescapeTest, RefusesTheRest) {
  for (const char* wrong : {"\\", "a\\", "\\q", "\\x", "\\xg", "\\1"}) {
    EXPECT_THAT(Unescape(wrong), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("unknown escape")))
        << wrong;
  }
}

std::string Typed(const Piece& piece, absl::string_view asked = "") {
  Digest digest;
  digest.Scan(asked);
  return Value(BytesOf(piece, digest.modes()));
}

TEST(PieceTest, TheLastLineEndIsAPieceOfItsOwn) {
  const auto texts = [](absl::string_view text) {
    std::vector<std::string> all;
    for (const Piece& piece : PiecesOfText(text)) all.push_back(Typed(piece));
    return all;
  };
  EXPECT_THAT(texts("stop\n"), ElementsAre("stop", "\n"));
  EXPECT_THAT(texts("a\nb\r"), ElementsAre("a\nb", "\r"));
  EXPECT_THAT(texts("a"), ElementsAre("a"));
  EXPECT_THAT(texts("\n"), ElementsAre("\n"));
  EXPECT_THAT(texts(""), IsEmpty());
}

TEST(PieceTest, TheLastLineIsTheOneThatIsEntered) {
  EXPECT_EQ(LineEntered(PiecesOfText("a\nb\n")), "b");
  std::vector<Piece> pieces = PiecesOfText("ab");
  EXPECT_EQ(LineEntered(pieces), std::nullopt);
  pieces.push_back(Value(PiecesOfKeys("Enter"))[0]);
  EXPECT_EQ(LineEntered(pieces), "ab");
  EXPECT_EQ(LineEntered({}), std::nullopt);
}

TEST(PieceTest, ALineOfOnesOwnWaitsAndClears) {
  const std::vector<Piece> line =
      PiecesOfLine(Value(PiecesOfKeys(kClearsLine)), "stop\n");
  ASSERT_EQ(line.size(), 4u);
  EXPECT_EQ(line[0].kind, Piece::Kind::kTurn);
  EXPECT_EQ(Typed(line[0]), "");
  EXPECT_EQ(Typed(line[1]), "\x15");
  EXPECT_EQ(Typed(line[2]), "stop");
  EXPECT_EQ(Typed(line[3]), "\n");
}

TEST(PieceTest, EachKeyIsOneAsTheProgramWantsIt) {
  const std::vector<Piece> keys = Value(PiecesOfKeys("C-c  Up M-x"));
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_FALSE(DependsOnModes(keys[0]));
  EXPECT_EQ(Typed(keys[0]), "\x03");
  EXPECT_TRUE(DependsOnModes(keys[1]));
  EXPECT_EQ(Typed(keys[1]), "\x1b[A");
  EXPECT_EQ(Typed(keys[1], "\x1b[?1h"), "\x1bOA");
  EXPECT_EQ(Typed(keys[2]), "\x1bx");
  EXPECT_THAT(PiecesOfKeys("Up Nosuch"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("not a key: Nosuch")));
}

TEST(PieceTest, APasteIsInBracketsWhereTheProgramAskedForThem) {
  const Piece paste{.kind = Piece::Kind::kPaste, .text = "a\r\nb\n\tc"};
  EXPECT_TRUE(DependsOnModes(paste));
  EXPECT_EQ(Typed(paste), "a\rb\r\tc");
  EXPECT_EQ(Typed(paste, "\x1b[?2004h"), "\x1b[200~a\rb\r\tc\x1b[201~");
}

TEST(PieceTest, NothingInAPasteEndsIt) {
  const Piece paste{.kind = Piece::Kind::kPaste, .text = "a\x1b[201~\x03z\x7f"};
  EXPECT_EQ(Typed(paste, "\x1b[?2004h"), "\x1b[200~a[201~z\x1b[201~");
}

TEST(PieceTest, AClickIsSaidAsTheProgramAsked) {
  const Piece click = Value(ParseMouse("2,9"));
  EXPECT_TRUE(DependsOnModes(click));
  EXPECT_EQ(Typed(click, "\x1b[?1000;1006h"), "\x1b[<0;10;3M\x1b[<0;10;3m");
  EXPECT_EQ(Typed(click, "\x1b[?1002;1015h"), "\x1b[32;10;3M\x1b[35;10;3M");
  EXPECT_EQ(Typed(click, "\x1b[?1003h"), "\x1b[M *#\x1b[M#*#");
  EXPECT_EQ(Typed(click, "\x1b[?9h"), "\x1b[M *#");
  const Piece wheel = Value(ParseMouse("wheel-down:0,0"));
  EXPECT_EQ(Typed(wheel, "\x1b[?1000;1006h"), "\x1b[<65;1;1M");
  EXPECT_EQ(Typed(Value(ParseMouse("right:0,0")), "\x1b[?1000;1006h"),
            "\x1b[<2;1;1M\x1b[<2;1;1m");
}

TEST(PieceTest, AClickThatTheProgramWouldNotHearOfIsAnError) {
  const auto click = [](const char* event, absl::string_view asked) {
    Digest digest;
    digest.Scan(asked);
    return BytesOf(Value(ParseMouse(event)), digest.modes()).status();
  };
  EXPECT_THAT(click("0,0", ""), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("hasn't asked")));
  EXPECT_THAT(
      click("0,0", "\x1b[?1000;1016h"),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("in pixels")));
  EXPECT_THAT(click("0,300", "\x1b[?1000h"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("ends at row and column 222")));
}

TEST(PieceTest, AnotherMouseEventIsTheUsersError) {
  for (const char* wrong :
       {"", "1", "1,", "1,2,3", "-1,2", "x,1", "up:1,2", ":1,2", "1,99999"}) {
    EXPECT_THAT(ParseMouse(wrong), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("not a mouse event")))
        << wrong;
  }
}

}  // namespace
}  // namespace deptyr
