// A store of descriptors that outlives head: systemd's descriptor store or an
// s6-fdholder.  While it holds copies of head's descriptors, no program loses
// its terminal when head dies.
//
// FindStore() finds the one that deptyr head --keeper means.  StoredSessions
// (lib/keep/stored_sessions.h) decides which descriptors of a session are
// stored, and in which order.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/readiness.h"

namespace deptyr {

struct StoredFd {
  std::string name;
  Fd fd;
};

struct FdToStore {
  std::string name;
  int fd;
};

// Names begin with this, so a store may have other users.
inline constexpr char kStoredPrefix[] = "deptyr.";

class FdStore {
 public:
  virtual ~FdStore() = default;
  // The store's name for users: "systemd", "s6-fdholder".
  virtual absl::string_view name() const = 0;
  // Whether the store may let go of everything when the service is stopped.
  virtual bool MayEndWithService() const { return false; }
  // Everything an earlier head stored under our prefix; it stays stored.  Call
  // it once, before anything else.
  virtual absl::StatusOr<std::vector<StoredFd>> Fetch() = 0;
  // Something may have to be stored soon: the store does beforehand what it
  // can, at next to no cost.  True if Relax() has to undo that.
  virtual bool Prepare() { return false; }
  virtual void Relax() {}
  // Stores copies of all of these; a name that is stored already is replaced.
  // Blocks for a second at most.  ResourceExhausted means that the store is
  // full, and has none of them.  After another failure it may have some, since
  // an answer may come too late.
  virtual absl::Status Add(const std::vector<FdToStore>& wanted) = 0;
  // Names that aren't stored are ignored.  After a failure the store may still
  // have some of them.
  virtual absl::Status Remove(const std::vector<std::string>& names) = 0;
};

// systemd's descriptor store: FDSTORE=1 of sd_notify(3).  Its descriptors come
// back as inherited ones (sd_listen_fds(3)); TakeStored() takes those.
//
// The environment variable FDSTORE says how many it takes, `most` (since
// systemd 254; before that, the unit has to set it beside
// FileDescriptorStoreMax=).  It closes whatever exceeds that, and mentions it
// only in its own log.  `names` are stored already, besides what was
// `returned`.
std::unique_ptr<FdStore> MakeSystemdStore(
    Readiness& systemd, size_t most, std::vector<StoredFd> returned,
    const std::vector<std::string>& names = {});
std::vector<StoredFd> TakeStored(std::vector<InheritedFd>& inherited);

// An s6-fdholder as head's store (s6-fdholder-daemon(8); s6/deptyr-fdholder is
// a service directory for one).  A holder that stays silent delays each call by
// a second at most; Fetch() may take longer, as long as answers keep coming.
//
// If none serves this socket, or it doesn't let us do everything a store is
// for, the error says which of its rules is missing.  With `known`, because an
// earlier program has checked this holder, it isn't asked.
absl::StatusOr<std::unique_ptr<FdStore>> ConnectToS6Store(
    const std::string& socket_path, bool known = false);

struct KeeperSpec {
  enum {
    kFound,     // systemd or an s6-fdholder, if one is there
    kNobody,    // no store
    kSystemd,   // systemd's, by FDSTORE and NOTIFY_SOCKET
    kFdHolder,  // the s6-fdholder at `path`
  } kind = kFound;
  std::string path = {};
};

// The store that is wanted, or null for none; `returned` is what TakeStored()
// found.  `stored_before` has the names that the program before stored if we
// take its place, and is null otherwise.
absl::StatusOr<std::unique_ptr<FdStore>> FindStore(
    const KeeperSpec& wanted, const std::string& head_socket,
    Readiness& systemd, std::vector<StoredFd> returned,
    const std::vector<std::string>* stored_before);

}  // namespace deptyr
