#include "lib/term/modes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace deptyr {
namespace {

// More are ignored; no program nests so deep.
constexpr uint8_t kMostCountedStyles = 99;

// Whether a string draws a picture: sixels, kitty's or iTerm2's.
bool DrawsPicture(char kind, absl::string_view body) {
  if (kind == 'P') {
    const size_t name = body.find_first_not_of("0123456789;");
    return name != absl::string_view::npos && body[name] == 'q';
  }
  if (kind == '_' && absl::ConsumePrefix(&body, "G")) {
    for (const absl::string_view key :
         absl::StrSplit(body.substr(0, body.find(';')), ',')) {
      if (key == "a=T" || key == "a=p") return true;
    }
  }
  return kind == ']' && absl::StrContains(body, "inline=1") &&
         (absl::StartsWith(body, "1337;File=") ||
          absl::StartsWith(body, "1337;MultipartFile="));
}

// Takes what DECSTBM and DECSLRM set.  Returns false if that is no region.
bool TakeRegion(const Parameters& parameters, Modes::Region& region) {
  const int first = std::max(parameters.At(0, 1), 1);
  const int last = parameters.At(1);
  if (last != 0 && last <= first) return false;
  region = {};
  if (first > 1 || last > 0) {
    region = {static_cast<int16_t>(first), static_cast<int16_t>(last)};
  }
  return true;
}

}  // namespace

bool Modes::Region::Within(int size, int& begin, int& end) const {
  const int from = std::max<int>(first, 1) - 1;
  const int to = last == 0 ? size : std::min<int>(last, size);
  if (to <= from + 1) return false;
  begin = from;
  end = to;
  return true;
}

void Modes::Take(SequenceParser::Event event, const SequenceParser& parser,
                 OnEffect on_effect) {
  switch (event) {
    case SequenceParser::Event::kControl:
      charsets_.Control(parser.final());
      break;
    case SequenceParser::Event::kEscape:
      Escape(parser, on_effect);
      break;
    case SequenceParser::Event::kCsi:
      Csi(parser, on_effect);
      break;
    case SequenceParser::Event::kString:
      if (parser.final() == ']') settings_.Take(parser.body());
      if (DrawsPicture(parser.final(), parser.body())) {
        on_effect(Effect::kPicture);
      }
      break;
    case SequenceParser::Event::kNone:
    case SequenceParser::Event::kPrint:
    case SequenceParser::Event::kShifted:
      break;
  }
}

void Modes::Escape(const SequenceParser& escape, OnEffect on_effect) {
  const char intermediate = escape.intermediate();
  const char final = escape.final();
  if (charsets_.Escape(intermediate, final)) return;
  if (intermediate == '#' && final == '8') {
    ForgetRegion();
    Set(6, false);
    on_effect(Effect::kAlign);
  }
  if (intermediate != 0) return;
  switch (final) {
    case '=':
    case '>':
      application_keypad_ = final == '=';
      break;
    case '7':
      Save(on_effect);
      break;
    case '8':
      Restore(on_effect);
      break;
    case 'H':
      has_tabs_ = true;
      break;
    case 'V':
    case 'W':
      guard_.SetFromAll(final == 'V');
      on_effect(Effect::kGuard);
      break;
    case 'c':
      Reset(on_effect);
      break;
    default:
      break;
  }
}

