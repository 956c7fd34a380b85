#include "lib/term/digest.h"

#include <array>
#include <cstring>

#include "lib/term/characters.h"

namespace deptyr {
namespace {

// Processors compare this many bytes at once.
constexpr ptrdiff_t kBlock = 16;
using Block = uint8_t __attribute__((vector_size(kBlock)));

// Whether a byte, or each of a block, can't be skipped: ESC, SO, SI, BEL and,
// since one comparison finds it with these, ACK, and all that isn't ASCII.
template <typename Bytes>
auto IsNotable(Bytes bytes) {
  return (bytes >= 0x80) | (bytes == 0x1b) | ((bytes & 0xf6) == 0x06);
}

bool AnyIsNotable(const char* p) {
  Block block;
  std::memcpy(&block, p, kBlock);
  const auto notable = IsNotable(block);
  std::array<uint64_t, 2> halves;
  std::memcpy(halves.data(), &notable, kBlock);
  return (halves[0] | halves[1]) != 0;
}

// Whether a CSI that ends so, without a prefix and an intermediate, has to be
// looked at.
bool IsOfInterest(char final) {
  return final == 'H' || final == 'J' || final == 'c' || final == 'f' ||
         Modes::Minds(final);
}

}  // namespace

uint64_t Digest::whole() const {
  if (parser_.ground()) return offset_ - utf8_.pending();
  return offset_ - begin_ > kLongestHeld ? offset_ : begin_;
}

absl::string_view Digest::EndOfSequence() const {
  if (parser_.ground()) return "";
  return parser_.in_string() ? "\x1b\\" : "\x18";
}

// An OSC may end by BEL, other strings don't.  No terminal does anything for
// this number, or for SOS.
absl::string_view Digest::BeginOfRest() const {
  if (parser_.ground()) return "";
  if (!parser_.in_string()) return "\x1b[";
  return parser_.final() == ']' ? "\x1b]99999;" : "\x1bX";
}

void Digest::Rebase() {
  offset_ = begin_ = home_begin_ = home_end_ = last_clear_ = primary_clear_ = 0;
  last_query_ = last_bell_ = pen_set_ = last_picture_ = primary_picture_ = 0;
}

void Digest::Scan(absl::string_view bytes, OnQuery on_query) {
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
    ScanByte(*p, offset_, on_query);
    ++p;
  }
  offset_ = before + bytes.size();
}

// Skips text, and controls that change nothing.
const char* Digest::SkipPlain(const char* p, const char* end) const {
  while (end - p >= kBlock && !AnyIsNotable(p)) p += kBlock;
  while (p != end && !IsNotable(static_cast<uint8_t>(*p))) ++p;
  return p;
}

// Skips a CSI that is whole and changes nothing, as most do.
const char* Digest::SkipCsi(const char* p, const char* end) {
  if (end - p < 3 || p[1] != '[' || (p[2] >= '<' && p[2] <= '?')) return p;
  const char* q = p + 2;
  while (q != end && IsParameter(*q)) ++q;
  if (q == end || !IsFinal(*q) || IsOfInterest(*q)) return p;
  if (*q == 'm') {
    pen_set_ = offset_;
    usual_pen_ = q == p + 2 || (q == p + 3 && p[2] == '0');
  }
  return q + 1;
}

void Digest::ScanByte(char c, uint64_t at, OnQuery on_query) {
  const bool was_ground = parser_.ground();
  const SequenceParser::Event event = parser_.Take(c);
  if (event == SequenceParser::Event::kPrint) {
    return utf8_.Feed(c, [](char32_t) {});
  }
  utf8_.Forget();
  if (event == SequenceParser::Event::kControl && c == kBell) {
    last_bell_ = at + 1;
  }
  // An ESC begins anew, except for the one that may end a string.
  if (was_ground || (c == kEscape && !parser_.in_string())) begin_ = at;
  Act(event, begin_);
  if (const auto query = QueryOf(event, parser_)) {
    last_query_ = at + 1;
    on_query(*query);
  }
}

void Digest::Act(SequenceParser::Event event, uint64_t begin) {
  if (event == SequenceParser::Event::kCsi) MoveOrErase(begin);
  if (event == SequenceParser::Event::kCsi && parser_.final() == 'm' &&
      parser_.prefix() == 0) {
    pen_set_ = begin;
    usual_pen_ = parser_.body().empty() || parser_.body() == "0";
  }
  modes_.Take(event, parser_, [&](Modes::Effect effect) {
    switch (effect) {
      case Modes::Effect::kRestore:
      case Modes::Effect::kPopStyle:
        pen_set_ = begin;
        usual_pen_ = false;
        break;
      case Modes::Effect::kGuard:
        pen_set_ = begin;
        break;
      case Modes::Effect::kAlternate:
        primary_clear_ = last_clear_;
        primary_picture_ = last_picture_;
        last_clear_ = begin;
        break;
      case Modes::Effect::kPrimary:
        last_clear_ = primary_clear_;
        last_picture_ = primary_picture_;
        break;
      case Modes::Effect::kReset:
        last_clear_ = begin;
        break;
      case Modes::Effect::kPicture:
        last_picture_ = begin + 1;
        break;
      default:
        break;
    }
  });
}

void Digest::MoveOrErase(uint64_t begin) {
  if (parser_.prefix() != 0 || parser_.intermediate() != 0) return;
  const char final = parser_.final();
  if (final != 'H' && final != 'f' && final != 'J') return;
  const Parameters parameters(parser_.body());
  if (final == 'J') {
    if (parameters.At(0) == 2) last_clear_ = begin;
    const bool from_home = home_end_ == begin && begin != 0;
    if (parameters.At(0) == 0 && from_home) last_clear_ = home_begin_;
  } else if (parameters.At(0) <= 1 && parameters.At(1) <= 1 &&
             !modes_.origin()) {
    home_begin_ = begin;
    home_end_ = offset_ + 1;
  }
}

}  // namespace deptyr
