#include "lib/attach/reconnect.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

// A head that is only being restarted is back before that.
constexpr absl::Duration kSilence = absl::Seconds(1);

}  // namespace

void Reconnect::Lost(const absl::Status& why) {
  if (patience_ <= absl::ZeroDuration()) return listener_.OnGivenUp(why);
  last_ = why;
  if (!std::exchange(under_way_, true)) {
    backoff_ = kHeadBackoff;
    time_is_up_ = loop_.After(patience_, [this] { GiveUp(); });
    missed_ = loop_.After(kSilence, [this] { listener_.OnHeadMissed(); });
  }
  attempt_ = loop_.After(backoff_.Next(), [this] { Try(); });
}

void Reconnect::Try() {
  // Head may take the connection and say nothing.
  last_ = absl::UnavailableError("head doesn't answer; is it stopped?");
  if (const absl::Status tried = listener_.TryAgain(); !tried.ok()) Lost(tried);
}

void Reconnect::GiveUp() {
  const absl::Status why = absl::UnavailableError(
      absl::StrCat("head went away and could not be reached again within ",
                   absl::FormatDuration(patience_), ": ", last_.message()));
  Done();
  listener_.OnGivenUp(why);
}

void Reconnect::Done() {
  under_way_ = false;
  attempt_.Reset();
  missed_.Reset();
  time_is_up_.Reset();
}

}  // namespace deptyr
