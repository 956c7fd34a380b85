// An s6-fdholder as head's keeper (s6-fdholder-daemon(8); a service directory
// for one: s6/deptyr-fdholder).
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "lib/keep/fd_store.h"

namespace deptyr {

// OK if one is served there that lets us do all that a keeper is for; if not,
// the error says which of its rules is missing.
//
// Every call has a connection of its own: the holder may be restarted in
// between, which loses what it held.  Of a holder that stays silent each call
// bears a second at most; TakeBack() one that, as long as it goes on
// answering, may take longer.
absl::StatusOr<std::unique_ptr<FdStore>> ConnectToS6Store(
    const std::string& socket_path);
// The same for one that was served before: nothing is asked now.
std::unique_ptr<FdStore> S6StoreAt(const std::string& socket_path);

}  // namespace deptyr
