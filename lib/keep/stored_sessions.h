// What a keeper has of head's sessions, and what becomes of it when head comes
// back.
//
//   deptyr.ring.0.NAME     the session's ring, as long as head remembers it
//   deptyr.pty.N.NAME      the controlling end of its Nth program's terminal,
//   deptyr.pid.N.NAME      and that program's pidfd, until it has ended
//
// A registration is kept before it is accepted, and Start() counts the program
// after that.  So a head that dies in between leaves a program of a number that
// the ring doesn't know yet: it is there, if its pidfd says so.
//
// All of a session is kept, or nothing: half of it would be of no use.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/keep/fd_store.h"
#include "lib/sys/fd.h"

namespace deptyr {

// Names have no colon for a keeper (sd_notify(3), FDNAME=).
struct StoredName {
  std::string kind;  // "ring", "pty", "pid"
  uint64_t number = 0;
  std::string session;
  bool operator==(const StoredName&) const = default;
};
std::string Spell(const StoredName& name);
// Nothing, if it isn't one of ours.
std::optional<StoredName> ParseStoredName(absl::string_view text);

// Of one session, as a keeper gave it back.
struct StoredProgram {
  Fd controller;
  Fd pidfd;
};
struct StoredSession {
  Fd ring;
  std::map<uint64_t, StoredProgram> programs;
};

class StoredSessions {
 public:
  // No keeper: nothing is kept.
  explicit StoredSessions(std::unique_ptr<FdStore> keeper = nullptr)
      : keeper_(std::move(keeper)) {}

  // "" for none.
  absl::string_view kind() const {
    return keeper_ == nullptr ? "" : keeper_->kind();
  }
  // What an earlier head left, by session; all of it stays kept.  Once.
  absl::StatusOr<std::map<std::string, StoredSession>> TakeBack();

  // What FdStore has of these.
  bool Prepare() { return keeper_ != nullptr && keeper_->Prepare(); }
  void Relax() {
    if (keeper_ != nullptr) keeper_->Relax();
  }

  // The same for the program that takes over: the names of all that is kept.
  std::vector<std::string> Names() const;
  void Resume(const std::vector<std::string>& names);

  // A program is about to be held by this session, its `number`th.  What fails
  // is told of here, once.
  absl::Status Keep(const std::string& session, uid_t owner, int ring,
                    uint64_t number, int controller, int pidfd);
  // The program that runs is this one: if that isn't kept, the session isn't.
  void Expect(const std::string& session, uint64_t number);
  // It has ended.
  void DropProgram(const std::string& session, uint64_t number);
  void DropSession(const std::string& session);

  // Whether head's death would leave the session as it is.
  bool Keeps(const std::string& session) const;
  // There is room again for what found none.
  bool HasRoom() const { return has_room_; }
  void TryAgain() { has_room_ = true; }
  // There is none, rather than nobody to ask.
  bool IsFull() const { return is_full_; }

 private:
  struct Kept {
    absl::InlinedVector<uint64_t, 2> programs;
    bool ring = false;
    bool whole = false;
    bool refused = false;  // and the log says so
  };
  static void AppendNames(const std::string& session, const Kept& known,
                          std::vector<std::string>& names);

  std::unique_ptr<FdStore> keeper_;
  // Nodes: a thousand of them take less room.
  absl::node_hash_map<std::string, Kept> kept_;
  bool has_room_ = true;
  bool is_full_ = false;
};

}  // namespace deptyr
