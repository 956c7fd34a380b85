// An s6-fdholder as head's store (s6-fdholder-daemon(8); s6/deptyr-fdholder is
// a service directory for one).
//
// Every call makes a connection of its own, because the holder may be restarted
// in between and lose what it held.  A holder that stays silent delays each
// call by a second at most; Fetch() may take longer, as long as answers keep
// coming.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "lib/keep/fd_store.h"

namespace deptyr {

// OK if a holder serves this socket and lets us do everything a store is for;
// if not, the error says which of its rules is missing.
absl::StatusOr<std::unique_ptr<FdStore>> ConnectToS6Store(
    const std::string& socket_path);
// Asks nothing, because an earlier program has checked this holder.
std::unique_ptr<FdStore> S6StoreAt(const std::string& socket_path);

}  // namespace deptyr
