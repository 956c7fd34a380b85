#include "lib/run/background_head.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "lib/base/backoff.h"
#include "lib/base/status.h"
#include "lib/sys/daemon.h"
#include "lib/sys/folder.h"
#include "lib/sys/head_socket.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

constexpr absl::Duration kConnect = absl::Seconds(5);
constexpr absl::Duration kStart = absl::Seconds(10);
// Another head that is about to listen does so within milliseconds.
constexpr absl::Duration kOther = absl::Seconds(1);

absl::Status StartHead(const std::string& path) {
  // If this fails, so does head, which says why.
  (void)MakeFolder(FolderOf(path));
  absl::Status started =
      StartDaemon(OwnProgram(),
                  {"deptyr", "head", "--headless", "--keeper", "none",
                   "--ready-fd", absl::StrCat(kDaemonReadyFd), path},
                  kStart);
  if (started.ok()) return started;
  return absl::UnavailableError(
      absl::StrCat("start a head at ", path, ": ", started.message()));
}

}  // namespace

absl::StatusOr<std::string> ReachHead() {
  const std::vector<std::string> usual = UsualHeadSockets();
  const std::string own = AbsolutePath(usual.front());
  const absl::Status first = Connect(own, kConnect).status();
  // A socket that forbids it isn't made anew.
  if (!first.ok() && !absl::IsUnavailable(first)) return first;
  if (first.ok()) return own;
  for (const std::string& path : usual) {
    if (Connect(path, kConnect).ok()) return path;
  }
  const absl::Status started = StartHead(own);
  const absl::Time until = absl::Now() + kOther;
  for (Backoff backoff = kHeadBackoff; !started.ok();) {
    // Somebody else may have started one at the same moment.
    if (Connect(own, kConnect).ok()) break;
    if (absl::Now() > until) return started;
    absl::SleepFor(backoff.Next());
  }
  return own;
}

}  // namespace deptyr
