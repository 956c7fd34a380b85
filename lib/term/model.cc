#include "lib/term/model.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/term/paint_row.h"

namespace deptyr {
namespace {

uint64_t WorkOf(int64_t cells) {
  return 1 + static_cast<uint64_t>(cells / kCellsAtOnce);
}

constexpr char32_t kRightHalf = static_cast<char32_t>(-1);

// libvterm doesn't survive a wide character in a single column.
int Cols(WindowSize size) {
  return std::max<int>(size.cols, 2);
}
int Rows(WindowSize size) {
  return std::max<int>(size.rows, 1);
}

// libvterm knows no dim, conceal and overline.  They are kept as some of its
// ten fonts, which nobody uses.
constexpr int kFont = 10;
int FontOf(const Style& style) {
  return (style.dim ? 1 : 0) | (style.conceal ? 2 : 0) |
         (style.overline ? 4 : 0);
}

Color ColorOf(const VTermColor& color) {
  if (VTERM_COLOR_IS_DEFAULT_FG(&color) || VTERM_COLOR_IS_DEFAULT_BG(&color)) {
    return {};
  }
  if (VTERM_COLOR_IS_INDEXED(&color)) return Color::Indexed(color.indexed.idx);
  return {Color::Kind::kRgb, color.rgb.red, color.rgb.green, color.rgb.blue};
}

Style StyleOf(const VTermScreenCell& cell) {
  const VTermScreenCellAttrs& attrs = cell.attrs;
  return {.fg = ColorOf(cell.fg),
          .bg = ColorOf(cell.bg),
          .underline = static_cast<Underline>(attrs.underline),
          .bold = attrs.bold != 0,
          .dim = (attrs.font & 1) != 0,
          .italic = attrs.italic != 0,
          .blink = attrs.blink != 0,
          .reverse = attrs.reverse != 0,
          .conceal = (attrs.font & 2) != 0,
          .strike = attrs.strike != 0,
          .overline = (attrs.font & 4) != 0};
}

Cell BlankLike(const VTermScreenCell& cell) {
  return {.style = {.fg = {}, .bg = ColorOf(cell.bg)}};
}

Cell CellOf(const VTermScreenCell& from) {
  Cell cell{.style = StyleOf(from)};
  for (size_t i = 0; i < Cell::kMostCharacters && from.chars[i] != 0; ++i) {
    cell.characters[i] = from.chars[i];
  }
  return cell;
}

// Appends the cell, or the two of a wide character, and returns how many.
// libvterm leaves half a wide character where something was written over the
// other half.
int AppendCell(const VTermScreenCell& cell, const VTermScreenCell* next,
               Row& row) {
  if (cell.chars[0] == 0 || cell.chars[0] == kRightHalf) {
    row.push_back(BlankLike(cell));
    return 1;
  }
  if (GlyphWidth(cell.chars[0]) != 2) {
    row.push_back(CellOf(cell));
    return 1;
  }
  if (next == nullptr || next->chars[0] != kRightHalf) {
    row.push_back(BlankLike(cell));
    return 1;
  }
  row.push_back(CellOf(cell));
  row.back().width = 2;
  row.push_back({.width = 0, .style = row.back().style});
  return 2;
}

Row RowOf(const VTermScreenCell* cells, int cols) {
  Row row;
  row.reserve(static_cast<size_t>(cols));
  for (int col = 0; col < cols;) {
    col +=
        AppendCell(cells[col], col + 1 < cols ? &cells[col + 1] : nullptr, row);
  }
  return row;
}

// libvterm's tables of widths aren't public, so it is asked where the cursor is
// after the character.
class Widths {
 public:
  Widths() : vterm_(vterm_new(1, 8)), state_(vterm_obtain_state(vterm_)) {
    vterm_set_utf8(vterm_, 1);
    vterm_state_reset(state_, 1);
  }
  ~Widths() { vterm_free(vterm_); }
  Widths(const Widths&) = delete;
  Widths& operator=(const Widths&) = delete;

  int Of(char32_t character) {
    auto& [known, width] = known_[character % known_.size()];
    if (known != character) {
      known = character;
      width = Measure(character);
    }
    return width;
  }

 private:
  int Measure(char32_t character) {
    std::string text = "\r.";
    AppendUtf8(character, text);
    vterm_input_write(vterm_, text.data(), text.size());
    VTermPos at;
    vterm_state_get_cursorpos(state_, &at);
    return std::clamp(at.col - 1, 0, 2);
  }