void Modes::Csi(const SequenceParser& csi, OnEffect on_effect) {
  const char final = csi.final();
  if (csi.intermediate() == ' ' && final == 'q') {
    cursor_shape_ = static_cast<int16_t>(Parameters(csi.body()).At(0));
    blink_is_last_ = false;
    // Then a terminal does as its owner likes it; xterm only if ?12 is off.
    says_blink_ = says_blink_ && (cursor_shape_ != 0 || Is(12));
  }
  if (csi.intermediate() == '"' && final == 'q') {
    guard_.SetSelective(Parameters(csi.body()).At(0) == 1);
    on_effect(Effect::kGuard);
  }
  if (csi.intermediate() == '#') StackStyle(final, on_effect);
  if (csi.intermediate() == '!' && final == 'p') {
    SoftReset();
    on_effect(Effect::kSoftReset);
  }
  if (csi.intermediate() != 0) return;
  if (csi.prefix() == 0) return PlainCsi(csi, on_effect);
  if (csi.prefix() == '?') {
    if (final == 'h' || final == 'l') SetDecModes(csi, on_effect);
    if (final == 's' || final == 'r') KeepDecModes(csi, on_effect);
    if (final == 'W') has_tabs_ &= csi.body() != "5";  // DECST8C
    if (final == 'i') printer_.Take(true, Parameters(csi.body()).At(0));
  } else if (final == 'u') {
    keyboard_flags().Take(csi);
  } else if (csi.prefix() == '>' && (final == 'm' || final == 'n')) {
    modify_keys_.Take(csi);
  }
}

void Modes::PlainCsi(const SequenceParser& csi, OnEffect on_effect) {
  const Parameters parameters(csi.body());
  switch (csi.final()) {
    case 'g':
      has_tabs_ = true;
      break;
    case 'h':
    case 'l':
      SetModes(csi);
      break;
    case 'i':
      printer_.Take(false, parameters.At(0));
      break;
    case 'r':
      if (TakeRegion(parameters, region_)) on_effect(Effect::kRegion);
      break;
    case 's':
      if (has_margins()) {
        if (TakeRegion(parameters, margins_)) on_effect(Effect::kMargins);
      } else {
        Save(on_effect);
      }
      break;
    case 't':
      settings_.StackTitle(parameters);
      break;
    case 'u':
      Restore(on_effect);
      break;
    default:
      break;
  }
}

void Modes::SetModes(const SequenceParser& csi) {
  const Parameters parameters(csi.body());
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters.At(i) == 4) insert_ = csi.final() == 'h';
    if (parameters.At(i) == 20) new_line_ = csi.final() == 'h';
  }
}

void Modes::SetDecModes(const SequenceParser& csi, OnEffect on_effect) {
  const Parameters parameters(csi.body());
  for (size_t i = 0; i < parameters.size(); ++i) {
    SetDecMode(parameters.At(i), csi.final() == 'h', on_effect);
  }
}

void Modes::SetDecMode(int mode, bool on, OnEffect on_effect) {
  switch (mode) {
    case 9:
    case 1000:
    case 1002:
    case 1003:
      // At most one of them is set, and to reset any resets all, as in xterm.
      mouse_ = static_cast<int16_t>(on ? mode : 0);
      break;
    case 66:
      application_keypad_ = on;
      break;
    case 1048:
      on ? Save(on_effect) : Restore(on_effect);
      break;
    case 47:
    case 1047:
    case 1049:
      SetAlternate(mode, on, on_effect);
      break;
    default:
      Set(mode, on);
      if (mode == 12) says_blink_ = blink_is_last_ = true;
      if (mode == 6) on_effect(Effect::kOrigin);
      if (mode != 69 || on) break;
      margins_ = {};
      on_effect(Effect::kNoMargins);
  }
}

// XTSAVE and XTRESTORE.
void Modes::KeepDecModes(const SequenceParser& csi, OnEffect on_effect) {
  const Parameters parameters(csi.body());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int mode = parameters.At(i);
    if (mode == 9 || (mode >= 1000 && mode <= 1003)) {
      csi.final() == 's' ? kept_mouse_ = mouse_ : mouse_ = kept_mouse_;
    }
    const uint32_t bit = DecModeBit(mode);
    if (bit == 0) continue;
    if (csi.final() == 's') {
      kept_modes_ = (kept_modes_ & ~bit) | (dec_modes_ & bit);
    } else {
      SetDecMode(mode, (kept_modes_ & bit) != 0, on_effect);
    }
  }
}

