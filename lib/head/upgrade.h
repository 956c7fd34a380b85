// Replaces the running head with the program that is installed now, in the same
// process: sessions and clients go on.
//
// First the program is tried: it is started beside head, with copies of
// everything, and exits with 0 if it understands them.  Only then does it take
// over, with the state of that moment; head serves on meanwhile.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/head/head_options.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/readiness.h"
#include "lib/sys/replace_self.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class Upgrade {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual HeadState Save() const = 0;
    // Head goes on as before.
    virtual void OnUpgradeFailed(absl::string_view why) = 0;
  };

  // The program is that of the options, which must outlive this object.
  Upgrade(EventLoop& loop, const HeadOptions& options, Readiness& readiness,
          Owner& owner)
      : loop_(loop), options_(options), readiness_(readiness), owner_(owner) {}

  // Does nothing if an upgrade has begun already.
  void Begin();
  // Head is about to end, so no upgrade succeeds any more.
  void Stop();
  // A program is being tried; it is a child of this process.
  bool trying() const { return attempt_.has_value(); }

 private:
  struct Attempt {
    Trial trial;
    Watch watch;
    Timer patience;
  };
  void OnTrialEnded();
  absl::Status HandOver(absl::string_view said, const ExitStatus& end);

  EventLoop& loop_;
  const HeadOptions& options_;
  Readiness& readiness_;
  Owner& owner_;
  std::optional<Attempt> attempt_;
  bool stopping_ = false;
};

// Everything that an upgrade gives to the program that it starts.
struct HandedOver {
  HeadState state;
  bool trial = false;  // it shall only say whether it understands this
};
// Whether this program understands the rings.
absl::Status CheckRings(const HeadState& state);
// Returns nothing if this program was started by anybody else, and an error if
// it doesn't understand what it was given.
absl::StatusOr<std::optional<HandedOver>> TakeHandedOver();

}  // namespace deptyr