  VTerm* vterm_;
  VTermState* state_;
  std::array<std::pair<char32_t, int>, 1024> known_ = {};
};

}  // namespace

int GlyphWidth(char32_t character) {
  if (character < 0x300) return 1;
  static Widths widths;
  return widths.Of(character);
}

Model::Model(WindowSize size, size_t scrollback)
    : rows_(Rows(size)),
      cols_(Cols(size)),
      most_scrollback_(scrollback),
      vterm_(vterm_new(rows_, cols_)),
      state_(vterm_obtain_state(vterm_.get())),
      screen_(vterm_obtain_screen(vterm_.get())) {
  vterm_set_utf8(vterm_.get(), 1);
  callbacks_.damage = &Model::Damaged;
  if (scrollback > 0) callbacks_.sb_pushline = &Model::PushLine;
  vterm_screen_set_callbacks(screen_, &callbacks_, this);
  vterm_screen_reset(screen_, 1);
}

// libvterm copies both screens, cell by cell.
void Model::Resize(WindowSize size) {
  AddWork(WorkOf(int64_t{2} * rows_ * cols_));
  rows_ = Rows(size);
  cols_ = Cols(size);
  AddWork(WorkOf(int64_t{2} * rows_ * cols_));
  vterm_set_size(vterm_.get(), rows_, cols_);
}

void Model::Write(absl::string_view bytes) {
  AddWork(bytes.size());
  vterm_input_write(vterm_.get(), bytes.data(), bytes.size());
}

// There are two sequences, since libvterm has room for 16 parameters in one and
// writes past the end of that room.
std::string Model::PenSequence(const Style& style) {
  Style attributes = style;
  attributes.fg = attributes.bg = {};
  attributes.dim = attributes.conceal = attributes.overline = false;
  std::string sgr = "\x1b[0";
  if (const std::string some = SgrParameters(attributes); !some.empty()) {
    absl::StrAppend(&sgr, ";", some);
  }
  if (const int font = FontOf(style); font != 0) {
    absl::StrAppend(&sgr, ";", kFont + font);
  }
  sgr += 'm';
  if (const std::string some = SgrParameters({.fg = style.fg, .bg = style.bg});
      !some.empty()) {
    absl::StrAppend(&sgr, "\x1b[", some, "m");
  }
  return sgr;
}

void Model::ShowAlternate(bool alternate) {
  vterm_screen_enable_altscreen(screen_, 1);
  Write(alternate ? "\x1b[?1047h" : "\x1b[?1047l");
}

int Model::row() const {
  VTermPos at;
  vterm_state_get_cursorpos(state_, &at);
  return at.row;
}

int Model::col() const {
  VTermPos at;
  vterm_state_get_cursorpos(state_, &at);
  return at.col;
}

bool Model::at_end() const {
  return damaged_.end_col == cols_ && damaged_.start_col == col() &&
         damaged_.start_row == row();
}

Row Model::ReadRow(int row) const {
  std::vector<VTermScreenCell> cells(static_cast<size_t>(cols_));
  for (int col = 0; col < cols_; ++col) {
    vterm_screen_get_cell(screen_, {row, col},
                          &cells[static_cast<size_t>(col)]);
  }
  return RowOf(cells.data(), cols_);
}

Cell Model::ReadCell(int row, int col) const {
  const auto at = [&](int c) {
    VTermScreenCell cell = {};
    vterm_screen_get_cell(screen_, {row, c}, &cell);
    return cell;
  };
  // This may be the right half of what begins before it.
  const int begin = at(col).chars[0] == kRightHalf && col > 0 ? col - 1 : col;
  std::array<VTermScreenCell, 3> cells = {at(begin), at(begin + 1), {}};
  const Row read = RowOf(cells.data(), begin + 1 < cols_ ? 2 : 1);
  return read[static_cast<size_t>(col - begin)];
}

int Model::Damaged(VTermRect rect, void* self) {
  auto& model = *static_cast<Model*>(self);
  model.damaged_ = rect;
  model.AddWork(WorkOf(int64_t{rect.end_row - rect.start_row} *
                       (rect.end_col - rect.start_col)));
  return 1;
}

int Model::PushLine(int cols, const VTermScreenCell* cells, void* self) {
  auto& model = *static_cast<Model*>(self);
  if (model.scrollback_.size() == model.most_scrollback_) {
    model.scrollback_.pop_front();
  }
  model.scrollback_.push_back(PaintLine(RowOf(cells, cols)));
  return 1;
}

}  // namespace deptyr
