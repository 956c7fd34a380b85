#include "lib/term/modify_keys.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

constexpr int kHighestLevel = 9;  // xterm knows up to 4

}  // namespace

void ModifyKeys::Take(const SequenceParser& csi) {
  const Parameters parameters(csi.body());
  const bool disables = csi.final() == 'n';
  if (parameters.missing(0) && !disables) {
    levels_ = kNothingSet;
    return;
  }
  const int kind = parameters.missing(0) ? kFunctionKeys : parameters.At(0);
  if (kind >= static_cast<int>(kKinds)) return;
  int level = parameters.missing(1) ? kAtFirst : parameters.At(1);
  if (disables) level = kDisabled;
  // That is how other keys are at first.
  if (kind == kOtherKeys && level <= 0) level = kAtFirst;
  levels_[static_cast<size_t>(kind)] =
      static_cast<int8_t>(std::min(level, kHighestLevel));
}

std::string ModifyKeys::Sequences() const {
  std::string out;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (levels_[kind] == kAtFirst) continue;
    if (levels_[kind] == kDisabled) {
      absl::StrAppend(&out, "\x1b[>", kind, "n");
    } else {
      absl::StrAppend(&out, "\x1b[>", kind, ";", int{levels_[kind]}, "m");
    }
  }
  return out;
}

std::string ModifyKeys::Undo() const {
  std::string out;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (levels_[kind] != kAtFirst) absl::StrAppend(&out, "\x1b[>", kind, "m");
  }
  if (!out.empty()) out += "\x1b[m";
  return out;
}

}  // namespace deptyr
