// Somebody who outlives head and holds copies of its descriptors, so that its
// death costs no program its terminal: systemd's descriptor store, an
// s6-fdholder.
//
//   for (StoredFd& kept : *keeper->TakeBack()) ...   // what an earlier head
//   left RETURN_IF_ERROR(keeper->Keep({{"deptyr.pty.1.a", controller}, ...}));
//   keeper->Drop({"deptyr.pty.1.a", ...});
//
// What is kept of a session, and in which order: lib/keep/stored_sessions.h.
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

class FdStore {
 public:
  virtual ~FdStore() = default;
  // "systemd", "s6-fdholder"
  virtual absl::string_view kind() const = 0;
  // What was kept before, under our names (kKeptPrefix); it stays kept.  Once,
  // before anything else.
  virtual absl::StatusOr<std::vector<StoredFd>> TakeBack() = 0;
  // In the place of TakeBack(), for who has the descriptors already.
  virtual void Resume(const std::vector<std::string>& names) { (void)names; }
  // Somebody has come, and may soon have something to be kept: what can be done
  // for it before, at next to no cost.  True if Relax() has to let go of it.
  virtual bool Prepare() { return false; }
  virtual void Relax() {}
  // Copies of all of these are kept from now on, whatever becomes of this
  // process; or none.  Blocks for a second at most.  ResourceExhausted: there
  // is no room.
  virtual absl::Status Keep(const std::vector<FdToStore>& wanted) = 0;
  // No more.  A name that isn't kept is fine.
  virtual void Drop(const std::vector<std::string>& names) = 0;
};

inline constexpr char kKeptPrefix[] = "deptyr.";

}  // namespace deptyr
