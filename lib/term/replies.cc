#include "lib/term/replies.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

#include "lib/term/characters.h"
#include "lib/term/command_keys.h"

namespace deptyr {
namespace {

// No answer in use is longer; what goes on after that is a paste.
constexpr size_t kLongestReply = 512;

bool IsParameterOrPrefix(char c) {
  return IsParameter(c) || IsPrefix(c);
}

bool IsReplyCsi(absl::string_view parameters, absl::string_view intermediates,
                char final) {
  if (parameters.empty()) return false;  // keys: CSI A, CSI R (F3), ...
  const char first = parameters[0];
  switch (final) {
    case 'c':
      return first == '?' || first == '>' || first == '=';
    case 'n':
    case 't':
      return true;
    case 'R':
      return first == '?' || absl::StrContains(parameters, ";");
    case 'y':
      return intermediates == "$";
    case 'u':  // without '?', a key in kitty's encoding
    case 'S':
      return first == '?';
    case 'm':
      return first == '>';  // '<': the mouse
    default:
      return false;
  }
}

// Whether a reply is to what is answered here, too.
bool IsOurCsi(absl::string_view parameters, char final) {
  switch (final) {
    case 'c':
    case 'R':
    case 'y':
      return true;
    case 'n':
      return parameters[0] != '?';
    case 't':
      return absl::StartsWith(parameters, "4;") ||
             absl::StartsWith(parameters, "6;") ||
             absl::StartsWith(parameters, "8;") ||
             absl::StartsWith(parameters, "9;") ||
             absl::StartsWith(parameters, "48;");
    default:
      return false;
  }
}

// The answers to XTVERSION and DA 3, or what may become one.
bool MayBeOurs(char kind, absl::string_view body) {
  return kind == 'P' && (body.empty() || absl::StrContains(">!", body[0])) &&
         (body.size() < 2 || body[1] == '|');
}

// Whether it is, or may become, a report of a size.
bool MayBeSize(absl::string_view sequence) {
  constexpr absl::string_view kBegin = "\x1b[48;";
  return sequence.substr(0, kBegin.size()) ==
             kBegin.substr(0, sequence.size()) &&
         (IsParameter(sequence.back()) || sequence.back() == 't' ||
          sequence.size() <= 2);
}

// Whether this is one more parameter of a CSI, which decides nothing.  Judging
// all of the sequence again for each would take long.
bool IsOneMoreParameter(absl::string_view held) {
  const size_t size = held.size();
  return size > 3 && size < kLongestReply && held[1] == '[' &&
         IsParameterOrPrefix(held[size - 2]) &&
         IsParameterOrPrefix(held[size - 1]);
}

}  // namespace

bool IsReport(absl::string_view bytes) {
  bool any = false;
  while (absl::ConsumePrefix(&bytes, "\x1b[")) {
    const bool mouse = absl::ConsumePrefix(&bytes, "<");
    size_t i = 0;
    while (mouse && i < bytes.size() && IsParameterOrPrefix(bytes[i])) ++i;
    if (i == bytes.size()) return false;
    const char final = bytes[i];
    if (mouse ? final != 'M' && final != 'm' : final != 'I' && final != 'O') {
      return false;
    }
    bytes.remove_prefix(i + 1);
    any = true;
  }
  return any && bytes.empty();
}

ReplyFilter::Verdict ReplyFilter::Judge(absl::string_view sequence,
                                        Kinds kinds) {
  if (sequence.size() < 2) return Verdict::kNeedMore;
  if (kinds == kSizes && !MayBeSize(sequence)) return Verdict::kTyped;
  const char kind = sequence[1];
  const absl::string_view body = sequence.substr(2);
  if (kind == 'P' || kind == ']' || kind == '_') {
    if (kinds == kOurs && !MayBeOurs(kind, body)) return Verdict::kTyped;
    if (absl::EndsWith(body, "\x1b\\")) return Verdict::kReply;
    if (kind == ']' && absl::EndsWith(body, absl::string_view(&kBell, 1))) {
      return Verdict::kReply;
    }
    // Alt-P, Alt-] and Alt-_ are typed alone; only an answer goes on with
    // these.
    if (!body.empty() &&
        !absl::StrContains(kind == '_' ? "G" : "0123456789!>$+|", body[0])) {
      return Verdict::kTyped;
    }
    return sequence.size() < kLongestReply ? Verdict::kNeedMore
                                           : Verdict::kTyped;
  }
  if (kind != '[') return Verdict::kTyped;
  size_t i = 0;
  while (i < body.size() && IsParameterOrPrefix(body[i])) ++i;
  const size_t parameters = i;
  while (i < body.size() && IsIntermediate(body[i])) ++i;
  if (i == body.size()) {
    return sequence.size() < kLongestReply ? Verdict::kNeedMore
                                           : Verdict::kTyped;
  }
  if (!IsFinal(body[i])) return Verdict::kTyped;
  const absl::string_view numbers = body.substr(0, parameters);
  const bool is_reply =
      IsReplyCsi(numbers, body.substr(parameters, i - parameters), body[i]) &&
      (kinds != kOurs || IsOurCsi(numbers, body[i]));
  return is_reply ? Verdict::kReply : Verdict::kTyped;
}

std::string ReplyFilter::Feed(absl::string_view bytes, Kinds kinds) {
  std::string typed;
  for (const char c : bytes) {
    if (std::exchange(escaped_, false)) {
      passed_ = 1;
      held_.push_back(kEscape);
    }
    if (held_.empty() && c != kEscape) {
      typed.push_back(c);
      continue;
    }
    held_.push_back(c);
    if (IsOneMoreParameter(held_)) continue;
    switch (Judge(held_, kinds)) {
      case Verdict::kNeedMore:
        break;
      case Verdict::kReply:
        held_.clear();
        passed_ = 0;
        break;
      case Verdict::kTyped:
        typed += Flush();
        // An ESC begins the next sequence.
        if (c == kEscape) {
          typed.pop_back();
          held_.push_back(c);
        }
        break;
    }
  }
  // An ESC alone is a key.
  if (held_.size() == 1) {
    typed += Flush();
    escaped_ = true;
  }
  return typed;
}

absl::Duration ReplyFilter::patience() const {
  return held_.empty() ? absl::ZeroDuration() : CommandKeys::PatienceFor(held_);
}

std::string ReplyFilter::Flush() {
  escaped_ = false;
  return std::exchange(held_, "").substr(std::exchange(passed_, 0));
}

}  // namespace deptyr
