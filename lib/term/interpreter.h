// Between a program's stream and libvterm: gives it what it can take, does
// itself what it can't or does differently from xterm and tmux (saved cursors,
// character sets, colours, modes several at a time, combining characters that
// come late), and leaves out the rest.  Any cut gives the same.  Pure.
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
#include "lib/term/charsets.h"
#include "lib/term/model.h"
#include "lib/term/sequence.h"
#include "lib/term/tab_stops.h"

namespace deptyr {

class Interpreter {
 public:
  // What ESC 7 keeps.
  struct Saved {
    bool set = false;
    Cursor cursor;
    Style pen;
    Charsets charsets;
    bool origin = false;
  };
  // The scroll region's first row and the one after its last.
  struct Region {
    int top = 0;
    int bottom = 0;
    bool operator==(const Region&) const = default;
  };

  Interpreter(WindowSize size, size_t scrollback);

  // Until it has cost `most`, and a sequence ends; how much was taken.
  size_t Write(absl::string_view bytes, uint64_t most);
  void Resize(WindowSize size);

  const Model& model() const { return model_; }
  Cursor cursor() const;
  const Style& pen() const { return pen_; }
  const Charsets& charsets() const { return charsets_; }
  const Saved& saved() const { return saved_; }
  // When mode 1049 was set.
  const Saved& saved_primary() const { return saved_primary_; }
  const TabStops& tabs() const { return tabs_; }
  Region region() const { return region_; }
  bool whole_region() const { return region_ == Whole(); }
  bool InRegion(int row) const {
    return row >= region_.top && row < region_.bottom;
  }
  bool origin() const { return origin_; }
  bool insert() const { return insert_; }
  bool autowrap() const { return autowrap_; }
  bool alternate() const { return alternate_; }
  bool cursor_visible() const { return cursor_visible_; }
  bool reverse_video() const { return reverse_video_; }
  // The last thing was a character: it may be repeated, or combined with.
  bool printed_last() const { return printed_last_; }
  // Where that is; the column is -1 if it is nowhere.
  Cursor LastPrinted() const;

  std::vector<Row> Rows() const;
  // `look` finds the primary screen shown in place of the alternate one.  False
  // if there is too much on that: it would have to be painted again.
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
  void Control(char c);
  void Escape();
  void Csi();
  void PlainCsi(char final, const Parameters& parameters);
  void Align();
  void Erase(char final, const Parameters& parameters);
  void SetModes(const Parameters& parameters, bool on);
  void SetDecModes(const Parameters& parameters, bool on);
  void SetDecMode(int mode, bool on);
  void SetAlternate(int mode, bool on);
  void SetOrigin(bool on);
  void SetRegion(const Parameters& parameters);
  void WriteRegion();
  void SetPen(const Style& style);
  void Edit(absl::string_view sequence);
  void ClearTabs(int what);
  void Move(absl::string_view sequence);
  Saved Save() const;
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
  std::string text_;  // not ASCII, not printed yet
  bool printed_last_ = false;
  bool at_end_ = false;  // it was printed in the last column
  char32_t last_ = 0;    // character printed; for REP

  bool wraps_ = false;
  Style pen_;
  Charsets charsets_;
  Saved saved_;
  Saved saved_primary_;
  TabStops tabs_;
  Region region_;
  bool origin_ = false;
  bool insert_ = false;
  bool new_line_ = false;
  bool autowrap_ = true;
  bool alternate_ = false;
  bool cursor_visible_ = true;
  bool reverse_video_ = false;
};

}  // namespace deptyr
