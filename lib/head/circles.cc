#include "lib/head/circles.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/sys/process.h"

namespace deptyr {
namespace {

// The session whose program is the first of these, or "".
std::string SessionAmong(const SessionTable& sessions,
                         const std::vector<pid_t>& pids) {
  auto first = pids.end();
  std::string found;
  for (const auto& [name, session] : sessions.by_name()) {
    if (!session->running()) continue;
    const auto at = std::find(pids.begin(), first, session->program().pid());
    if (at == first) continue;
    first = at;
    found = name;
  }
  return found;
}

}  // namespace

std::string SessionAround(const SessionTable& sessions, const Attach& wish,
                          const PeerIdentity& who) {
  const bool has_terminal = wish.rows != 0 && wish.cols != 0;
  if (has_terminal && who.pid != 0) {
    std::string around = SessionAmong(sessions, LeadersAround(who.pid));
    if (!around.empty()) return around;
  }
  const std::string told = wish.inside.value_or("");
  const Session* const session = sessions.Find(told);
  const bool believed =
      session != nullptr && (session->owner() == who.uid || IsTrusted(who.uid));
  return believed ? told : "";
}

absl::Status CheckCircle(const SessionTable& sessions,
                         const std::string& inside, const Session& shown) {
  if (inside.empty()) return absl::OkStatus();
  // The sessions that are shown inside each session.
  std::multimap<std::string, std::string> views;
  for (const auto& [name, session] : sessions.by_name()) {
    for (const SessionClient* client : session->clients()) {
      views.emplace(client->Info().inside, name);
    }
  }
  // Each name with the way that leads to it from `shown`.
  std::vector<std::pair<std::string, std::string>> reached = {
      {shown.name(), absl::StrCat(inside, " would show ", shown.name())}};
  std::set<std::string> seen = {shown.name()};
  for (size_t next = 0; next < reached.size(); ++next) {
    const auto [name, way] = reached[next];
    if (name == inside) {
      return absl::FailedPreconditionError(
          absl::StrCat("it would be shown to itself (", way,
                       "); attach from a terminal outside of these sessions"));
    }
    const auto [begin, end] = views.equal_range(name);
    for (auto view = begin; view != end; ++view) {
      if (!seen.insert(view->second).second) continue;
      reached.emplace_back(view->second,
                           absl::StrCat(way, ", which shows ", view->second));
    }
  }
  return absl::OkStatus();
}

}  // namespace deptyr
