// What Interpreter does on controls and sequences.
#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/term/interpreter.h"

namespace deptyr {

void Interpreter::Act(SequenceParser::Event event) {
  if (event != SequenceParser::Event::kCsi || parser_.final() != 'b') {
    printed_last_ = false;
    last_ = 0;
  }
  switch (event) {
    case SequenceParser::Event::kControl:
      Control(parser_.final());
      break;
    case SequenceParser::Event::kEscape:
      Escape();
      break;
    case SequenceParser::Event::kCsi:
      Csi();
      break;
    case SequenceParser::Event::kNone:
    case SequenceParser::Event::kPrint:
    case SequenceParser::Event::kString:  // titles, colours, pictures
      break;
  }
}

void Interpreter::Control(char c) {
  if (charsets_.Control(c)) return;
  if (c >= '\b' && c <= '\r') Edit(absl::string_view(&c, 1));
}

// What moves the cursor or doesn't; if it does, it waits to wrap no more.
void Interpreter::Edit(absl::string_view sequence) {
  const int row = model_.row();
  const int col = model_.col();
  model_.Write(sequence);
  // A tab is looked for column by column.
  model_.AddWork(static_cast<uint64_t>(std::abs(model_.col() - col)) / 4);
  wraps_ = wraps_ && model_.row() == row && model_.col() == col;
}

// What moves the cursor, if only to where it is.
void Interpreter::Move(absl::string_view sequence) {
  model_.Write(sequence);
  wraps_ = false;
}

void Interpreter::Escape() {
  if (charsets_.Escape(parser_.intermediate(), parser_.final())) return;
  if (parser_.intermediate() == '#' && parser_.final() == '8') Align();
  if (parser_.intermediate() != 0) return;
  switch (parser_.final()) {
    case 'D':
      Edit("\x1b\x44");
      break;
    case 'E':
      Edit("\x1b\x45");
      break;
    case 'M':
      Edit("\x1bM");
      break;
    case 'H':
      model_.Write("\x1bH");
      tabs_.Set(model_.col(), true);
      break;
    case '7':
      saved_ = Save();
      break;
    case '8':
      Restore(saved_);
      break;
    case 'c':
      Reset();
      break;
    default:
      break;
  }
}

void Interpreter::ClearTabs(int what) {
  if (what == 0) tabs_.Set(model_.col(), false);
  if (what == 3) {
    tabs_.Clear();
    model_.AddWork(static_cast<uint64_t>(model_.cols()) / 4);
  }
  model_.Write(absl::StrCat("\x1b[", what, "g"));
}

// DECALN: a page of E.
void Interpreter::Align() {
  region_ = Whole();
  WriteRegion();
  wraps_ = false;
  model_.SetPen({});
  model_.Write("\x1b#8");
  model_.SetPen(pen_);
}

void Interpreter::Csi() {
  const Parameters parameters(parser_.body());
  const char final = parser_.final();
  const char prefix = parser_.prefix();
  if (parser_.intermediate() != 0) {
    if (parser_.intermediate() == '!' && final == 'p') SoftReset();
  } else if (prefix == 0) {
    PlainCsi(final, parameters);
  } else if (prefix == '?' && (final == 'h' || final == 'l')) {
    SetDecModes(parameters, final == 'h');
  } else if (prefix == '?' && (final == 'J' || final == 'K')) {
    Erase(final, parameters);  // nothing is protected here
  }
}

void Interpreter::PlainCsi(char final, const Parameters& parameters) {
  constexpr absl::string_view kMoves = "ABCDEFGHadefjk`";
  constexpr absl::string_view kEdits = "@ILMPSXZ";
  const auto sequence = [&] {
    const int first = parameters.At(0, 1);
    return absl::StrCat("\x1b[", first, ";", parameters.At(1, 1),
                        absl::string_view(&final, 1));
  };
  if (absl::StrContains(kMoves, final)) return Move(sequence());
  if (absl::StrContains(kEdits, final)) return Edit(sequence());
  switch (final) {
    case 'm': {
      Style style = pen_;
      ApplySgr(parameters, style);
      SetPen(style);
      break;
    }
    case 'J':
    case 'K':
      Erase(final, parameters);
      break;
    case 'T':  // with more, it is about a mouse
      if (parameters.size() < 2) Edit(sequence());
      break;
    case 'b':
      Repeat(std::max(parameters.At(0, 1), 1));
      break;
    case 'g':
      ClearTabs(parameters.At(0));
      break;
    case 'h':
    case 'l':
      SetModes(parameters, final == 'h');
      break;
    case 'r':
      SetRegion(parameters);
      break;
    case 's':
      if (parameters.size() == 0) saved_ = Save();
      break;
    case 'u':
      if (parameters.size() == 0) Restore(saved_);
      break;
    default:
      break;
  }
}

void Interpreter::Erase(char final, const Parameters& parameters) {
  const int what = parameters.At(0);
  if (final == 'J' && what == 3) model_.ForgetScrollback();
  if (what > 2) return;
  Edit(absl::StrCat("\x1b[", what, absl::string_view(&final, 1)));
}

void Interpreter::SetPen(const Style& style) {
  if (style == pen_) return;
  pen_ = style;
  model_.SetPen(style);
}

void Interpreter::SetModes(const Parameters& parameters, bool on) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int mode = parameters.At(i);
    if (mode != 4 && mode != 20) continue;
    (mode == 4 ? insert_ : new_line_) = on;
    model_.Write(absl::StrCat("\x1b[", mode, on ? "h" : "l"));
  }
}

