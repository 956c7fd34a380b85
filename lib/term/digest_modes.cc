// Digest: modes that are more than on or off, and what it tells a terminal.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/term/dec_modes.h"
#include "lib/term/digest.h"

namespace deptyr {

bool Digest::Is(int dec_mode) const {
  return (dec_modes_ & DecModeBit(dec_mode)) != 0;
}

void Digest::SetModifyKeys(const Parameters& parameters) {
  if (!parameters.missing(0) && parameters.At(0) != 4) return;
  const int level = parser_.final() == 'm' ? parameters.At(1) : 0;
  modify_other_keys_ = static_cast<int16_t>(level);
}

void Digest::Kitty(const Parameters& parameters) {
  auto& [flags, depth] = kitty_[alternate_screen() ? 1 : 0];
  const auto argument = static_cast<uint8_t>(parameters.At(0) & 0x1f);
  uint8_t& now = flags[depth == 0 ? 0 : depth - 1];
  switch (parser_.prefix()) {
    case '>':
      // The oldest is forgotten, as in kitty.
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

void Digest::SetTitle() {
  absl::string_view body = parser_.body();
  if (body.size() < 2 || (body[0] != '0' && body[0] != '2') || body[1] != ';') {
    return;
  }
  body.remove_prefix(2);
  title_.clear();
  Utf8Decoder decoder;
  for (const char c : body) {
    if (decoder.Take(c) != Utf8Decoder::Result::kCharacter) continue;
    std::string character;
    if (decoder.character() < 0x80 || decoder.character() >= 0xa0) {
      AppendUtf8(decoder.character(), character);
    }
    if (title_.size() + character.size() > kLongestTitle) return;
    title_ += character;
  }
}

std::string Digest::Modes() const {
  std::string out;
  // The region before origin mode: that is relative to it.
  if (top_ > 1 || bottom_ > 0) {
    absl::StrAppend(&out, "\x1b[", top_, ";");
    if (bottom_ > 0) absl::StrAppend(&out, bottom_);
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
  out += KittyModes();
  if (!title_.empty()) absl::StrAppend(&out, "\x1b]2;", title_, "\x07");
  return out + charsets_.Select();
}

std::string Digest::KittyModes() const {
  const KittyStack& stack = kitty_[alternate_screen() ? 1 : 0];
  std::string out;
  for (size_t i = 0; i < stack.depth; ++i) {
    absl::StrAppend(&out, "\x1b[>", static_cast<int>(stack.flags[i]), "u");
  }
  return out;
}

}  // namespace deptyr
