#include "lib/session/sizing.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/sys/pty.h"

namespace deptyr {
namespace {

constexpr absl::Duration kRepaintPause = absl::Milliseconds(50);
constexpr int kMostChanges = 4;
constexpr absl::Duration kStorm = absl::Milliseconds(80);

}  // namespace

absl::string_view NameOf(SizePolicy policy) {
  return NameIn(kSizePolicies, policy);
}

absl::StatusOr<SizePolicy> SizePolicyNamed(absl::string_view name) {
  if (const auto policy = ValueNamed(kSizePolicies, name)) return *policy;
  return absl::InvalidArgumentError(absl::StrCat(
      "not a size policy: ", name, "; say latest, smallest, largest or fixed"));
}

void Sizing::Set(WindowSize size) {
  size_ = size;
  RingState& state = ring_.state();
  // If only the pixels change, the text that is there stays right.
  if (SameCells(size, {state.rows, state.cols})) return;
  state.rows = size_.rows;
  state.cols = size_.cols;
  state.resized = ring_.end();
  IncarnationRecord& latest = ring_.latest();
  if (latest.number == 0 || latest.outcome != Outcome::kRuns) return;
  latest.rows = size_.rows;
  latest.cols = size_.cols;
}

void Sizing::Resume(int terminal) {
  size_ = GetWindowSize(terminal).value_or(WindowSize());
  // A head that ended while the terminal was repainting left another number.
  size_.rows = ring_.state().rows;
  size_.cols = ring_.state().cols;
}

SizePolicy Sizing::policy() const {
  return OwnPolicy<SizePolicy>(ring_.state().size_policy,
                               std::size(kSizePolicies))
      .value_or(heads_policy_);
}

void Sizing::SetOwnPolicy(std::optional<SizePolicy> policy) {
  ring_.state().size_policy = NumberOf(policy);
}

const SessionClient* Sizing::Decider() const {
  return policy() == SizePolicy::kFixed ? nullptr : audience_.LeadingTerminal();
}

std::optional<WindowSize> Sizing::Wanted() const {
  const SizePolicy policy = this->policy();
  if (policy == SizePolicy::kFixed) return std::nullopt;
  if (policy == SizePolicy::kLatest) {
    const SessionClient* const terminal = audience_.LeadingTerminal();
    return terminal == nullptr ? std::nullopt : terminal->size();
  }
  const auto wins = [policy](uint16_t a, uint16_t b) {
    return policy == SizePolicy::kSmallest ? a < b : a > b;
  };
  std::optional<WindowSize> size;
  for (const SessionClient* client : audience_.clients()) {
    if (!client->size()) continue;
    if (!size) size = client->size();
    if (wins(client->size()->rows, size->rows)) {
      size->rows = client->size()->rows;
      size->ypixels = client->size()->ypixels;
    }
    if (wins(client->size()->cols, size->cols)) {
      size->cols = client->size()->cols;
      size->xpixels = client->size()->xpixels;
    }
  }
  return size;
}

bool Sizing::Apply(absl::AnyInvocable<void()> again) {
  const std::optional<WindowSize> size = Wanted();
  if (!size || *size == size_) return false;
  if (!storm_.pending()) {
    changes_ = 0;
    storm_ = loop_.After(kStorm, std::move(again));
  }
  if (changes_ == kMostChanges) return false;
  ++changes_;
  Set(*size);
  repaint_.Reset();
  return true;
}

void Sizing::Repaint(int terminal) {
  if (repaint_.pending()) return;
  WindowSize other = size_;
  other.rows == UINT16_MAX ? --other.rows : ++other.rows;
  (void)SetWindowSize(terminal, other);
  repaint_ = loop_.After(kRepaintPause, [this, terminal] {
    (void)SetWindowSize(terminal, size_);
  });
}

}  // namespace deptyr
