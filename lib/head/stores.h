// Keeps copies of sessions' descriptors in a store, so that the sessions
// survive head's death: finds the store, shares its room among the users, and
// restores the sessions that an earlier head left there.
#pragma once

#include <sys/types.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

#include "lib/head/head_options.h"
#include "lib/head/session_table.h"
#include "lib/keep/stored_sessions.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/readiness.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class Stores {
 public:
  // `again` is called when StoreMissing() should be called.
  Stores(EventLoop& loop, SessionTable& sessions,
         absl::AnyInvocable<void()> again)
      : loop_(loop), sessions_(sessions), again_(std::move(again)) {}

  // Finds the store; descriptors that systemd stored are taken out of
  // `inherited`.  In the place of a program that handed over `before`, it never
  // fails: the sessions must go on.
  absl::Status Open(const HeadOptions& options, Readiness& systemd,
                    std::vector<InheritedFd>& inherited,
                    const HeadState* before);
  // Fetches what an earlier head stored.  Call it once the head socket is ours,
  // because until then that head may still store something.
  absl::Status Fetch();
  // Makes sessions of what was fetched or handed over.  Those that were handed
  // over must have resumed.
  void RestoreSessions();
  void Save(HeadState& state) const;

  // The store's name for users, "" if there is none.
  absl::string_view name() const {
    return stored_.store() == nullptr ? "" : stored_.store()->name();
  }
  bool MayEndWithService() const {
    return stored_.store() != nullptr && stored_.store()->MayEndWithService();
  }
  // Whether the session would survive head's death.
  bool Has(const Session& session) const { return stored_.Has(session.name()); }
  // Sessions whose state only a newer deptyr understands, by name.  They are
  // held as they are.
  const std::map<std::string, StoredSession>& newer() const { return newer_; }

  // Somebody connected who may be about to register a program.
  void Prepare();
  // Stores the session with its `number`th program; tried again later if the
  // store is out of reach.
  void Add(const Session& session, uint64_t number, int controller, int pidfd);
  void RemoveProgram(const Session& session, uint64_t number) {
    TryAgainAfter(stored_.RemoveProgram(session.name(), number));
  }
  // The program of this number runs, and doesn't count if it isn't stored.
  void SetRunning(const Session& session, uint64_t number) {
    stored_.SetRunning(session.name(), number);
  }
  // Stores the session's log, or lets go of it if it has none any more.
  void UpdateLog(const Session& session);
  void RemoveSession(const Session& session) {
    TryAgainAfter(stored_.RemoveSession(session.name()));
  }
  // Removes what couldn't be removed before.  Then stores sessions that run and
  // found no room before, where there is some now or can be made, and logs.
  void StoreMissing();

 private:
  // The places that a user has in the store.
  struct Places {
    size_t count = 0;
    std::deque<Session*> idle;      // the oldest first
    std::vector<Session*> running;  // the newest last
  };
  using PlacesByUser = std::map<uid_t, Places>;
  PlacesByUser CountPlaces() const;
  bool MakeRoom(uid_t owner, PlacesByUser& users);
  void StoreMissingLogs();
  bool MakeRoomOfLogs(uid_t owner, PlacesByUser& users);
  void TryAgainAfter(const absl::Status& failure);
  void Restore(const std::string& name, StoredSession stored);
  void RestorePrograms(Session& session, StoredSession stored);

  EventLoop& loop_;
  SessionTable& sessions_;
  absl::AnyInvocable<void()> again_;
  StoredSessions stored_;
  std::map<std::string, StoredSession> fetched_;  // until they are sessions
  std::map<std::string, StoredSession> newer_;
  Timer until_reachable_;
  Timer until_relaxed_;
};

}  // namespace deptyr
