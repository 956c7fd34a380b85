// The sessions of a head: by name, by the time their program registered, and
// those whose program has ended, which are forgotten when there are too many.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/clients/limits.h"
#include "lib/session/session.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class SessionTable {
 public:
  using ByName = std::map<std::string, std::unique_ptr<Session>>;

  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnSessionAdded(Session& session) = 0;
    // Called after the table has noted the change.  Must not forget a session.
    virtual void OnSessionChanged(Session& session, Change change) = 0;
    // The session is destroyed right after this.
    virtual void OnSessionForgotten(Session& session) = 0;
    // Whether somebody who isn't among its clients looks at the session, so
    // that it must not be forgotten.
    virtual bool IsShown(const Session& session) const = 0;
  };

  SessionTable(EventLoop& loop, const SessionOptions& options,
               const Limits& limits, Owner& owner)
      : loop_(loop), options_(options), limits_(limits), owner_(owner) {}

  const ByName& by_name() const { return by_name_; }
  // The session that registered last is last.
  const std::vector<Session*>& by_start() const { return by_start_; }
  // Sessions without a program; the one whose program ended last is last.
  const std::vector<Session*>& idle() const { return idle_; }
  size_t size() const { return by_name_.size(); }
  size_t running() const { return by_name_.size() - idle_.size(); }

  // Null if there is none.
  Session* Find(const std::string& name) const;
  // The session of this user that registered last, or null.
  Session* NewestOf(uid_t owner) const;
  // "" means the newest session of that user: nobody gets into a session of
  // another user without naming it.
  Session* Find(const std::string& name, uid_t who) const {
    return name.empty() ? NewestOf(who) : Find(name);
  }

  // A session without a program.
  Session& Add(const std::string& name, uid_t owner, Ring ring);
  void MakeNewest(Session& session);
  void Forget(Session& session);
  // Does so unless its program runs or somebody watches it.
  absl::Status ForgetEnded(Session& session);
  // Forgets sessions until the user may have one more: first those of the user,
  // then those of users who have more.  Sessions that run or are watched stay.
  absl::Status MakeRoom(uid_t owner);
  // Forgets the oldest sessions beyond kMostEnded of each user.
  void ForgetExcess();
  // One of the user's terminals made head wait: takes away from the user all
  // terminals that would do it again.
  void DropBlockingTerminals(const Session& held_up);

  // Adds the session of a ring that was kept.  It resumes without notifying
  // anybody, so once all have, SortRestored() sorts them: by what their rings
  // say, or as the program `before` had them (null if none handed over).
  absl::StatusOr<Session*> Adopt(const std::string& name, int ring);
  void SortRestored(const HeadState* before);
  // These are for an upgrade.
  void Save(HeadState& state) const;
  void Resume(HeadState& before);

 private:
  void OnChanged(Session& session, Change change);
  size_t CountOf(uid_t owner) const;
  bool ForgetOneIdle(uid_t owner);
  bool ForgetOneOfMoreThan(uid_t owner);

  EventLoop& loop_;
  const SessionOptions options_;
  const Limits& limits_;
  Owner& owner_;
  ByName by_name_;
  std::map<uid_t, size_t> counts_;  // by owner
  std::vector<Session*> by_start_;
  std::vector<Session*> idle_;
};

}  // namespace deptyr
