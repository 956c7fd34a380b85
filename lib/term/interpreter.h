// Stands between a program's stream and libvterm: passes on what libvterm can
// take, does by itself what libvterm can't or does otherwise than xterm and
// tmux (saved cursors, character sets, colours, several modes in one sequence,
// combining characters that come late), and leaves out the rest.
//
//   Interpreter interpreter({24, 80}, 0);
//   size_t taken = interpreter.Write(bytes, 20'000);
//   Cursor cursor = interpreter.cursor();
//
// However the stream is cut, the screen is the same.  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"
#include "lib/term/cell.h"
#include "lib/term/model.h"
#include "lib/term/modes.h"
#include "lib/term/sequence.h"
#include "lib/term/tab_stops.h"

namespace deptyr {

class Interpreter {
 public:
  // What ESC 7 saves.
  struct Saved {
    bool set = false;
    Cursor cursor;
    Style pen;
    Modes::Saved modes;
  };
  // The scroll region's first row and the one after its last.
  struct Region {
    int top = 0;
    int bottom = 0;
    bool operator==(const Region&) const = default;
  };

  Interpreter(WindowSize size, size_t scrollback);

  // Stops where a sequence ends once it has cost `most`; returns how much was
  // taken.
  size_t Write(absl::string_view bytes, uint64_t most);
  void Resize(WindowSize size);

  const Model& model() const { return model_; }
  const Modes& modes() const { return modes_; }
  Cursor cursor() const;
  const Style& pen() const { return pen_; }
  const Saved& saved() const { return saved_; }
  // The state that was saved when mode 1049 was set.
  const Saved& saved_primary() const { return saved_primary_; }
  const TabStops& tabs() const { return tabs_; }
  Region region() const { return region_; }
  bool whole_region() const { return region_ == Whole(); }
  bool InRegion(int row) const {
    return row >= region_.top && row < region_.bottom;
  }
  // Whether a character came last, so that it may be repeated or combined with.
  bool printed_last() const { return printed_last_; }
  // Where that character is; column -1 means nowhere.
  Cursor LastPrinted() const;

  std::vector<Row> Rows() const;
  // Calls `look` while the primary screen is shown in place of the alternate
  // one.  Returns false if the alternate one has too much on it to be painted
  // again.
  bool LookBeneath(absl::FunctionRef<void()> look);

 private:
  const char* TakeAscii(const char* p, const char* end);
  void TakeByte(char c);
  size_t MostAtOnce() const;
  void TakeCharacter(char32_t character);
  void MakeRoom();
  void FlushText();
  void Print(absl::string_view text);
  void Combine(absl::string_view marks);
  void Repeat(int count);

  void Act(SequenceParser::Event event);
  void OnEffect(Modes::Effect effect);
  void Escape();
  void Csi();
  void Align();
  void Erase(char final, const Parameters& parameters);
  void ShowAlternate();
  void SetRegion();
  void WriteRegion();
  void SetPen(const Style& style);
  void Edit(absl::string_view sequence);
  void ClearTabs(int what);
  void Move(absl::string_view sequence);
  void Restore(const Saved& saved);
  void SoftReset();
  void Reset();

  Region Whole() const { return {0, model_.rows()}; }
  void MoveTo(int row, int col);
  void EraseRowsBelow(int row, int count);
  void Confine(Cursor& cursor) const;
  void Settle(const Cursor& cursor);
  void Reprint(const Cursor& at, absl::string_view marks);
  void WithPlainModes(absl::string_view bytes);

  Model model_;
  SequenceParser parser_;
  Utf8Decoder utf8_;
  std::string text_;  // not printed yet, and not ASCII
  bool printed_last_ = false;
  bool at_end_ = false;  // what was printed is in the last column
  char32_t last_ = 0;    // the character that REP repeats
  bool wraps_ = false;   // the next character does
  Style pen_;
  Modes modes_;
  Saved saved_;
  Saved saved_primary_;
  TabStops tabs_;
  Region region_;
};

}  // namespace deptyr
