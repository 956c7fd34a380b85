// A real terminal emulator that is painted in the middle of a program's run and
// then given the rest shows what one shows that was given all of it.  The runs
// are recordings of real programs, tests/data/recordings/.

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd.h"
#include "lib/sys/terminal.h"
#include "lib/term/digest.h"
#include "lib/term/painter.h"
#include "lib/term/screen.h"
#include "tests/support/deptyr.h"
#include "tests/support/recordings.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tmux.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

constexpr WindowSize kSize{24, 80};

// Returns what can be seen, line by line, without the blanks at their ends:
// tmux omits those, whatever their colour.
std::string Visible(const Screen& screen) {
  std::string visible;
  for (Row row : screen.Rows()) {
    std::vector<Cell>& cells = row.cells;
    while (!cells.empty() && cells.back().width == 1 && cells.back().blank()) {
      cells.pop_back();
    }
    absl::StrAppend(&visible, PaintLine(row), "\n");
  }
  return visible;
}

// tmux remembers how far a line was ever used, and shows that by colours after
// its end.
std::string Visible(absl::string_view styled) {
  Screen reader(kSize);
  reader.Write(absl::StrReplaceAll(styled, {{"\n", "\r\n"}}));
  return Visible(reader);
}

// Makes a FIFO whose reader and writer both exist.
std::string MakeFifo(const std::string& path) {
  EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  return path;
}

// Returns the lines that a window shows, with colours.
std::string Lines(const Tmux& window) {
  const std::string shown = window.StyledScreen();
  return Visible(absl::string_view(shown).substr(0, shown.rfind('\n')));
}
// Returns these lines, then the cursor's place and the modes.
std::string Shown(const Tmux& window) {
  return Lines(window) +
         window.Ask(
             "#{cursor_x},#{cursor_y} #{cursor_flag} #{alternate_on} "
             "#{insert_flag} #{keypad_cursor_flag} #{keypad_flag} "
             "#{mouse_any_flag} #{mouse_sgr_flag} #{origin_flag} "
             "#{wrap_flag} #{scroll_region_upper} "
             "#{scroll_region_lower} #{cursor_shape}");
}

// A program on a terminal that writes the bytes there as they are.
class Script {
 public:
  std::string Command() const {
    return absl::StrCat("stty raw -echo; exec cat ", fifo_);
  }
  // A title after them reports that they are shown, and changes nothing shown.
  std::string Write(absl::string_view bytes) {
    const std::string title = absl::StrCat("shown ", ++shown_);
    Feed(absl::StrCat(bytes, "\x1b]2;", title, "\x07"));
    return title;
  }

 private:
  void Feed(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(input_.get(), bytes.data(), bytes.size());
      ASSERT_GT(n, 0);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  TempDir folder_;
  const std::string fifo_ = MakeFifo(folder_ / "fifo");
  const Fd input_{::open(fifo_.c_str(), O_RDWR | O_CLOEXEC)};
  int shown_ = 0;
};

bool UntilTitle(const Tmux& window, const std::string& title) {
  return WaitFor([&] { return window.Ask("#{pane_title}") == title; });
}

// A terminal that shows what it is given.
class Pane {
 public:
  // Returns when it has shown them.
  void Show(absl::string_view bytes) {
    EXPECT_TRUE(UntilTitle(tmux_, script_.Write(bytes)));
  }
  std::string Lines() const { return deptyr::Lines(tmux_); }
  std::string Shown() const { return deptyr::Shown(tmux_); }

 private:
  Script script_;
  Tmux tmux_{script_.Command(), kSize};
};

class PaintTest : public testing::TestWithParam<Recording> {};

TEST_P(PaintTest, APaintedTerminalShowsWhatOneShowsThatSawAll) {
  Pane saw_all;
  Pane painted;
  Screen screen(kSize);
  Digest digest;
  const std::string& bytes = GetParam().bytes;
  const size_t step = 997;
  size_t before = 0;
  for (size_t from = 0; from < bytes.size(); from += step) {
    digest.Scan(absl::string_view(bytes).substr(from, step));
    const auto cut = static_cast<size_t>(digest.whole());
    const absl::string_view part(bytes.data() + before, cut - before);
    screen.Write(part);
    saw_all.Show(part);
    painted.Show(part);
    ASSERT_EQ(painted.Shown(), saw_all.Shown())
        << "painted at " << before << ", gone on to " << cut;
    painted.Show(absl::StrCat(kResetModes, kLeaveAlternateScreen,
                              "\x1b[m\x1b[H\x1b[2J",
                              screen.Paint(digest.modes(), kSize)));
    ASSERT_EQ(painted.Shown(), saw_all.Shown()) << "painted at " << cut;
    ASSERT_EQ(Visible(screen), saw_all.Lines()) << "the model, at " << cut;
    before = cut;
  }
}

// This is the same through all of deptyr: one client attaches in the middle,
// and one was there from the start.
TEST_P(PaintTest, WhoAttachesAmidSeesWhatOneSeesWhoWasThere) {
  const absl::string_view bytes = GetParam().bytes;
  Script script;
  HeadProcess head;
  BodyProcess body(head.socket(), {"--name", "a"},
                   {"sh", "-c", script.Command()});
  const std::string attach = absl::StrCat("exec ", Quote(Deptyr()), " attach ",
                                          Quote(head.socket()), " a");
  ASSERT_TRUE(head.log().Until(testing::HasSubstr("session=a")));
  const Tmux first(attach, kSize);
  ASSERT_TRUE(UntilTitle(first, script.Write("")));
  const std::string half = script.Write(bytes.substr(0, bytes.size() / 2));
  ASSERT_TRUE(UntilTitle(first, half));
  const Tmux second(attach, kSize);
  ASSERT_TRUE(UntilTitle(second, half));
  EXPECT_TRUE(TextUntil([&] { return Shown(second); }, Shown(first)));
  const std::string all = script.Write(bytes.substr(bytes.size() / 2));
  ASSERT_TRUE(UntilTitle(first, all) && UntilTitle(second, all));
  EXPECT_TRUE(TextUntil([&] { return Shown(second); }, Shown(first)));
}

INSTANTIATE_TEST_SUITE_P(All, PaintTest, testing::ValuesIn(Recordings()),
                         [](const auto& instance) {
                           return instance.param.name;
                         });

}  // namespace
}  // namespace deptyr
