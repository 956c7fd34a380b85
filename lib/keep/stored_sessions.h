// Knows which sessions are stored outside of head, and what an earlier head
// left there.  The names say what a descriptor is:
//
//   deptyr.ring.0.NAME     the session's ring, as long as head remembers it
//   deptyr.pty.N.NAME      the controlling end of its Nth program's terminal,
//   deptyr.pid.N.NAME      and that program's pidfd, until it has ended
//   deptyr.log.N.NAME      where that program's lines go, and those on their
//   deptyr.spool.N.NAME    way there, until the log has all of them
//   deptyr.file.N.NAME     lines on their way to head's own log file
//
// A program is stored before its registration is accepted, and counted after
// that.  So a head that dies in between leaves a program whose number the ring
// doesn't know yet; it was started only if its pidfd says so.  A session is
// stored as a whole or not at all: half of it would be useless.  So is its log,
// which makes room where there is none for a session.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/keep/fd_store.h"
#include "lib/sys/fd.h"

namespace deptyr {

enum class StoredKind { kRing, kPty, kPid, kLog, kSpool, kFile };

struct StoredName {
  StoredKind kind = StoredKind::kRing;
  uint64_t number = 0;
  std::string session;
  bool operator==(const StoredName&) const = default;
};
// A store's names can't contain a colon (sd_notify(3), FDNAME=), so '=' takes
// its place.
std::string Spell(const StoredName& name);
// Returns nothing if the text isn't one of our names.
std::optional<StoredName> ParseStoredName(absl::string_view text);

// The descriptors of one session that came back from a store.
struct StoredProgram {
  Fd controller;
  Fd pidfd;
};
struct StoredLog {
  Fd log;
  Fd spool;
  Fd file_spool;
};
// The same to be stored; -1 for none.
struct LogToStore {
  int log = -1;
  int spool = -1;
  int file_spool = -1;
};
struct StoredSession {
  // The place for the descriptor of that name.
  Fd& At(const StoredName& name);

  Fd ring;
  std::map<uint64_t, StoredProgram> programs;
  std::map<uint64_t, StoredLog> logs;
};

class StoredSessions {
 public:
  // Nothing is ever stored if `store` is null.
  explicit StoredSessions(std::unique_ptr<FdStore> store = nullptr)
      : store_(std::move(store)) {}

  FdStore* store() const { return store_.get(); }
  // Fetches everything that an earlier head left, by session; all of it stays
  // stored.  Call it once.
  absl::StatusOr<std::map<std::string, StoredSession>> Fetch();
  // All names that are stored, and those that may be although nobody needs
  // them, for the program that takes over; there AssumeStored() takes the place
  // of Fetch().
  std::vector<std::string> Names() const;
  std::vector<std::string> Unwanted() const {
    return {unwanted_.begin(), unwanted_.end()};
  }
  void AssumeStored(const std::vector<std::string>& names,
                    const std::vector<std::string>& unwanted = {});

  // Stores the session's `number`th program, and its ring if that isn't stored
  // yet.  A failure is logged once per session.
  absl::Status AddProgram(const std::string& session, uid_t owner, int ring,
                          uint64_t number, int controller, int pidfd);
  // Says which program runs: the session counts as stored only if that one is.
  void SetRunning(const std::string& session, uint64_t number);
  // The program has ended.  If something can't be removed (it is logged), that
  // is done by RemoveUnwanted(), or when the same name is stored again.
  absl::Status RemoveProgram(const std::string& session, uint64_t number);
  absl::Status RemoveSession(const std::string& session);
  absl::Status RemoveUnwanted();
  // Stores the logs of the `number`th program instead of any other's.  Where
  // that fails, lines may be missing once head has died.
  absl::Status AddLog(const std::string& session, uid_t owner, uint64_t number,
                      const LogToStore& log);
  // Removes all logs of the session but that of this number; 0 is nobody's.
  absl::Status RemoveLogs(const std::string& session, uint64_t but = 0);
  // Whether a log of the session is stored.
  bool HasLog(const std::string& session) const;

  // Whether the session would survive head's death.
  bool Has(const std::string& session) const;
  // False once something could not be stored, until TryAgain(), or until
  // something is removed.
  bool HasRoom() const { return room_ == Room::kSome; }
  void TryAgain() { room_ = Room::kSome; }
  // Whether that was because the store was full; it may also be out of reach.
  bool IsFull() const { return room_ == Room::kFull; }

 private:
  struct Known {
    absl::InlinedVector<uint64_t, 2> programs;
    absl::InlinedVector<uint64_t, 1> logs;
    bool ring = false;
    bool whole = false;
    bool refused = false;  // and our own log says so
    bool log_refused = false;
  };
  static void AppendNames(const std::string& session, const Known& known,
                          std::vector<std::string>& names);
  void Note(const StoredName& stored);
  absl::Status Add(const std::vector<FdToStore>& wanted);
  absl::Status Remove(const std::vector<std::string>& names);
  void NoteUnwanted(const std::string& name);
  absl::Status DropLogs(const std::string& session, Known& known, uint64_t but);

  std::unique_ptr<FdStore> store_;
  // Nodes, because a thousand of them take less memory that way.
  absl::node_hash_map<std::string, Known> known_;
  // The store may have these, because it didn't answer in time.
  std::set<std::string> unwanted_;
  enum class Room { kSome, kFull, kUnreachable };
  static Room RoomAfter(const absl::Status& failure) {
    return absl::IsResourceExhausted(failure) ? Room::kFull
                                              : Room::kUnreachable;
  }
  Room room_ = Room::kSome;
};

}  // namespace deptyr