void Modes::Set(int dec_mode, bool on) {
  const uint32_t bit = DecModeBit(dec_mode);
  dec_modes_ = on ? dec_modes_ | bit : dec_modes_ & ~bit;
}

// Mode 1049 saves and restores by the place that ESC 7 uses, too, as in xterm.
void Modes::SetAlternate(int mode, bool on, OnEffect on_effect) {
  if (on && !alternate()) {
    if (mode == 1049) Save(on_effect);
    alternate_ = static_cast<int16_t>(mode);
    on_effect(Effect::kAlternate);
  }
  if (alternate() && (mode == 1049 || (mode == 1047 && !on))) {
    on_effect(Effect::kClearAlternate);
  }
  if (!on && alternate()) {
    alternate_ = 0;
    on_effect(Effect::kPrimary);
  }
  if (!on && mode == 1049) Restore(on_effect);
}

std::optional<bool> Modes::IsSet(bool dec, int mode) const {
  if (!dec) {
    if (mode == 4) return insert_;
    if (mode == 20) return new_line_;
    return std::nullopt;
  }
  switch (mode) {
    case 9:
    case 1000:
    case 1002:
    case 1003:
      return mouse_ == mode;
    case 66:
      return application_keypad_;
    case 47:
    case 1047:
    case 1049:
      return alternate();
    default:
      if (DecModeBit(mode) == 0) return std::nullopt;
      return Is(mode);
  }
}

void Modes::StackStyle(char final, OnEffect on_effect) {
  if (final == '{' || final == 'p') {
    if (pushed_styles_ == kMostCountedStyles) return;
    ++pushed_styles_;
    on_effect(Effect::kPushStyle);
  } else if (final == '}' || final == 'q') {
    if (pushed_styles_ > 0) --pushed_styles_;
    on_effect(Effect::kPopStyle);
  }
}

void Modes::Save(OnEffect on_effect) {
  saved_[alternate() ? 1 : 0] = {charsets_, origin(), guard_.on()};
  on_effect(Effect::kSave);
}

void Modes::Restore(OnEffect on_effect) {
  const Saved& saved = saved_[alternate() ? 1 : 0];
  charsets_ = saved.charsets;
  Set(6, saved.origin);
  guard_.Restore(saved.guards);
  on_effect(Effect::kRestore);
}

void Modes::SoftReset() {
  for (const int mode : {1, 6, 45, 69}) Set(mode, false);
  for (const int mode : {7, 25}) Set(mode, true);
  insert_ = application_keypad_ = false;
  guard_.Restore(false);
  ForgetRegion();
  charsets_ = {};
  saved_[alternate() ? 1 : 0] = {};
}

// The title and the folder stay.
void Modes::Reset(OnEffect on_effect) {
  const bool was_alternate = alternate();
  OscSettings settings = std::move(settings_);
  settings.Reset();
  *this = Modes();
  settings_ = std::move(settings);
  if (was_alternate) on_effect(Effect::kPrimary);
  on_effect(Effect::kReset);
}

std::string Modes::LeaveAlternate() const {
  const std::string flags = keyboard_flags_[1].Undo();
  // The flags of a screen can be taken back only while it is shown.
  const bool enters = !alternate() && !flags.empty();
  return absl::StrCat(enters ? "\x1b[?1047h" : "", flags,
                      enters || alternate() ? "\x1b[?1047l" : "");
}

bool Modes::UndoMovesCursor() const {
  return region_ != Region() || origin() || has_margins() || has_tabs_ ||
         alternate();
}

std::string Modes::Undo() const {
  return ShortUndo(keyboard_flags_[0]) + settings_.Undo();
}

