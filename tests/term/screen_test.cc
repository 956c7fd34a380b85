#include "lib/term/screen.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/render/render.h"
#include "lib/term/digest.h"
#include "tests/support/recordings.h"
#include "tests/term/costly.h"
#include "tests/term/same_screen.h"
#include "tests/term/terminal.h"
#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

constexpr WindowSize kSize{24, 80};

class ScreenTest : public testing::TestWithParam<Transcript> {};

TEST_P(ScreenTest, HowItIsCutDoesNotMatter) {
  Terminal at_once(kSize);
  at_once.Write(GetParam().bytes);
  Terminal in_bytes(kSize);
  for (const char c : GetParam().bytes) {
    in_bytes.Write(absl::string_view(&c, 1));
  }
  EXPECT_TRUE(SameScreen(at_once.screen, in_bytes.screen));
  EXPECT_EQ(at_once.Paint(), in_bytes.Paint());
}

TEST_P(ScreenTest, APaintedOneIsTheSame) {
  Terminal terminal(kSize);
  terminal.Write(GetParam().bytes);
  Terminal copy = terminal.Copy();
  EXPECT_TRUE(SameScreen(terminal.screen, copy.screen))
      << testing::PrintToString(terminal.Paint());
  // Painting it has changed nothing.
  EXPECT_EQ(terminal.Paint(), terminal.Paint());
}

// The output that programs go on with, wherever they were.
const std::vector<std::string>& Continuations() {
  static const std::vector<std::string> continuations = {
      "x",
      "\xcc\x81",
      "\x1b[5b",
      "qqq\x1b[3b",
      "\x1b\x38y",
      "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nz",
      "\x1bMx\x1bM\x1bM",
      "\x1b[?1049lprompt$ ",
      "\x1b[?47lprompt$ ",
      "\x1b[3;3Habc\x1b[1;1H\tx\ty",
      "\x1b[K\x1b[1;1H\x1b[J",
      "\x1b[99;99Hx\r\n\x1b[mx",
      std::string(200, 'w'),
  };
  return continuations;
}

TEST_P(ScreenTest, APaintedOneGoesOnTheSame) {
  for (const std::string& bytes : Continuations()) {
    Terminal terminal(kSize);
    terminal.Write(GetParam().bytes);
    Terminal copy = terminal.Copy();
    terminal.Write(bytes);
    copy.Write(bytes);
    EXPECT_TRUE(SameScreen(terminal.screen, copy.screen))
        << "after " << testing::PrintToString(bytes);
  }
}

TEST_P(ScreenTest, OneThatIsParkedEverywhereIsTheSame) {
  Terminal terminal(kSize);
  terminal.Write(GetParam().bytes);
  Screen parked(kSize);
  Digest digest;
  std::string held;
  for (const char c : GetParam().bytes) {
    held += c;
    digest.Scan(absl::string_view(&c, 1));
    if (digest.whole() != digest.offset()) continue;
    parked.Write(held);
    held.clear();
    Screen next(kSize);
    next.Write(parked.Paint(digest.modes(), kSize));
    parked = std::move(next);
  }
  EXPECT_TRUE(SameScreen(terminal.screen, parked));
}

// Entered by mode 47, xterm's still has what was on it.
TEST(PaintTest, TheAlternateScreenIsCleared) {
  Terminal terminal(kSize);
  terminal.Write("shell\x1b[?47h");
  EXPECT_THAT(terminal.Paint(), testing::HasSubstr("\x1b[?47h\x1b[H\x1b[2J"));
}

TEST(PaintTest, WhatHasNoRoomIsLeftOut) {
  Terminal terminal(kSize);
  terminal.Write("abc世\r\nd\x1b[5;9Hx");
  Terminal small({2, 4});
  small.Write(terminal.screen.Paint(terminal.digest.modes(), {2, 4}));
  EXPECT_EQ(Text(small.screen), "abc\nd\n");
}

