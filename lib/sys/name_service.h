// Looks up users, groups and hosts by getent(1) (nsswitch.conf(5)).  The C
// library's own functions would need libraries of the very version that a
// static program was linked with.
//
// All but LocalUserName() return Unavailable if getent(1) isn't there or fails.
// They block; don't call them from the event loop.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// Takes a number, which isn't looked up, or a name; an unknown one is
// InvalidArgument.
absl::StatusOr<uid_t> FindUser(absl::string_view text);
absl::StatusOr<gid_t> FindGroup(absl::string_view text);

// A user as the user database has them (passwd(5), group(5)).
struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};  // the supplementary ones
  std::string home = {};
  std::string shell = {};
};
// Takes a number or a name; one that has no entry is InvalidArgument.
absl::StatusOr<Account> FindAccount(absl::string_view user);

// The name that has this number, or the number if it has none.
std::string UserName(uid_t uid);
std::string GroupName(gid_t gid);

// The name that has this number in the file /etc/passwd (passwd(5)), "" if none
// has.  Unlike the others it asks nobody, so the event loop may call it.
std::string LocalUserName(uid_t uid);

// Returns the first address that getaddrinfo(3) would give, as inet_pton(3)
// takes it.  An unknown host is Unavailable: that may be the network's fault.
absl::StatusOr<std::string> FindHost(absl::string_view name);

}  // namespace deptyr
