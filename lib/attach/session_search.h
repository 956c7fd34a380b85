// Looks for a session that isn't there yet, until head has it.  Head may be
// away meanwhile.
//
//   SessionSearch search(loop, path);
//   const auto found = [&](const absl::Status& end) { done = end.ok(); };
//   search.Start("mc", absl::Seconds(30), found);
//   Timer timeout = loop.After(absl::Seconds(30), [&] {
//     why = search.NotThere(absl::Seconds(30));
//   });
//
// Head counts what it refuses, so it isn't asked for the session itself, but
// for the list of those there are.
#pragma once

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/attach/inquiry.h"
#include "lib/attach/session_address.h"
#include "lib/base/backoff.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

class SessionSearch {
 public:
  using Found = absl::AnyInvocable<void(const absl::Status&)>;

  // `path` is that of head's socket.
  SessionSearch(EventLoop& loop, std::string path)
      : loop_(loop), path_(std::move(path)), inquiry_(loop, path_) {}

  // Calls `found` once the session is there, or with an error that will not go
  // away; not before this returns.  An empty name stands for any of the
  // caller's own.  On a terminal, whoever waits is told, and `limit`, which is
  // how long they will.
  void Start(std::string session, absl::Duration limit, Found found);
  // From Start() until `found` is called.
  bool running() const { return found_ != nullptr; }
  // The error if it hasn't been found for so long.
  absl::Status NotThere(absl::Duration waited) const;

 private:
  void Look();
  void Take(const absl::StatusOr<Inquiry::Answer>& sessions);
  std::string What() const;

  EventLoop& loop_;
  const std::string path_;
  Inquiry inquiry_;
  std::string session_;
  Found found_;
  absl::Status away_;  // why head couldn't be asked
  Backoff pauses_ = kHeadBackoff;
  Timer next_;
  Timer waiting_;
};

// Returns OK once the session is there, at most after `patience`.  Blocking;
// runs the loop.
absl::Status AwaitSession(EventLoop& loop, const SessionAddress& where,
                          absl::Duration patience);

}  // namespace deptyr
