// A store of descriptors that outlives head: systemd's descriptor store or an
// s6-fdholder.  While it holds copies of head's descriptors, no program loses
// its terminal when head dies.
//
// StoredSessions (lib/keep/stored_sessions.h) decides which descriptors of a
// session are stored, and in which order.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

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
  // Takes the place of Fetch() in a program that has the descriptors already.
  virtual void AssumeStored(const std::vector<std::string>& names) {
    (void)names;
  }
  // Something may have to be stored soon: the store does beforehand what it
  // can, at next to no cost.  True if Relax() has to undo that.
  virtual bool Prepare() { return false; }
  virtual void Relax() {}
  // Stores copies of all of these or of none; a name that is stored already is
  // replaced.  Blocks for a second at most.  ResourceExhausted means that the
  // store is full.
  virtual absl::Status Add(const std::vector<FdToStore>& wanted) = 0;
  // Names that aren't stored are ignored.
  virtual void Remove(const std::vector<std::string>& names) = 0;
};

}  // namespace deptyr
