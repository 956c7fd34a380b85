// libvterm, as a grid of cells to write to.  It isn't given what it can't take
// or keep (Interpreter sees to it), but text, cursor movements and edits.
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

// How many columns a terminal (libvterm) moves on by: 0, 1 or 2.
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
  // What all that was done has cost, in units of 10 ns: of a byte written, a
  // cell printed, or kCellsAtOnce moved or erased.
  uint64_t work() const { return work_; }
  void AddWork(uint64_t work) { work_ += work; }
  void SetPen(const Style& style) { Write(PenSequence(style)); }
  // What sets the pen: it isn't for terminals.
  static std::string PenSequence(const Style& style);
  // The alternate screen is blank when it is entered.
  void ShowAlternate(bool alternate);

  int row() const;
  int col() const;
  // The last character written reaches the last column; the cursor is on it.
  bool at_end() const;

  // A wide character that lost a half is blank; blanks have a background only.
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
  VTermRect damaged_ = {};  // last
  uint64_t work_ = 0;
};

}  // namespace deptyr
