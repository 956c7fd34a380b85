// Paints a screen, for Screen::Paint(), and single lines.
//
//   Painter painter(screen, digest.modes(), {24, 80});
//   std::string out = painter.Paint();
//
// Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/term/cell.h"
#include "lib/term/modes.h"
#include "lib/term/screen.h"

namespace deptyr {

class Painter {
 public:
  Painter(const Screen& from, const Modes& modes, WindowSize room)
      : from_(from), modes_(modes), room_(room) {}

  std::string Paint();
  // Whether nothing was left out to keep the picture short.
  bool all() const { return all_; }

 private:
  void PaintBeneath();
  void PaintHidden();
  void PaintRows(bool alternate);
  void PaintRow(const Row& row, int number);
  void StartRow(int number, const Cell& first);
  void PaintErased(const Style& style, size_t count, bool to_end);
  void PaintSaved(bool alternate, absl::string_view save);
  void PaintPushedStyles();
  void PaintModes();
  void PaintCursor();
  void Reprint(const Cell& cell, int row, int col);
  bool HasRoom(const Cursor& cursor) const;
  void MoveTo(int row, int col);
  void SetLook(const Style& style, absl::string_view link, bool is_guarded);
  void SetLook(const Look& look);

  const Screen& from_;
  const Modes& modes_;
  const WindowSize room_;
  std::string out_;
  Style style_;
  std::string link_;
  bool is_guarded_ = false;
  // The last row that was painted: where it is, whether the next one goes on
  // with its line, and whether there is nothing in its last column.
  int row_ = 0;
  bool goes_on_ = false;
  bool last_erased_ = false;
  bool all_ = true;
};

// Returns a row as a line of a file, which ends in the usual style, without an
// LF.
enum class Links { kDropped, kKept };
std::string PaintLine(const Row& row, Links links = Links::kDropped);

}  // namespace deptyr
