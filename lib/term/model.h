// libvterm, as a grid of cells to write to: text, cursor movements and edits.
// Interpreter sees to it that it isn't given what libvterm can't take or keep.
//
//   Model model({24, 80}, 0);
//   model.SetPen({.bold = true});
//   model.Write("\x1b[2;1Htext");
//
// Pure.
#pragma once

#include <vterm.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/term/cell.h"

namespace deptyr {

// How many columns libvterm moves the cursor by: 0, 1 or 2.
int GlyphWidth(char32_t character);

class Model {
 public:
  Model(WindowSize size, size_t scrollback);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  int rows() const { return rows_; }
  int cols() const { return cols_; }
  void Resize(WindowSize size);

  void Write(absl::string_view bytes);
  // The cost of everything up to now, in units of 10 ns: a byte written, a cell
  // printed, and kCellsAtOnce moved or erased cost one each.
  uint64_t work() const { return work_; }
  void AddWork(uint64_t work) { work_ += work; }
  void SetPen(const Style& style) { Write(PenSequence(style)); }
  // The sequences that set the pen; only libvterm understands them.
  static std::string PenSequence(const Style& style);
  // The alternate screen is blank when it is entered.
  void ShowAlternate(bool alternate);

  int row() const;
  int col() const;
  // Whether the last character that was written reaches the last column, with
  // the cursor on it.
  bool at_end() const;

  // A wide character that has lost a half is blank, and blanks have a
  // background only.
  Row ReadRow(int row) const;
  Cell ReadCell(int row, int col) const;

  // Lines that have left the top, oldest first, with their SGR sequences.
  const std::deque<std::string>& scrollback() const { return scrollback_; }
  void ForgetScrollback() { scrollback_.clear(); }

 private:
  struct Free {
    void operator()(VTerm* vterm) const { vterm_free(vterm); }
  };

  static int Damaged(VTermRect rect, void* self);
  static int PushLine(int cols, const VTermScreenCell* cells, void* self);

  int rows_;
  int cols_;
  const size_t most_scrollback_;
  std::deque<std::string> scrollback_;
  std::unique_ptr<VTerm, Free> vterm_;
  VTermState* state_;
  VTermScreen* screen_;
  VTermScreenCallbacks callbacks_ = {};
  VTermRect damaged_ = {};  // by what was written last
  uint64_t work_ = 0;
};

}  // namespace deptyr
