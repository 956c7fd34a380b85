#include "lib/term/modes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/utf8.h"

namespace deptyr {

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
      if (parser.final() == ']') SetTitle(parser.body());
      break;
    case SequenceParser::Event::kNone:
    case SequenceParser::Event::kPrint:
      break;
  }
}

void Modes::Escape(const SequenceParser& escape, OnEffect on_effect) {
  const char intermediate = escape.intermediate();
  const char final = escape.final();
  if (charsets_.Escape(intermediate, final)) return;
  if (intermediate == '#' && final == '8') {
    region_ = {};
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
  }
  if (csi.intermediate() == '!' && final == 'p') {
    SoftReset();
    on_effect(Effect::kSoftReset);
  }
  if (csi.intermediate() != 0) return;
  if (csi.prefix() == 0) return PlainCsi(csi, on_effect);
  if (csi.prefix() == '?') {
    if (final == 'h' || final == 'l') SetDecModes(csi, on_effect);
  } else if (final == 'u') {
    SetKittyFlags(csi);
  } else if (csi.prefix() == '>' && (final == 'm' || final == 'n')) {
    SetModifyKeys(csi);
  }
}

void Modes::PlainCsi(const SequenceParser& csi, OnEffect on_effect) {
  switch (csi.final()) {
    case 'h':
    case 'l':
      SetModes(csi, on_effect);
      break;
    case 'r':
      if (SetRegion(Parameters(csi.body()))) on_effect(Effect::kRegion);
      break;
    case 's':  // with parameters, it sets margins
      if (csi.body().empty()) Save(on_effect);
      break;
    case 'u':
      if (csi.body().empty()) Restore(on_effect);
      break;
    default:
      break;
  }
}

void Modes::SetModes(const SequenceParser& csi, OnEffect on_effect) {
  const Parameters parameters(csi.body());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int mode = parameters.At(i);
    if (mode != 4 && mode != 20) continue;
    (mode == 4 ? insert_ : new_line_) = csi.final() == 'h';
    on_effect(mode == 4 ? Effect::kInsert : Effect::kNewLine);
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
      if (mode == 6) on_effect(Effect::kOrigin);
      if (mode == 7) on_effect(Effect::kAutowrap);
  }
}

void Modes::Set(int dec_mode, bool on) {
  const uint32_t bit = DecModeBit(dec_mode);
  dec_modes_ = on ? dec_modes_ | bit : dec_modes_ & ~bit;
}

void Modes::SetAlternate(int mode, bool on, OnEffect on_effect) {
  if (on == alternate()) return;
  const bool saved = alternate_ == 1049;
  alternate_ = static_cast<int16_t>(on ? mode : 0);
  if (on) {
    if (mode == 1049) saved_primary_ = {charsets_, origin()};
    return on_effect(Effect::kAlternate);
  }
  on_effect(Effect::kPrimary);
  if (mode != 1049 || !saved) return;
  charsets_ = saved_primary_.charsets;
  Set(6, saved_primary_.origin);
  on_effect(Effect::kRestorePrimary);
}

// Returns false if the parameters make no region.
bool Modes::SetRegion(const Parameters& parameters) {
  const int top = std::max(parameters.At(0, 1), 1);
  const int bottom = parameters.At(1);
  if (bottom != 0 && bottom <= top) return false;
  region_ = {static_cast<int16_t>(top), static_cast<int16_t>(bottom)};
  return true;
}

void Modes::SetModifyKeys(const SequenceParser& csi) {
  const Parameters parameters(csi.body());
  if (!parameters.missing(0) && parameters.At(0) != 4) return;
  const int level = csi.final() == 'm' ? parameters.At(1) : 0;
  modify_other_keys_ = static_cast<int16_t>(level);
}

