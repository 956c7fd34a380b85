// What this machine calls its users, groups and hosts (nsswitch.conf(5)), by
// getent(1): the C library's own functions want libraries of the very version
// that a static program was linked with.
//
//   ASSIGN_OR_RETURN(const uid_t uid, FindUser("www-data"));
//
// Unavailable: getent(1) isn't there, or fails.  They wait for it: not for an
// event loop.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// By number, which nobody is asked about, or name; InvalidArgument if there is
// none.
absl::StatusOr<uid_t> FindUser(absl::string_view text);
absl::StatusOr<gid_t> FindGroup(absl::string_view text);

// The first address that getaddrinfo(3) would give, as inet_pton(3) takes it.
// Unavailable if it gives none: that may be the network's fault.
absl::StatusOr<std::string> FindHost(absl::string_view name);

}  // namespace deptyr