TEST(PaintTest, OutsideOfTheRegionWhatIsInsertedIsTheSame) {
  for (const char* row : {"1", "9"}) {
    Terminal terminal(kSize);
    terminal.Write(absl::StrCat("\x1b[3;5r\x1b[4h\x1b[", row, ";9Hyx\bX"));
    Terminal copy = terminal.Copy();
    EXPECT_TRUE(SameScreen(terminal.screen, copy.screen));
    terminal.Write("abc");
    copy.Write("abc");
    EXPECT_TRUE(SameScreen(terminal.screen, copy.screen));
  }
}

TEST(PaintTest, ASavedCursorThatHasNoRoomIsMovedIn) {
  Terminal terminal({2, 8});
  terminal.Write("abcdefgh\x1b\x37\x1b[2;1Hx");
  Terminal small({2, 4});
  small.Write(terminal.screen.Paint(terminal.digest.modes(), {2, 4}));
  small.Write("\x1b\x38y");
  EXPECT_EQ(Text(small.screen), "abcy\nx\n");
}

TEST(PaintTest, AShellsScreenIsSmall) {
  Terminal terminal(kSize);
  for (int i = 0; i < 15; ++i) terminal.Write("\x1b[1m$\x1b[m make all\r\n");
  EXPECT_LT(terminal.Paint().size(), 700);
}

TEST(ResizeTest, ASmallerScreenKeepsTheCursorsLine) {
  Terminal terminal({6, 20});
  terminal.Write("1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[4;2H");
  terminal.screen.Resize({3, 20});
  EXPECT_EQ(Text(terminal.screen), "2\n3\n4\n");
  EXPECT_EQ(terminal.screen.cursor(), (Cursor{2, 1}));
}

TEST(ResizeTest, TheScrollRegionIsAllOfIt) {
  Terminal terminal({6, 20});
  terminal.Write("\x1b[5;6rx");
  terminal.screen.Resize({4, 20});
  terminal.Write("\x1b[H1\r\n2\r\n3\r\n4\r\n5");
  EXPECT_EQ(Text(terminal.screen), "2\n3\n4\n5\n");
}

TEST(ResizeTest, TheSameSizeChangesNothing) {
  Terminal terminal({6, 20});
  terminal.Write("\x1b[1;2r");
  terminal.screen.Resize({6, 20});
  terminal.Write("1\r\n2\r\n3\x1b[6;1Hx");
  EXPECT_EQ(Text(terminal.screen), "2\n3\n\n\n\nx\n");
}

// Where the cursor stays, it still waits to wrap.
TEST(ResizeTest, WhoWaitsToWrapGoesOnWaiting) {
  for (const WindowSize size : {WindowSize{2, 4}, {3, 4}}) {
    Terminal terminal({2, 4});
    terminal.Write("abcd");
    terminal.screen.Resize(size);
    terminal.Write("x");
    EXPECT_EQ(Text(terminal.screen), "abcd\nx\n");
  }
  for (const auto& [size, text] : {std::pair(WindowSize{2, 4}, "abcd\nx\n"),
                                   std::pair(WindowSize{2, 6}, "abcdx\n")}) {
    Terminal terminal({2, 4});
    terminal.Write("abcd\x1b\x37\x1b[2;1H");
    terminal.screen.Resize(size);
    terminal.Write("\x1b\x38x");
    EXPECT_EQ(Text(terminal.screen), text) << "a saved cursor";
  }
}

TEST(ResizeTest, AnySizeWillDo) {
  const std::string bytes = Repeated("a世\x1b[9b\x1b[2@\x1b[L", 9);
  for (const WindowSize size :
       {WindowSize{0, 0}, {1, 1}, {1, 2}, {2, 1}, {1000, 1000}, {1, 500}}) {
    Terminal terminal(kSize);
    terminal.Write(bytes);
    terminal.screen.Resize(size);
    terminal.Write(bytes);
    EXPECT_EQ(terminal.screen.size(), size);
    EXPECT_LT(terminal.screen.cursor().row, std::max<int>(size.rows, 1));
  }
}

class RecordingTest : public testing::TestWithParam<Recording> {};