std::string Modes::ShortUndo(const KeyboardFlags& flags) const {
  std::string out;
  absl::StrAppend(&out, modify_keys_.Undo(), flags.Undo());
  if (region_ != Region()) out += "\x1b[r";
  for (const DecMode& mode : kDecModes) {
    if (Is(mode.number) == mode.at_reset) continue;
    absl::StrAppend(&out, "\x1b[?", mode.number, mode.at_reset ? "h" : "l");
  }
  if (mouse_ != 0) absl::StrAppend(&out, "\x1b[?", mouse_, "l");
  if (insert_) out += "\x1b[4l";
  if (new_line_) out += "\x1b[20l";
  if (application_keypad_) out += "\x1b>";
  if (cursor_shape_ != 0) out += "\x1b[0 q";
  if (charsets_ != Charsets()) out += Charsets::kReset;
  absl::StrAppend(&out, guard_.Undo());
  for (int i = 0; i < pushed_styles_; ++i) out += "\x1b[#}";
  return out;
}

Modes Modes::WithoutPrinting(Mouse mouse) const {
  Modes modes = *this;
  for (const int mode : {6, 7, 45, 69, 2026, 2027}) modes.Set(mode, false);
  modes.Set(25, true);
  modes.insert_ = false;
  modes.ForgetRegion();
  modes.charsets_ = {};
  modes.pushed_styles_ = 0;
  modes.guard_ = {};
  modes.printer_ = {};
  if (mouse == Mouse::kDropped) modes.mouse_ = 0;
  return modes;
}

std::string Modes::ChangeFrom(const Modes& before) const {
  std::string out = settings_.ChangeFrom(before.settings_);
  const std::string now = ShortSequences();
  const bool other_screen = alternate() != before.alternate();
  if (!other_screen && now == before.ShortSequences()) return out;
  out += before.ShortUndo(before.keyboard_flags());
  if (other_screen) {
    absl::StrAppend(&out, "\x1b[?",
                    alternate() ? alternate_mode() : before.alternate_mode(),
                    alternate() ? "h" : "l");
  }
  return out + now;
}

bool Modes::reports() const {
  return mouse_ != 0 || Is(1004) || Is(2031) || reports_size() ||
         keyboard_flags().reports_releases();
}

std::string Modes::CursorSequences() const {
  const bool overruled = says_blink_ && !blink_is_last_;
  const std::string shape = cursor_shape_ != 0 || overruled
                                ? absl::StrCat("\x1b[", cursor_shape_, " q")
                                : "";
  const std::string blink = !says_blink_ ? ""
                            : Is(12)     ? "\x1b[?12h"
                                         : "\x1b[?12l";
  return blink_is_last_ ? shape + blink : blink + shape;
}

std::string Modes::ShortSequences() const {
  std::string out;
  // The region comes before origin mode, which is relative to it.
  if (region_ != Region()) {
    absl::StrAppend(&out, "\x1b[", region_.first, ";");
    if (region_.last > 0) absl::StrAppend(&out, region_.last);
    out += 'r';
  }
  for (const DecMode& mode : kDecModes) {
    const bool on = Is(mode.number);
    if (on == mode.at_reset || mode.number == 12) continue;
    absl::StrAppend(&out, "\x1b[?", mode.number, on ? "h" : "l");
    if (mode.number == 69 && margins_ != Region()) {
      absl::StrAppend(&out, "\x1b[", margins_.first, ";");
      if (margins_.last > 0) absl::StrAppend(&out, margins_.last);
      out += 's';
    }
  }
  if (mouse_ != 0) absl::StrAppend(&out, "\x1b[?", mouse_, "h");
  if (insert_) out += "\x1b[4h";
  if (new_line_) out += "\x1b[20h";
  if (application_keypad_) out += "\x1b=";
  out += CursorSequences();
  return absl::StrCat(out, modify_keys_.Sequences(),
                      keyboard_flags().Sequences(), charsets_.Sequences());
}

std::string Modes::Sequences() const {
  return settings_.Sequences() + ShortSequences();
}

}  // namespace deptyr
