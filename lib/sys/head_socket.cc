#include "lib/sys/head_socket.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"

#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

constexpr char kSystemSocket[] = "/run/deptyr/head.sock";

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

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

}  // namespace deptyr