TEST_P(RecordingTest, PaintedAnywhereItGoesOnTheSame) {
  constexpr size_t kStep = 997;
  const std::string& bytes = GetParam().bytes;
  Terminal terminal(kSize);
  Terminal painted(kSize);
  size_t before = 0;
  for (size_t from = 0; from < bytes.size(); from += kStep) {
    terminal.digest.Scan(absl::string_view(bytes).substr(from, kStep));
    const auto cut = static_cast<size_t>(terminal.digest.whole());
    const absl::string_view part(bytes.data() + before, cut - before);
    terminal.screen.Write(part);
    painted.Write(part);
    ASSERT_TRUE(SameScreen(terminal.screen, painted.screen)) << "at " << cut;
    painted = terminal.Copy();
    ASSERT_TRUE(SameScreen(terminal.screen, painted.screen)) << "at " << cut;
    before = cut;
  }
}

// --- what it costs

TEST(StyleTest, OneWithEverythingIsKept) {
  constexpr absl::string_view kAll =
      "\x1b[1;2;3;4:3;5;7;8;9;53;38;2;255;254;253;48;2;200;201;202m";
  Terminal terminal(kSize);
  for (int i = 0; i < 1000; ++i) terminal.Write(absl::StrCat(kAll, "x\x1b[m."));
  const Style style = terminal.screen.Rows()[0].cells[0].style;
  EXPECT_TRUE(style.bold && style.dim && style.italic && style.blink &&
              style.reverse && style.conceal && style.strike && style.overline);
  EXPECT_EQ(style.underline, Underline::kCurly);
  EXPECT_EQ(style.fg, (Color{Color::Kind::kRgb, 255, 254, 253}));
  EXPECT_EQ(style.bg, (Color{Color::Kind::kRgb, 200, 201, 202}));
  Terminal copy = terminal.Copy();
  EXPECT_TRUE(SameScreen(terminal.screen, copy.screen));
}

// The style of a character that is written after these parameters.
Style StyleAfter(absl::string_view parameters) {
  Terminal terminal(kSize);
  terminal.Write(absl::StrCat("\x1b[", parameters, "mx"));
  return terminal.screen.Rows()[0].cells[0].style;
}

TEST(StyleTest, EachParameterSetsOneThing) {
  const struct {
    const char* on;
    const char* off;
    Style style;
  } kAll[] = {
      {"1", "22", {.bold = true}},
      {"2", "22", {.dim = true}},
      {"3", "23", {.italic = true}},
      {"4", "24", {.underline = Underline::kSingle}},
      {"4:1", "4:0", {.underline = Underline::kSingle}},
      {"4:2", "24", {.underline = Underline::kDouble}},
      {"4:3", "24", {.underline = Underline::kCurly}},
      {"4:4", "24", {.underline = Underline::kDotted}},
      {"4:5", "24", {.underline = Underline::kDashed}},
      {"4:6", "24", {.underline = Underline::kSingle}},
      {"21", "24", {.underline = Underline::kDouble}},
      {"5", "25", {.blink = true}},
      {"6", "25", {.blink = true}},
      {"7", "27", {.reverse = true}},
      {"8", "28", {.conceal = true}},
      {"9", "29", {.strike = true}},
      {"53", "55", {.overline = true}},
      {"30", "39", {.fg = Color::Indexed(0)}},
      {"37", "39", {.fg = Color::Indexed(7)}},
      {"90", "39", {.fg = Color::Indexed(8)}},
      {"97", "39", {.fg = Color::Indexed(15)}},
      {"40", "49", {.bg = Color::Indexed(0)}},
      {"47", "49", {.bg = Color::Indexed(7)}},
      {"100", "49", {.bg = Color::Indexed(8)}},
      {"107", "49", {.bg = Color::Indexed(15)}},
      {"38;5;200", "39", {.fg = Color::Indexed(200)}},
      {"48:5:201", "49", {.bg = Color::Indexed(201)}},
      {"58;5;202", "59", {.line = Color::Indexed(202)}},
      {"38;2;1;2;3", "39", {.fg = {Color::Kind::kRgb, 1, 2, 3}}},
      {"48:2:1:2:3", "49", {.bg = {Color::Kind::kRgb, 1, 2, 3}}},
      {"48:2:9:1:2:3", "49", {.bg = {Color::Kind::kRgb, 1, 2, 3}}},
      {"58:2::1:2:3", "59", {.line = {Color::Kind::kRgb, 1, 2, 3}}},
  };
  for (const auto& [on, off, style] : kAll) {
    EXPECT_EQ(StyleAfter(on), style) << on;
    EXPECT_EQ(StyleAfter(absl::StrCat(on, ";", off)), Style()) << on;
    // Its parameters end where they should.
    Style more = style;
    more.italic = true;
    EXPECT_EQ(StyleAfter(absl::StrCat(on, ";3")), more) << on;
    EXPECT_EQ(StyleAfter(absl::StrCat(on, ";0")), Style()) << on;
    // A picture has it, and turns it off.
    Terminal terminal(kSize);
    terminal.Write(absl::StrCat("\x1b[", on, "mx\x1b[", off, "my"));
    Terminal copy = terminal.Copy();
    EXPECT_TRUE(SameScreen(terminal.screen, copy.screen)) << on;
  }
  for (const char* nothing :
       {"10", "29", "98", "108", "38;5", "38;2;1;2", "38;9", "38:9:1:2"}) {
    EXPECT_EQ(StyleAfter(nothing), Style()) << nothing;
  }
}

