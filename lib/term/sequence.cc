#include "lib/term/sequence.h"

#include <algorithm>

#include "lib/term/characters.h"

namespace deptyr {
namespace {

bool BeginsString(char c) {
  return c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X' ||
         c == 'k';  // a title for screen and tmux
}

}  // namespace

SequenceParser::Event SequenceParser::Take(char c) {
  if (c == kEscape) {
    if (state_ != State::kString) return Begin();
    state_ = State::kStringEscape;
    return Event::kNone;
  }
  if (state_ == State::kGround) return TakeGround(c);
  if (c == kCancel || c == kSubstitute) {
    state_ = State::kGround;
    return Event::kNone;
  }
  if (state_ == State::kString) return TakeString(c);
  if (state_ == State::kStringEscape) {
    if (c == '\\') return End(Event::kString, final_);
    Begin();  // the ESC ended the string, and begins what this byte belongs to
  }
  if (IsControl(c)) {
    final_ = c;
    return Event::kControl;
  }
  if (c == kDelete) return Event::kNone;
  if (state_ == State::kShift) return TakeShifted(c);
  return state_ == State::kEscape ? TakeEscape(c) : TakeCsi(c);
}

const char* SequenceParser::TakeCsi(const char* p, const char* end) {
  if (end - p < 3 || p[0] != kEscape || p[1] != '[') return p;
  const char* q = p + 2;
  const char prefix = IsPrefix(*q) ? *q++ : '\0';
  const char* const body = q;
  while (q != end && IsParameter(*q)) ++q;
  const char* const body_end = q;
  const char intermediate = q != end && IsIntermediate(*q) ? *q++ : '\0';
  const bool whole = q != end && *q >= 0x40 && *q != kDelete;
  if (!whole || static_cast<size_t>(body_end - body) > kLongestBody) return p;
  prefix_ = prefix;
  intermediate_ = intermediate;
  two_intermediates_ = false;
  final_ = *q;
  body_.assign(body, body_end);
  return q + 1;
}

SequenceParser::Event SequenceParser::Begin() {
  state_ = State::kEscape;
  prefix_ = intermediate_ = 0;
  two_intermediates_ = false;
  body_.clear();
  return Event::kNone;
}

SequenceParser::Event SequenceParser::End(Event event, char final) {
  state_ = State::kGround;
  final_ = final;
  return event;
}

SequenceParser::Event SequenceParser::TakeGround(char c) {
  if (IsControl(c)) {
    final_ = c;
    return Event::kControl;
  }
  return c == kDelete ? Event::kNone : Event::kPrint;
}

SequenceParser::Event SequenceParser::TakeEscape(char c) {
  if (IsIntermediate(c)) {
    AddIntermediate(c);
    return Event::kNone;
  }
  if (intermediate_ == 0 && c == '[') {
    state_ = State::kCsi;
    return Event::kNone;
  }
  if (intermediate_ == 0 && (c == 'N' || c == 'O')) {
    state_ = State::kShift;
    intermediate_ = c;
    return Event::kNone;
  }
  if (intermediate_ == 0 && BeginsString(c)) {
    state_ = State::kString;
    final_ = c;
    return Event::kNone;
  }
  // No sequence that is known here has two intermediates.
  const bool known = !two_intermediates_ && c > 0;
  return End(known ? Event::kEscape : Event::kNone, c);
}

// A character beyond ASCII is in no set.
SequenceParser::Event SequenceParser::TakeShifted(char c) {
  return End(c < 0 ? Event::kPrint : Event::kShifted, c);
}

SequenceParser::Event SequenceParser::TakeCsi(char c) {
  if (IsParameter(c) && intermediate_ == 0) {
    AddToBody(c);
  } else if (IsPrefix(c) && body_.empty() && prefix_ == 0 &&
             intermediate_ == 0) {
    prefix_ = c;
  } else if (IsIntermediate(c)) {
    AddIntermediate(c);
  } else if (c >= 0x40) {
    return End(two_intermediates_ ? Event::kNone : Event::kCsi, c);
  } else if (c < 0) {  // part of a character, which no sequence has
    return End(Event::kNone, c);
  } else {
    two_intermediates_ = true;  // malformed; goes on to its final byte
  }
  return Event::kNone;
}

SequenceParser::Event SequenceParser::TakeString(char c) {
  if (c == kBell && final_ == ']') return End(Event::kString, final_);
  if (!IsControl(c) && c != kDelete) AddToBody(c);
  return Event::kNone;
}

void SequenceParser::AddIntermediate(char c) {
  two_intermediates_ |= intermediate_ != 0;
  if (intermediate_ == 0) intermediate_ = c;
}

void SequenceParser::AddToBody(char c) {
  if (body_.size() < kLongestBody) body_.push_back(c);
}

Parameters::Parameters(absl::string_view body) {
  constexpr int kLargest = 9999;
  if (body.empty()) return;
  int value = -1;
  bool joined = false;
  const auto add = [&] {
    if (size_ == kMost) return;
    values_[size_] = static_cast<int16_t>(value);
    joined_[size_++] = joined;
  };
  for (const char c : body) {
    if (c == ';' || c == ':') {
      add();
      value = -1;
      joined = c == ':';
      any_joined_ |= joined;
    } else {
      value = std::min(std::max(value, 0) * 10 + (c - '0'), kLargest);
    }
  }
  add();
}

}  // namespace deptyr
