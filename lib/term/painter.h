// Screen::Paint().  Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/term/digest.h"
#include "lib/term/interpreter.h"

namespace deptyr {

class Painter {
 public:
  Painter(Interpreter& from, const Digest& digest, WindowSize room)
      : from_(from), digest_(digest), room_(room) {}

  std::string Paint();
  // Nothing of it was left out for its length.
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
  const Digest& digest_;
  const WindowSize room_;
  std::string out_;
  Style pen_;
  bool all_ = true;
};

}  // namespace deptyr
