#include "lib/sys/head_socket.h"

#include "absl/strings/str_cat.h"

#include "lib/base/environment.h"
#include "lib/sys/io.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

constexpr char kSystemSocket[] = "/run/deptyr/head.sock";

}  // namespace

std::vector<std::string> UsualHeadSockets() {
  const std::string said = FromEnvironment("DEPTYR_SOCKET");
  if (!said.empty()) return {said};
  const std::string runtime = FromEnvironment("XDG_RUNTIME_DIR");
  if (runtime.empty()) return {kSystemSocket};
  return {absl::StrCat(runtime, "/deptyr/head.sock"), kSystemSocket};
}

std::string HeadSocket(const std::string& named) {
  if (!named.empty()) return named;
  const std::vector<std::string> usual = UsualHeadSockets();
  for (const std::string& path : usual) {
    if (IsSocket(path)) return path;
  }
  return usual.front();
}

std::string NoAnswer(int connection, const std::string& path,
                     absl::Duration waited) {
  // The kernel tells who called listen(2).
  const auto holder = PeerOf(connection);
  const pid_t pid = holder ? holder->pid : 0;
  const auto name = ReadSmallFile(absl::StrCat("/proc/", pid, "/comm"));
  const bool systemd = pid > 0 && name == "systemd\n";
  return absl::StrCat(
      "head did not answer at ", path, " within ", absl::FormatDuration(waited),
      systemd ? absl::StrCat("; systemd holds the socket: look at systemctl ",
                             pid == 1 ? "" : "--user ", "status deptyr-head")
              : "; is it stopped?");
}

}  // namespace deptyr