void Modes::SetKittyFlags(const SequenceParser& csi) {
  const Parameters parameters(csi.body());
  auto& [flags, depth] = kitty();
  const auto argument = static_cast<uint8_t>(parameters.At(0) & 0x1f);
  uint8_t& now = flags[depth == 0 ? 0 : depth - 1];
  switch (csi.prefix()) {
    case '>':
      // A full stack forgets the oldest, as in kitty.
      if (depth == flags.size()) {
        std::copy(flags.begin() + 1, flags.end(), flags.begin());
        --depth;
      }
      flags[depth++] = argument;
      break;
    case '<':
      depth = static_cast<uint8_t>(
          std::max(depth - std::max(parameters.At(0, 1), 1), 0));
      if (depth == 0) flags[0] = 0;
      break;
    case '=': {
      const int how = parameters.At(1, 1);
      now = how == 2   ? now | argument
            : how == 3 ? now & static_cast<uint8_t>(~argument)
                       : argument;
      depth = std::max<uint8_t>(depth, 1);
      break;
    }
    default:
      break;
  }
}

void Modes::SetTitle(absl::string_view body) {
  if (body.size() < 2 || (body[0] != '0' && body[0] != '2') || body[1] != ';') {
    return;
  }
  body.remove_prefix(2);
  title_.clear();
  Utf8Decoder decoder;
  for (const char c : body) {
    if (decoder.Take(c) != Utf8Decoder::Result::kCharacter) continue;
    std::string character;
    if (!IsC1(decoder.character())) AppendUtf8(decoder.character(), character);
    if (title_.size() + character.size() > kLongestTitle) return;
    title_ += character;
  }
}

void Modes::Save(OnEffect on_effect) {
  saved_ = {charsets_, origin()};
  on_effect(Effect::kSave);
}

void Modes::Restore(OnEffect on_effect) {
  charsets_ = saved_.charsets;
  Set(6, saved_.origin);
  on_effect(Effect::kRestore);
}

void Modes::SoftReset() {
  for (const int mode : {1, 6}) Set(mode, false);
  for (const int mode : {7, 25}) Set(mode, true);
  insert_ = application_keypad_ = false;
  region_ = {};
  charsets_ = {};
  saved_ = {};
}

// Only the title stays.
void Modes::Reset(OnEffect on_effect) {
  const bool was_alternate = alternate();
  std::string title = std::move(title_);
  *this = Modes();
  title_ = std::move(title);
  if (was_alternate) on_effect(Effect::kPrimary);
  on_effect(Effect::kReset);
}

std::string Modes::Sequences() const {
  std::string out;
  // The region comes before origin mode, which is relative to it.
  if (region_.top > 1 || region_.bottom > 0) {
    absl::StrAppend(&out, "\x1b[", region_.top, ";");
    if (region_.bottom > 0) absl::StrAppend(&out, region_.bottom);
    out += 'r';
  }
  for (const DecMode& mode : kDecModes) {
    const bool on = Is(mode.number);
    if (on == mode.at_reset) continue;
    absl::StrAppend(&out, "\x1b[?", mode.number, on ? "h" : "l");
  }
  if (mouse_ != 0) absl::StrAppend(&out, "\x1b[?", mouse_, "h");
  if (insert_) out += "\x1b[4h";
  if (new_line_) out += "\x1b[20h";
  if (application_keypad_) out += "\x1b=";
  if (cursor_shape_ != 0) absl::StrAppend(&out, "\x1b[", cursor_shape_, " q");
  if (modify_other_keys_ != 0) {
    absl::StrAppend(&out, "\x1b[>4;", modify_other_keys_, "m");
  }
  const KittyStack& kitty = kitty_[alternate() ? 1 : 0];
  for (size_t i = 0; i < kitty.depth; ++i) {
    absl::StrAppend(&out, "\x1b[>", int{kitty.flags[i]}, "u");
  }
  if (!title_.empty()) absl::StrAppend(&out, "\x1b]2;", title_, "\x07");
  return out + charsets_.Sequences();
}

}  // namespace deptyr
