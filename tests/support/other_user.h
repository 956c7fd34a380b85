// Other users, for tests that run as root.
//
//   Program::Start(words, {.prepare = Become<12345>});
//   Fd connection = ConnectAs(path, {.uid = 12345, .groups = {50}});
#pragma once

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "lib/sys/unix_socket.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {

template <uid_t kUid, gid_t kGroup = 0>
void Become() {
  constexpr gid_t kOwnGroup = kUid;
  const gid_t group = kGroup;
  const bool done = ::setgroups(kGroup == 0 ? 0 : 1, &group) == 0 &&
                    ::setresgid(kOwnGroup, kOwnGroup, kOwnGroup) == 0 &&
                    ::setresuid(kUid, kUid, kUid) == 0;
  if (!done) ::_exit(99);
  // Changing the user clears this.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

struct User {
  uid_t uid = 0;
  std::vector<gid_t> groups = {};
};

// The other side sees the user that made the connection.
inline Fd ConnectAs(const std::string& path, const User& user) {
  const gid_t gid = user.uid;
  EXPECT_EQ(::setgroups(user.groups.size(), user.groups.data()), 0);
  EXPECT_EQ(::setegid(gid), 0);
  EXPECT_EQ(::seteuid(user.uid), 0);
  auto connection = Connect(path, kDeadline);
  EXPECT_EQ(::seteuid(0), 0);
  EXPECT_EQ(::setegid(0), 0);
  EXPECT_EQ(::setgroups(0, nullptr), 0);
  return Value(std::move(connection));
}

}  // namespace deptyr