// DECCARA sets attributes of a rectangle, and DECRARA turns them over.
TEST(StyleTest, ARectangleTakesFourAttributes) {
  const auto changed = [](absl::string_view before, absl::string_view change) {
    Terminal terminal(kSize);
    terminal.Write(absl::StrCat("\x1b[", before, "mx\x1b[1;1;1;1;", change));
    return terminal.screen.Rows()[0].cells[0].style;
  };
  const struct {
    const char* on;
    const char* off;
    Style style;
  } kKnown[] = {
      {"1", "22", {.bold = true}},
      {"4", "24", {.underline = Underline::kSingle}},
      {"5", "25", {.blink = true}},
      {"7", "27", {.reverse = true}},
  };
  for (const auto& [on, off, style] : kKnown) {
    EXPECT_EQ(changed("", absl::StrCat(on, "$r")), style) << on;
    EXPECT_EQ(changed(on, absl::StrCat(off, "$r")), Style()) << off;
    EXPECT_EQ(changed(on, "0$r"), Style()) << on;
    EXPECT_EQ(changed("", absl::StrCat(on, "$t")), style) << on;
    EXPECT_EQ(changed(on, absl::StrCat(on, "$t")), Style()) << on;
  }
  EXPECT_EQ(changed("1;4", "0$t"), (Style{.blink = true, .reverse = true}));
  for (const char* nothing : {"3$r", "23$r", "8$t", "6$r"}) {
    EXPECT_EQ(changed("1", nothing), Style{.bold = true}) << nothing;
    EXPECT_EQ(changed("", nothing), Style()) << nothing;
  }
}

TEST(TabTest, StopsAreSetClearedAndReset) {
  const auto col_after = [](absl::string_view bytes) {
    Terminal terminal(kSize);
    terminal.Write(bytes);
    EXPECT_EQ(terminal.screen.cursor(), terminal.Copy().screen.cursor());
    return terminal.screen.cursor().col;
  };
  EXPECT_EQ(col_after("\t"), 8);
  EXPECT_EQ(col_after("1234567\t"), 8);
  EXPECT_EQ(col_after("12345678\t"), 16);
  EXPECT_EQ(col_after("\x1b[3g\t"), 79);
  EXPECT_EQ(col_after("\x1b[3g\x1b[5G\x1bH\r\t"), 4);
  EXPECT_EQ(col_after("\x1b[9G\x1b[g\r\t"), 16);
  EXPECT_EQ(col_after("\x1b[3g\x1b[?5W\t"), 8);
  EXPECT_EQ(col_after("\x1b[3g\x1b[?4W\t"), 79);
  EXPECT_EQ(col_after("\x1b[3I"), 24);
  EXPECT_EQ(col_after("\x1b[20G\x1b[Z"), 16);
  EXPECT_EQ(col_after("\x1b[20G\x1b[2Z"), 8);
  EXPECT_EQ(col_after("\x1b[20G\x1b[9Z"), 0);
}

