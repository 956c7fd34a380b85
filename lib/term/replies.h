// Tells apart what a terminal answers and what a person types.
//
//   ReplyFilter filter;
//   std::string typed = filter.Feed(bytes);
//   // If nothing more comes within filter.patience():
//   typed += filter.Flush();
//
// A program asks its terminal what it is, or where the cursor is, and where
// several terminals watch, each of them answers.  Only one answer is for the
// program; the others look like keystrokes to it.  So answers are taken out of
// the input from a client that doesn't lead.
//
// These are taken for answers: CSI ... c (device attributes), CSI ... n
// (status), CSI digits ; digits R (cursor position), CSI ? ... $y (modes), CSI
// ? ... u (kitty's keyboard flags), CSI ? ... S (graphics), CSI > ... m
// (modified keys), CSI digits ; ... t (window reports), DCS ... ST, OSC ... ST
// or BEL (versions, settings, colours) and APC G ... ST (kitty's graphics).
// xterm's control sequences, "ctlseqs".  F3 with a modifier, CSI 1;2 R to CSI
// 1;8 R, looks like a cursor position, and is one here.  Pure.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace deptyr {

// Whether nobody typed `bytes`: all of them are reports that a terminal makes
// by itself, of its focus or of a mouse (CSI I, CSI O, CSI < ... M or m).
bool IsReport(absl::string_view bytes);

class ReplyFilter {
 public:
  // The answers that are taken out.
  enum Kinds : uint8_t {
    kAll,
    kOurs,   // to what AnswerTo() and CursorAnswer() answer (queries.h)
    kSizes,  // those that SizeReport() makes
  };

  // Returns what is left of `bytes` for the program.  A possible beginning of
  // an answer is kept back until it is clear what it is.
  std::string Feed(absl::string_view bytes, Kinds kinds = kAll);

  // How long to wait for the rest of what is kept back before Flush(): a moment
  // for what a person may have pressed (Alt and "["), longer for what only a
  // terminal begins.  Zero if nothing is kept back.
  absl::Duration patience() const;
  // Call it when nothing has followed: what was kept back was typed, and is
  // returned.
  std::string Flush();
  std::string held() const { return held_.substr(passed_); }

 private:
  enum class Verdict { kNeedMore, kReply, kTyped };
  static Verdict Judge(absl::string_view sequence, Kinds kinds);

  std::string held_;  // from an ESC on
  // The last byte that was returned is an ESC, which may have begun an answer:
  // whoever reads it waits for no more, and the rest of the answer is dropped.
  bool escaped_ = false;
  size_t passed_ = 0;  // bytes of held_ that were returned
};

}  // namespace deptyr
