#include "lib/term/digest.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/term/dec_modes.h"

namespace deptyr {
namespace {

constexpr char kEscape = '\x1b';

// What a processor compares at once.
constexpr ptrdiff_t kBlock = 16;
using Block = uint8_t __attribute__((vector_size(kBlock)));

// ESC, SO, SI, or not ASCII: what isn't skipped.  Of one byte, or of each.
template <typename Bytes>
auto IsNotable(Bytes bytes) {
  return (bytes >= 0x80) | (bytes == 0x1b) | ((bytes & 0xfe) == 0x0e);
}

bool AnyIsNotable(const char* p) {
  Block block;
  std::memcpy(&block, p, kBlock);
  const auto notable = IsNotable(block);
  std::array<uint64_t, 2> halves;
  std::memcpy(halves.data(), &notable, kBlock);
  return (halves[0] | halves[1]) != 0;
}

// The finals of sequences without a prefix that tell it something.
bool IsOfInterest(char final) {
  switch (final) {
    case 'H':
    case 'J':
    case 'f':
    case 'h':
    case 'l':
    case 'p':
    case 'q':
    case 'r':
    case 's':
    case 'u':
      return true;
    default:
      return false;
  }
}

}  // namespace

Digest::Digest() : dec_modes_(kDecModesAtReset) {}

uint64_t Digest::whole() const {
  if (parser_.ground()) return offset_ - utf8_.pending();
  return offset_ - begin_ > kLongestHeld ? offset_ : begin_;
}

void Digest::Rebase() {
  offset_ = begin_ = home_ = home_begin_ = last_clear_ = primary_clear_ = 0;
  printed_last_ = false;
}

void Digest::Scan(absl::string_view bytes) {
  const char* p = bytes.data();
  const char* const start = p;
  const char* const end = p + bytes.size();
  const uint64_t before = offset_;
  while (p != end) {
    offset_ = before + static_cast<uint64_t>(p - start);
    if (parser_.ground() && utf8_.pending() == 0) {
      const char* const next =
          *p == kEscape ? SkipCsi(p, end) : SkipPlain(p, end);
      if (next != p) {
        p = next;
        continue;
      }
    }
    ScanByte(*p, offset_);
    ++p;
  }
  offset_ = before + bytes.size();
}

// Past text and controls that change nothing.
const char* Digest::SkipPlain(const char* p, const char* end) {
  const char* const start = p;
  while (end - p >= kBlock && !AnyIsNotable(p)) p += kBlock;
  while (p != end && !IsNotable(static_cast<uint8_t>(*p))) ++p;
  if (p != start) printed_last_ = p[-1] >= ' ' && p[-1] != '\x7f';
  return p;
}

// Past a CSI that is whole and changes nothing: most of them.
const char* Digest::SkipCsi(const char* p, const char* end) {
  if (end - p < 3 || p[1] != '[' || (p[2] >= '<' && p[2] <= '?')) return p;
  const char* q = p + 2;
  while (q != end && *q >= ' ' && *q < '@') ++q;
  if (q == end || *q < '@' || *q == '\x7f' || IsOfInterest(*q)) return p;
  printed_last_ = false;
  return q + 1;
}

void Digest::ScanByte(char c, uint64_t at) {
  const bool was_ground = parser_.ground();
  const SequenceParser::Event event = parser_.Take(c);
  if (event == SequenceParser::Event::kPrint) {
    TakeCharacter(c);
    return;
  }
  utf8_.Forget();
  // An ESC begins anew, but for the one that may end a string.
  if (was_ground || (c == kEscape && !parser_.in_string())) begin_ = at;
  if (event == SequenceParser::Event::kNone && !parser_.ground()) return;
  printed_last_ = false;
  Act(event, begin_);
}

void Digest::TakeCharacter(char c) {
  Utf8Decoder::Result result = utf8_.Take(c);
  if (result == Utf8Decoder::Result::kAgain) result = utf8_.Take(c);
  if (result != Utf8Decoder::Result::kMore) printed_last_ = true;
}

void Digest::Act(SequenceParser::Event event, uint64_t begin) {
  switch (event) {
    case SequenceParser::Event::kControl:
      charsets_.Control(parser_.final());
      break;
    case SequenceParser::Event::kEscape:
      Escape(begin);
      break;
    case SequenceParser::Event::kCsi:
      Csi(begin);
      break;
    case SequenceParser::Event::kString:
      if (parser_.final() == ']') SetTitle();
      break;
    case SequenceParser::Event::kNone:
    case SequenceParser::Event::kPrint:
      break;
  }
}

void Digest::Escape(uint64_t begin) {
  if (charsets_.Escape(parser_.intermediate(), parser_.final())) return;
  if (parser_.intermediate() == '#' && parser_.final() == '8') Resized();
  if (parser_.intermediate() != 0) return;
  switch (parser_.final()) {
    case '=':
    case '>':
      application_keypad_ = parser_.final() == '=';
      break;
    case '7':
      Save();
      break;
    case '8':
      Restore();
      break;
    case 'c':
      Reset(begin);
      break;
    default:
      break;
  }
}

void Digest::Csi(uint64_t begin) {
  const Parameters parameters(parser_.body());
  const char final = parser_.final();
  switch (parser_.intermediate()) {
    case 0:
      break;
    case ' ':
      if (final == 'q') {
        cursor_shape_ = static_cast<int16_t>(parameters.At(0));
      }
      return;
    case '!':
      if (final == 'p') SoftReset();
      return;
    default:
      return;
  }
  const char prefix = parser_.prefix();
  if (prefix == 0) {
    PlainCsi(parameters, begin);
  } else if (prefix == '?') {
    if (final == 'h' || final == 'l') {
      SetDecMode(parameters, final == 'h', begin);
    }
  } else if (final == 'u') {
    Kitty(parameters);
  } else if (prefix == '>' && (final == 'm' || final == 'n')) {
    SetModifyKeys(parameters);
  }
}

void Digest::PlainCsi(const Parameters& parameters, uint64_t begin) {
  switch (parser_.final()) {
    case 'H':
    case 'f':
      if (parameters.At(0) <= 1 && parameters.At(1) <= 1 && !Is(6)) {
        home_ = offset_ + 1;
        home_begin_ = begin;
      }
      break;
    case 'J':
      if (parameters.At(0) == 2) Cleared(begin);
      if (parameters.At(0) == 0 && home_ == begin && begin != 0) {
        Cleared(home_begin_);
      }
      break;
    case 'h':
    case 'l':
      SetMode(parameters, parser_.final() == 'h');
      break;
    case 'r':
      SetRegion(parameters);
      break;
    case 's':
      if (parameters.size() == 0) Save();
      break;
    case 'u':
      if (parameters.size() == 0) Restore();
      break;
    default:
      break;
  }
}

void Digest::SetMode(const Parameters& parameters, bool on) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters.At(i) == 4) insert_ = on;
    if (parameters.At(i) == 20) new_line_ = on;
  }
}