// Each cell with a style and a character of its own, and marks.
std::string Rich(WindowSize size) {
  std::string bytes;
  for (int i = 0; i < size.rows * size.cols; ++i) {
    absl::StrAppend(&bytes, "\x1b[", i % 2 == 0 ? "" : "1;3;4:3;5;7;9;",
                    "38;2;", 100 + i % 150, ";", 100 + i / 7 % 150,
                    ";200;48;2;", 100 + i % 140, ";201;", 100 + i / 3 % 150,
                    "m");
    absl::StrAppend(&bytes, "x", Repeated("\xf0\x90\xa8\x8f", 5), "\x1b[m");
  }
  return bytes;
}

// A picture that is too long is cut, and Paint() says so.
TEST(WorkTest, NoPictureIsTooLong) {
  constexpr WindowSize kLarge{65, 1000};
  Terminal terminal(kLarge);
  terminal.Write(absl::StrCat("beneath\x1b[?1049h\x1b[H", Rich(kLarge)));
  bool all = true;
  EXPECT_LT(terminal.screen.Paint(terminal.digest.modes(), kLarge, &all).size(),
            size_t{7} << 19);
  EXPECT_FALSE(all);
  terminal.Write("\x1b[2J\x1b[Hshort");
  EXPECT_THAT(terminal.screen.Paint(terminal.digest.modes(), kLarge, &all),
              testing::AllOf(testing::HasSubstr("beneath"),
                             testing::HasSubstr("short")));
  EXPECT_TRUE(all);
}