void Interpreter::SetDecModes(const Parameters& parameters, bool on) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    SetDecMode(parameters.At(i), on);
  }
}

void Interpreter::SetDecMode(int mode, bool on) {
  switch (mode) {
    case 5:
      reverse_video_ = on;
      break;
    case 6:
      SetOrigin(on);
      break;
    case 7:
      autowrap_ = on;
      model_.Write(on ? "\x1b[?7h" : "\x1b[?7l");
      break;
    case 25:
      cursor_visible_ = on;
      break;
    case 47:
    case 1047:
    case 1049:
      SetAlternate(mode, on);
      break;
    case 1048:
      if (on) {
        saved_ = Save();
      } else {
        Restore(saved_);
      }
      break;
    default:
      break;
  }
}

void Interpreter::SetAlternate(int mode, bool on) {
  if (on == alternate_) return;
  alternate_ = on;
  if (on) {
    saved_primary_ = mode == 1049 ? Save() : Saved{};
    model_.SetPen({});  // of the erased cells
    model_.ShowAlternate(true);
    model_.SetPen(pen_);
  } else {
    model_.ShowAlternate(false);
    if (mode == 1049 && saved_primary_.set) Restore(saved_primary_);
    saved_primary_ = {};
  }
}

void Interpreter::SetOrigin(bool on) {
  origin_ = on;
  Edit(on ? "\x1b[?6h" : "\x1b[?6l");
}

void Interpreter::SetRegion(const Parameters& parameters) {
  const int last = model_.rows();
  const int top = std::max(parameters.At(0, 1), 1) - 1;
  int bottom = parameters.At(1);
  if (bottom == 0 || bottom > last) bottom = last;
  if (bottom <= top + 1) return;
  region_ = {top, bottom};
  WriteRegion();
  wraps_ = false;
}

// The cursor is in the top left then.
void Interpreter::WriteRegion() {
  if (whole_region()) {
    model_.Write("\x1b[r");
  } else {
    model_.Write(
        absl::StrCat("\x1b[", region_.top + 1, ";", region_.bottom, "r"));
  }
}

Interpreter::Saved Interpreter::Save() const {
  return {true, cursor(), pen_, charsets_, origin_};
}

void Interpreter::Restore(const Saved& saved) {
  if (origin_ != saved.origin) SetOrigin(saved.origin);
  charsets_ = saved.charsets;
  SetPen(saved.pen);
  Settle(saved.cursor);
}

void Interpreter::SoftReset() {
  const Cursor before = cursor();
  insert_ = origin_ = false;
  autowrap_ = cursor_visible_ = true;
  region_ = Whole();
  charsets_ = {};
  saved_ = {};
  model_.Write("\x1b[4l\x1b[?6l\x1b[?7h");
  WriteRegion();
  SetPen({});
  Settle(before);
}

void Interpreter::Reset() {
  SetAlternate(1047, false);
  insert_ = origin_ = new_line_ = reverse_video_ = wraps_ = false;
  autowrap_ = cursor_visible_ = true;
  region_ = Whole();
  charsets_ = {};
  saved_ = {};
  pen_ = {};
  last_ = 0;
  tabs_ = TabStops(model_.cols());
  model_.Write("\x1b\x63");
}

}  // namespace deptyr
