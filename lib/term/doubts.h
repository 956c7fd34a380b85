// Doubts say what isn't known for sure of a screen of whose stream a part is
// lost: where the cursor is, how what is printed looks, which modes are set.
//
//   Doubts doubts(/*knows_pen=*/false);
//   doubts.KnowColumn();                        // after a CR
//   const bool certain = doubts.certain();      // false
//
// The screen itself notes which rows are as the program wrote them.  Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/term/sequence.h"

namespace deptyr {

class Doubts {
 public:
  // The rows that a sequence makes uncertain.
  enum class Rows : uint8_t { kNone, kCursors, kAll };

  // If the modes aren't known, each kind of them is a guess until it is set.
  explicit Doubts(bool knows_pen, bool knows_modes = false)
      : pen_(!knows_pen), knows_modes_(knows_modes) {}

  // Whether what is printed next is known in place and look.
  bool certain() const { return !row_ && !col_ && !pen_; }
  bool row() const { return row_; }
  // The row is known once a line feed scrolls: however far down the real cursor
  // was, it is in the last row then.
  void KnowRow() { row_ = false; }
  void KnowColumn() { col_ = false; }
  // A cursor and a pen were restored that were certain when they were saved, or
  // that weren't.
  void KnowAll() { row_ = col_ = pen_ = false; }
  void KnowNothing() { row_ = col_ = pen_ = true; }
  // A picture was drawn: each terminal leaves the cursor elsewhere.
  void LosePlace() { row_ = col_ = true; }
  bool pen() const { return pen_; }
  void SetPen(bool doubtful) { pen_ = doubtful; }
  // Takes a control or a sequence that the screen has just obeyed.
  Rows Take(SequenceParser::Event event, const SequenceParser& parser);

 private:
  bool IsNewKind(SequenceParser::Event event, const SequenceParser& parser);

  bool row_ = true;
  bool col_ = true;
  bool pen_;
  bool knows_modes_;
  // The kinds of modes that were set since; before that, the present ones are a
  // guess.
  std::vector<uint32_t> set_;
};

}  // namespace deptyr