TEST(WorkTest, WhatIsDoneIsCounted) {
  constexpr WindowSize kLarge{65, 1000};
  constexpr uint64_t kCells = 65'000;
  const auto work = [&](absl::string_view before, absl::string_view bytes) {
    Screen screen(kLarge);
    screen.Write(before);
    const uint64_t done = screen.work();
    screen.Write(bytes);
    return screen.work() - done;
  };
  EXPECT_GE(work("", "\x1b#8"), kCells);
  for (const absl::string_view all :
       {"\x1b[2J", "\x1b\x63", "\x1b[?1049h", "\x1b[1;1;99;1000$z"}) {
    EXPECT_GE(work("\x1b[H", all), kCells / kCellsAtOnce) << all;
  }
  // Rows are moved as a whole, unless there are margins.
  constexpr absl::string_view kMargins = "\x1b[?69h\x1b[2;999s\x1b[1;2H";
  for (const absl::string_view moves : {"\x1bM", "\x1b[L", "\x1b[9T"}) {
    EXPECT_GE(work("\x1b[H", moves), 1065U / kCellsAtOnce) << moves;
    EXPECT_GE(work(kMargins, moves), 64'000U / kCellsAtOnce) << moves;
  }
  EXPECT_GE(work("\x1b[999;1H", "\n\n"), 2 * 1065U / kCellsAtOnce);
  EXPECT_GE(work("x", "\x1b[9999b"), 999U);
  EXPECT_GE(work("\x1b[4h", "x"), 1000U / kCellsAtOnce);
  EXPECT_GE(work("\x1b[3g", "\t"), 999U / 4);
  EXPECT_GE(work("x", "\xcc\x81"), 12U);
  // Cells that are looked at one by one, and long lists.
  for (const absl::string_view alone :
       {"\x1b[?2J", "\x1b[${", "\x1b[;;;;7$t"}) {
    EXPECT_GE(work("", alone), 2 * kCells) << alone;
  }
  EXPECT_GE(work("", "\x1b[1;2;3;4;5;7;8;9;53m"), 20U);
  Screen tall({1000, 2});
  tall.Write("\x1b\x63");
  EXPECT_GE(tall.work(), 6000U) << "rows are made";
  Screen screen(kLarge);
  screen.Resize({1000, 65});
  EXPECT_GE(screen.work(), 4 * kCells / kCellsAtOnce);
}

// All cells are looked at for that, which counts.
TEST(WorkTest, LooksThatNoCellHasAreForgotten) {
  const auto work = [](bool differ) {
    Screen screen(kSize);
    for (int i = 0; i < 5000; ++i) {
      const int look = differ ? 1000 + i : 1000;
      screen.Write(absl::StrCat("\x1b[38;2;", look / 100, ";",
                                10 + look % 100 / 2, ";", 10 + look % 2,
                                "mx\r"));
    }
    return screen.work();
  };
  EXPECT_GT(work(true), work(false) + 24 * 80);
}

// Written in slices of 0.2 ms.  The most that one has cost.
uint64_t MostInASlice(Screen& screen, absl::string_view bytes) {
  constexpr uint64_t kSlice = 20'000;
  uint64_t most = 0;
  while (!bytes.empty()) {
    const uint64_t before = screen.work();
    const size_t taken = screen.WriteSome(bytes, kSlice);
    const uint64_t done = screen.work() - before;
    EXPECT_TRUE(taken == bytes.size() || done >= kSlice);
    most = std::max(most, done);
    bytes.remove_prefix(std::max<size_t>(taken, 1));
  }
  return most;
}

constexpr WindowSize kLargeSizes[] = {
    {135, 480}, {65, 1000}, {1000, 65}, {1000, 2}, {24, 80}};

TEST(WorkTest, ASliceEndsSoonAfterItsTime) {
  for (const WindowSize size : kLargeSizes) {
    for (const absl::string_view act : kCostly) {
      Screen screen(size);
      screen.Write(Repeated("fill all of it\r\n", size.rows));
      EXPECT_LE(MostInASlice(screen, Repeated(std::string(act), 200)),
                MostOver(size) + 20'000)
          << act;
    }
  }
}

// Looks for the most: what was found is changed a bit, and kept if it is worse.
TEST(WorkTest, ASearchForTheLongestSliceFindsNone) {
  std::minstd_rand random(20261128);
  const auto below = [&](size_t count) { return random() % count; };
  using Acts = std::vector<absl::string_view>;
  for (const WindowSize size : kLargeSizes) {
    Acts worst;
    uint64_t most = 0;
    for (int i = 0; i < 15; ++i) {
      Acts acts = worst;
      for (size_t n = 1 + below(4); n > 0; --n) {
        const absl::string_view act = kCostly[below(std::size(kCostly))];
        acts.insert(acts.begin() + static_cast<int>(below(acts.size() + 1)),
                    1 + below(100), act);
      }
      if (acts.size() > 300) acts.erase(acts.begin(), acts.end() - 300);
      Screen screen(size);
      const uint64_t found = MostInASlice(screen, absl::StrJoin(acts, ""));
      if (found <= most) continue;
      most = found;
      worst = std::move(acts);
    }
    EXPECT_LE(most, MostOver(size) + 20'000);
    EXPECT_GT(most, 20'000U);
  }
}

// A picture can be made where it stops, and the stream go on from there.
TEST(WorkTest, ASliceEndsBetweenSequences) {
  const std::string bytes = Repeated(
      "\x1b[38;5;100mtext \xe4\xb8\x80\x1b[2;3H\x1b]2;title\x07\n", 500);
  Terminal at_once(kSize);
  Terminal in_slices(kSize);
  at_once.Write(bytes);
  for (absl::string_view rest = bytes; !rest.empty();) {
    const size_t taken = in_slices.screen.WriteSome(rest, 100);
    in_slices.digest.Scan(rest.substr(0, taken));
    EXPECT_EQ(in_slices.digest.whole(), in_slices.digest.offset());
    rest.remove_prefix(taken);
  }
  EXPECT_TRUE(SameScreen(at_once.screen, in_slices.screen));
}

INSTANTIATE_TEST_SUITE_P(All, RecordingTest, testing::ValuesIn(Recordings()),
                         [](const auto& instance) {
                           return instance.param.name;
                         });

INSTANTIATE_TEST_SUITE_P(All, ScreenTest, testing::ValuesIn(Transcripts()));

}  // namespace
}  // namespace deptyr
