#include "lib/head/upgrade.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/base/step.h"
#include "lib/session/ring.h"
#include "lib/sys/process.h"
#include "lib/sys/slow_closer.h"

namespace deptyr {
namespace {

constexpr absl::Duration kTrialTime = absl::Seconds(5);
constexpr char kStopping[] = "it is about to end";

Offer OfferOf(const HeadState& state) {
  return {Encode(state), DescriptorsOf(state)};
}

}  // namespace

void Upgrade::Begin() {
  if (trying()) return;
  if (stopping_) return owner_.OnUpgradeFailed(kStopping);
  if (options_.argv.empty()) return owner_.OnUpgradeFailed("this head can't");
  auto trial =
      StartTrial(options_.program, options_.argv, OfferOf(owner_.Save()));
  if (!trial.ok()) return owner_.OnUpgradeFailed(trial.status().message());
  STEP("-", "tries");
  attempt_.emplace(Attempt{*std::move(trial), {}, {}});
  attempt_->watch =
      loop_.Add(attempt_->trial.child.pidfd.get(), Interest::kRead,
                [this](Ready) { OnTrialEnded(); });
  attempt_->patience = loop_.After(kTrialTime, [this] {
    (void)SendSignal(attempt_->trial.child.pidfd.get(), SIGKILL);
  });
}

void Upgrade::Stop() {
  stopping_ = true;
  if (trying()) {
    (void)SendSignal(attempt_->trial.child.pidfd.get(), SIGKILL);
  }
}

void Upgrade::OnTrialEnded() {
  const auto end = ReapChild(attempt_->trial.child.pidfd.get());
  if (end.ok() && !end->has_value()) return;
  const std::string said = LastLine(attempt_->trial);
  attempt_.reset();  // else an error would be reported for ever
  const absl::Status why = end.ok() ? HandOver(said, **end) : end.status();
  owner_.OnUpgradeFailed(why.message());
}

// Returns only if there is no upgrade, and says why.
absl::Status Upgrade::HandOver(absl::string_view said, const ExitStatus& end) {
  if (stopping_) return absl::CancelledError(kStopping);
  if (end != ExitStatus{}) {
    return absl::FailedPreconditionError(
        absl::StrCat(options_.program, " can't take over: ",
                     said.empty() ? Describe(end) : std::string(said)));
  }
  if (SlowCloser::TerminalsWait()) {
    return absl::FailedPreconditionError(
        "a terminal doesn't close, and head would wait for it; end the "
        "processes in state D that write to terminals (ps axo pid,stat,tty)");
  }
  readiness_.ShowSocket(true);
  absl::Status why =
      ReplaceSelf(options_.program, options_.argv, OfferOf(owner_.Save()));
  readiness_.ShowSocket(false);
  return why;
}

absl::Status CheckRings(const HeadState& state) {
  for (const SessionState& session : state.sessions) {
    const absl::Status ring = Ring::CheckFormat(Duplicate(session.ring));
    if (ring.ok()) continue;
    return absl::Status(ring.code(), absl::StrCat("session ", session.name,
                                                  ": ", ring.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<HandedOver>> TakeHandedOver() {
  ASSIGN_OR_RETURN(auto offer, TakeOffer());
  if (!offer) return std::nullopt;
  ASSIGN_OR_RETURN(HeadState state, Decode(offer->text));
  if (offer->trial) RETURN_IF_ERROR(CheckRings(state));
  return HandedOver{std::move(state), offer->trial};
}

}  // namespace deptyr
