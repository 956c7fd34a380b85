// Finds the store that keeps head's descriptors: deptyr head --keeper.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/keep/fd_store.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/readiness.h"

namespace deptyr {

struct KeeperSpec {
  enum {
    kFound,     // systemd or an s6-fdholder, if one is there
    kNobody,    // no store
    kSystemd,   // systemd's, by FDSTORE and NOTIFY_SOCKET
    kFdHolder,  // the s6-fdholder at `path`
  } kind = kFound;
  std::string path = {};
};

// Takes those inherited descriptors that an earlier head stored with systemd.
std::vector<StoredFd> TakeStored(std::vector<InheritedFd>& inherited);

// The store that is wanted, or null for none; `returned` is what TakeStored()
// found.  `stored_before` has the names that the program before stored if we
// take its place, and is null otherwise.  The store that it used isn't asked
// again whether it lets us.
absl::StatusOr<std::unique_ptr<FdStore>> FindStore(
    const KeeperSpec& wanted, const std::string& head_socket,
    Readiness& systemd, std::vector<StoredFd> returned,
    const std::vector<std::string>* stored_before);

}  // namespace deptyr
