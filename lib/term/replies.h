// Telling what a terminal answers from what a person types.
//
// A program asks its terminal (what are you? where is the cursor?), and where
// several terminals watch, each of them answers.  Only one answer is for the
// program; the others look like keystrokes to it.  From a client that doesn't
// lead, answers are taken out of the input.
//
// Taken for answers: CSI ... c (device attributes), CSI ... n (status),
// CSI digits ; digits R (cursor position), CSI ? ... $y (modes), CSI ? ... u
// (kitty's keyboard flags), CSI ? ... S (graphics), CSI > ... m (modified
// keys), CSI digits ; ... t (window reports), DCS ... ST, OSC ... ST or BEL
// (versions, settings, colours) and APC G ... ST (kitty's graphics).  xterm's
// control sequences, "ctlseqs".  F3 with a modifier, CSI 1;2 R to CSI 1;8 R,
// looks like a cursor position, and is one here.  Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace deptyr {

// Whether all of `bytes` is reports a terminal makes by itself, of its focus or
// of a mouse (CSI I, CSI O, CSI < ... M or m): nobody typed.
bool IsReport(absl::string_view bytes);

class ReplyFilter {
 public:
  // What is left of `bytes` for the program.  The beginning of what may become
  // an answer is kept back until it is one, or isn't.
  std::string Feed(absl::string_view bytes);

  // Something is kept back.  If nothing follows soon, it was typed.
  bool pending() const { return !held_.empty(); }
  std::string Flush();
  const std::string& held() const { return held_; }

  // Answers taken out so far.
  size_t taken() const { return taken_; }

 private:
  enum class Verdict { kNeedMore, kReply, kTyped };
  static Verdict Judge(absl::string_view sequence);

  std::string held_;  // from an ESC on
  size_t taken_ = 0;
};

}  // namespace deptyr
