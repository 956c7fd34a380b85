// Paints a screen, for Screen::Paint().
//
//   Painter painter(interpreter, digest.modes(), {24, 80});
//   std::string out = painter.Paint();
//
// Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/term/interpreter.h"
#include "lib/term/modes.h"

namespace deptyr {

class Painter {
 public:
  Painter(Interpreter& from, const Modes& modes, WindowSize room)
      : from_(from), modes_(modes), room_(room) {}

  std::string Paint();
  // Whether nothing was left out to keep the picture short.
  bool all() const { return all_; }

 private:
  void PaintBeneath();
  void PaintRows();
  void PaintSaved(const Interpreter::Saved& saved, absl::string_view save);
  void PaintModes();
  void PaintCursor();
  bool HasRoom(const Cursor& cursor) const;
  void Reprint(const Cell& cell, bool wraps);
  void Print(const Cell& cell);
  void PrintLast(const Row& row);
  void MoveTo(const Cursor& cursor, bool origin);
  void SetPen(const Style& style);

  Interpreter& from_;
  const Modes& modes_;
  const WindowSize room_;
  std::string out_;
  Style pen_;
  bool all_ = true;
};

}  // namespace deptyr
