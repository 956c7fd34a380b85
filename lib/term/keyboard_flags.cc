#include "lib/term/keyboard_flags.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace deptyr {

void KeyboardFlags::Take(const SequenceParser& csi) {
  const Parameters parameters(csi.body());
  const auto argument = static_cast<uint8_t>(parameters.At(0) & 0x1f);
  uint8_t& now = flags_[depth_ == 0 ? 0 : depth_ - 1];
  switch (csi.prefix()) {
    case '>':
      // A full stack forgets the oldest, as in kitty.
      if (depth_ == flags_.size()) {
        std::copy(flags_.begin() + 1, flags_.end(), flags_.begin());
        --depth_;
      }
      flags_[depth_++] = argument;
      break;
    case '<':
      depth_ = static_cast<uint8_t>(
          std::max(depth_ - std::max(parameters.At(0, 1), 1), 0));
      if (depth_ == 0) flags_[0] = 0;
      break;
    case '=': {
      const int how = parameters.At(1, 1);
      now = how == 2   ? now | argument
            : how == 3 ? now & static_cast<uint8_t>(~argument)
                       : argument;
      depth_ = std::max<uint8_t>(depth_, 1);
      break;
    }
    default:
      break;
  }
}

bool KeyboardFlags::reports_releases() const {
  constexpr uint8_t kEventTypes = 2;
  return depth_ > 0 && (flags_[depth_ - 1] & kEventTypes) != 0;
}

std::string KeyboardFlags::Sequences() const {
  std::string out;
  for (size_t i = 0; i < depth_; ++i) {
    absl::StrAppend(&out, "\x1b[>", int{flags_[i]}, "u");
  }
  return out;
}

std::string KeyboardFlags::Undo() const {
  return depth_ == 0 ? "" : absl::StrCat("\x1b[<", int{depth_}, "u");
}

}  // namespace deptyr
