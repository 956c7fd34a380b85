// Doubts say what isn't known for sure of a screen of whose stream a part is
// lost: where the cursor is, how what is printed looks, which modes are set.
//
//   Doubts doubts(/*knows_pen=*/false);
//   doubts.KnowColumn();                        // after a CR
//   const bool certain = doubts.certain();      // false
//
// Which rows are as the program wrote them, the screen notes in its rows. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/term/sequence.h"

namespace deptyr {

class Doubts {
 public:
  // The rows that a sequence makes uncertain.
  enum class Rows : uint8_t { kNone, kCursors, kAll };

  explicit Doubts(bool knows_pen) : pen_(!knows_pen) {}

  // Whether what is printed next is known in place and look.
  bool certain() const { return !row_ && !col_ && !pen_; }
  bool row() const { return row_; }
  // The row is known once a line feed scrolls: however far down the real cursor
  // was, it is in the last row then.
  void KnowRow() { row_ = false; }
  void KnowColumn() { col_ = false; }
  // A cursor was restored that had been saved before.
  void KnowNothing() { row_ = col_ = pen_ = true; }
  // Takes a control or a sequence that the screen has just obeyed.
  Rows Take(SequenceParser::Event event, const SequenceParser& parser);

 private:
  bool IsNewKind(SequenceParser::Event event, const SequenceParser& parser);

  bool row_ = true;
  bool col_ = true;
  bool pen_;
  // The kinds of modes that were set since; before that, the present ones are a
  // guess.
  std::vector<uint32_t> set_;
};

}  // namespace deptyr