void Digest::SetDecMode(const Parameters& parameters, bool on, uint64_t begin) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    SetDecMode(parameters.At(i), on, begin);
  }
}

void Digest::SetDecMode(int mode, bool on, uint64_t begin) {
  switch (mode) {
    case 9:
    case 1000:
    case 1002:
    case 1003:
      // As in xterm: one of them, and whichever is reset, none.
      mouse_ = static_cast<int16_t>(on ? mode : 0);
      break;
    case 66:
      application_keypad_ = on;
      break;
    case 1048:
      on ? Save() : Restore();
      break;
    case 47:
    case 1047:
    case 1049:
      SetAlternate(mode, on, begin);
      break;
    default:
      dec_modes_ =
          on ? dec_modes_ | DecModeBit(mode) : dec_modes_ & ~DecModeBit(mode);
  }
}

void Digest::SetAlternate(int mode, bool on, uint64_t begin) {
  if (on == alternate_screen()) return;
  if (on) {
    primary_clear_ = last_clear_;
    if (mode == 1049) saved_primary_ = {charsets_, Is(6)};
    Cleared(begin);
    alternate_ = static_cast<int16_t>(mode);
    return;
  }
  last_clear_ = primary_clear_;
  if (mode == 1049 && alternate_ == 1049) {
    charsets_ = saved_primary_.charsets;
    SetDecMode(6, saved_primary_.origin, begin);
  }
  alternate_ = 0;
}

void Digest::SetRegion(const Parameters& parameters) {
  const int top = std::max(parameters.At(0, 1), 1);
  const int bottom = parameters.At(1);
  if (bottom != 0 && bottom <= top) return;
  top_ = static_cast<int16_t>(top);
  bottom_ = static_cast<int16_t>(bottom);
}

void Digest::Save() {
  saved_ = {charsets_, Is(6)};
}

void Digest::Restore() {
  charsets_ = saved_.charsets;
  SetDecMode(6, saved_.origin, 0);
}

void Digest::SoftReset() {
  dec_modes_ = (dec_modes_ | DecModeBit(7) | DecModeBit(25)) &
               ~(DecModeBit(1) | DecModeBit(6));
  insert_ = application_keypad_ = false;
  top_ = bottom_ = 0;
  charsets_ = {};
  saved_ = {};
}

void Digest::Reset(uint64_t begin) {
  SoftReset();
  dec_modes_ = kDecModesAtReset;
  new_line_ = false;
  mouse_ = alternate_ = cursor_shape_ = modify_other_keys_ = 0;
  kitty_ = {};
  Cleared(begin);
}

}  // namespace deptyr
