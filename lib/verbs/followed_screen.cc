#include "lib/verbs/followed_screen.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

#include "lib/attach/notice.h"

namespace deptyr {
namespace {

// No terminal is larger; a head may say anything.
constexpr uint16_t kLargest = 1000;

// Whether a sequence begins here that erases in the screen, or shows another.
bool BeginsErasure(absl::string_view bytes) {
  if (absl::StartsWith(bytes,
                       "\x1b"
                       "c"))
    return true;
  if (!absl::ConsumePrefix(&bytes, "\x1b[")) return false;
  const size_t final = bytes.find_first_not_of("0123456789;?");
  if (final == absl::string_view::npos) return false;
  if (bytes[final] == 'J') return true;
  const absl::string_view modes = bytes.substr(0, final);
  return (bytes[final] == 'h' || bytes[final] == 'l') &&
         (modes == "?1049" || modes == "?1047" || modes == "?47");
}

}  // namespace

void FollowedScreen::OnAttached(const Attached& attached) {
  const auto length = [](uint16_t told) {
    return std::clamp(told, uint16_t{1}, kLargest);
  };
  screen_ = Screen({length(attached.rows), length(attached.cols)});
}

void FollowedScreen::Take(const HeadMessage& message,
                          absl::FunctionRef<void()> changed) {
  if (const auto* paint = std::get_if<Paint>(&message)) {
    screen_.Write(paint->bytes);
  } else if (const auto* output = std::get_if<Output>(&message)) {
    absl::string_view rest = output->bytes;
    for (;;) {
      const size_t piece = PieceOf(rest);
      screen_.Write(rest.substr(0, piece));
      rest.remove_prefix(piece);
      if (rest.empty()) break;
      changed();
    }
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    OnNotice(notice->fields);
  } else {
    return;
  }
  changed();
}

// A program that starts has a clean screen, as head's model has.
void FollowedScreen::OnNotice(const KeyValues& fields) {
  const absl::string_view event = ValueOf(fields, "event");
  if (event == "started") screen_ = Screen(SizeIn(fields, 1, kLargest));
  if (event == "resized") screen_.Resize(SizeIn(fields, 1, kLargest));
}

size_t FollowedScreen::PieceOf(absl::string_view bytes) const {
  int lines = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n' && ++lines >= screen_.rows() - 1) return i + 1;
    if (bytes[i] == '\x1b' && i > 0 && BeginsErasure(bytes.substr(i))) return i;
  }
  return bytes.size();
}

}  // namespace deptyr
