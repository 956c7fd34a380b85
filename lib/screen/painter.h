// Screen::Paint().  Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/screen/digest.h"
#include "lib/screen/interpreter.h"

namespace deptyr {

class Painter {
 public:
  Painter(Interpreter& from, const Digest& digest, WindowSize room)
      : from_(from), digest_(digest), room_(room) {}

  std::string Paint();

 private:
  void PaintBeneath();
  void PaintRows(std::vector<Row> rows);
  void PaintSaved(const Interpreter::Saved& saved, const std::vector<Row>& rows,
                  absl::string_view save);
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
};

}  // namespace deptyr
