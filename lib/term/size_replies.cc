#include "lib/term/size_replies.h"

#include <cstdint>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace deptyr {
namespace {

constexpr char kReplyBegin[] = "\x1b]2811;";
constexpr char kStringEnd[] = "\x1b\\";
// A reply may have fields that aren't known yet.
constexpr size_t kLongestSizeReply = 256;

// Takes "columns=120;lines=40".  Nothing if that isn't a size.
std::optional<WindowSize> SizeToldBy(absl::string_view fields) {
  std::optional<uint16_t> cols;
  std::optional<uint16_t> rows;
  if (absl::StartsWith(fields, "?")) return std::nullopt;  // it was echoed
  for (const absl::string_view field : absl::StrSplit(fields, ';')) {
    const auto take = [field](absl::string_view name,
                              std::optional<uint16_t>& side) {
      absl::string_view value = field;
      if (!absl::ConsumePrefix(&value, name)) return true;
      uint32_t number = 0;
      if (side || !absl::SimpleAtoi(value, &number) || number == 0 ||
          number > std::numeric_limits<uint16_t>::max()) {
        return false;
      }
      side = static_cast<uint16_t>(number);
      return true;
    };
    if (!take("columns=", cols) || !take("lines=", rows)) return std::nullopt;
  }
  if (!cols || !rows) return std::nullopt;
  return WindowSize{.rows = *rows, .cols = *cols};
}

// Whether `held` may still become a reply.
bool MayBeReply(absl::string_view held) {
  constexpr absl::string_view kBegin = kReplyBegin;
  return held.size() < kLongestSizeReply &&
         held.substr(0, kBegin.size()) == kBegin.substr(0, held.size());
}

}  // namespace

std::string SizeSubscription(WindowSize known) {
  return absl::StrCat("\x1b]2811;?;columns=", known.cols, ";lines=", known.rows,
                      kStringEnd);
}

std::string SizeReplies::Flush() {
  std::string typed = std::exchange(held_, "");
  if (std::exchange(escape_returned_, false)) typed.erase(0, 1);
  return typed;
}

std::string SizeReplies::Feed(absl::string_view bytes) {
  std::string typed;
  for (const char c : bytes) {
    const bool goes_on = std::exchange(escaped_, false) && c == ']';
    if (held_.empty() && !goes_on) {
      typed.push_back(c);
      escaped_ = c == '\x1b';
      continue;
    }
    if (goes_on) {
      held_ = "\x1b";
      escape_returned_ = typed.empty();
      if (!escape_returned_) typed.pop_back();
    }
    held_.push_back(c);
    absl::string_view body = held_;
    const bool ended = absl::ConsumeSuffix(&body, "\a") ||
                       absl::ConsumeSuffix(&body, kStringEnd);
    if (!MayBeReply(body)) {
      typed += Flush();
    } else if (ended) {
      body.remove_prefix(sizeof kReplyBegin - 1);
      if (const auto told = SizeToldBy(body)) size_ = told;
      held_.clear();
    }
  }
  return typed;
}

}  // namespace deptyr
