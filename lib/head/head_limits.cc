// Of head: how much of it anybody may take.
#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/head/head.h"

namespace deptyr {
namespace {

// Those who aren't known are as one.
uid_t UidOf(const std::optional<PeerIdentity>& who) {
  return who ? who->uid : kUnknownId;
}

}  // namespace

size_t Head::CountClients() const {
  return clients_.size() + attached_.size() + answers_.size();
}

size_t Head::CountClientsOf(uid_t uid) const {
  size_t count = answers_.CountOf(uid);
  clients_.ForEach([&](const SocketClient& client) {
    if (UidOf(client.identity()) == uid) ++count;
  });
  for (const auto& [key, client] : attached_) {
    if (UidOf(client->Info().identity) == uid) ++count;
  }
  return count;
}

// Half of all, unless it is said: so one user leaves room for others.
size_t Head::MostClientsOfAUser() const {
  return std::min(limits().user_clients, limits().clients / 2);
}

absl::Status Head::CheckRoom(const std::optional<PeerIdentity>& who) const {
  // So many that the next body finds no descriptor would be too many.
  if (CountClients() >= limits().clients) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", CountClients(),
                     " clients already, in half of the descriptors that head "
                     "may have; raise its limit of open files (LimitNOFILE=, "
                     "ulimit -n)"));
  }
  // One user's are no more than all: so they are rarely looked through.
  if (CountClients() >= MostClientsOfAUser() &&
      CountClientsOf(UidOf(who)) >= MostClientsOfAUser()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        UidOf(who) == kUnknownId ? "those who are not known have "
                                 : absl::StrCat("uid ", UidOf(who), " has "),
        MostClientsOfAUser(),
        " clients already; end some, or start head with a larger "
        "--max-user-clients"));
  }
  return absl::OkStatus();
}

absl::Status Head::CheckRoomIn(const Session& session) const {
  if (session.clients().size() < limits().session_clients) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(session.name(), " has ", session.clients().size(),
                   " clients already; end some, or start head with a larger "
                   "--max-session-clients"));
}

// No user has more than there are: so they are rarely looked through.
size_t Head::CountSessionsOf(uid_t owner) const {
  if (sessions_.size() < limits().user_sessions) return sessions_.size();
  return static_cast<size_t>(std::count_if(
      sessions_.begin(), sessions_.end(),
      [&](const auto& entry) { return entry.second->owner() == owner; }));
}

// What has ended, and nobody watches, gives way: the oldest first.
absl::Status Head::MakeRoomForSession(uid_t owner) {
  while (CountSessionsOf(owner) >= limits().user_sessions) {
    if (ForgetOneEnded(owner)) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat("uid ", owner, " has ", limits().user_sessions,
                     " sessions already; end some, or start head with a larger "
                     "--max-user-sessions"));
  }
  while (sessions_.size() >= limits().sessions) {
    if (ForgetOneEnded()) continue;
    return absl::ResourceExhaustedError(absl::StrCat(
        "head has ", sessions_.size(),
        " sessions already; start it with a larger --max-sessions"));
  }
  return absl::OkStatus();
}

bool Head::ForgetOneEnded(std::optional<uid_t> owner) {
  for (auto name = ended_.begin(); name != ended_.end(); ++name) {
    const auto found = sessions_.find(*name);
    if (found == sessions_.end() || found->second->running() ||
        (owner && found->second->owner() != *owner) ||
        IsWatched(*found->second)) {
      continue;
    }
    const std::string gone = *name;
    ended_.erase(name);
    Forget(gone);
    return true;
  }
  return false;
}

bool Head::IsWatched(const Session& session) const {
  return (viewer_ != nullptr && viewer_->shown() == &session) ||
         !session.clients().empty();
}

// Once or twice is no proof: a call that the watchdog's signal meets at its
// very beginning looks the same.  Beyond that all terminals that the user has
// made to block go at once; else each would cost head a moment.
void Head::OnHeldUp(const Session& session) {
  const uid_t owner = session.owner();
  if (held_up_.Take(owner, kMostHeldUp, Clock::now())) return;
  for (const auto& [name, other] : sessions_) {
    const bool turned = other.get() == &session || other->terminal_turned();
    if (other->owner() == owner && turned) other->LoseTerminal();
  }
}

absl::Status Head::CheckRate(const PeerIdentity& who) {
  if (held_up_.Count(who.uid, Clock::now()) > kMostHeldUp) {
    return absl::ResourceExhaustedError(
        absl::StrCat("terminals that uid ", who.uid,
                     " registered made head wait; try again in 10 s"));
  }
  if (rate_.Take(who.uid, limits().registrations, Clock::now())) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("uid ", who.uid, " has registered ", limits().registrations,
                   " programs within 10 s; let it rest, or start head with a "
                   "larger --max-registrations"));
}

size_t Head::CountPending() const {
  return static_cast<size_t>(std::count_if(
      peers_.begin(), peers_.end(),
      [](const auto& peer) { return !peer.second->registered(); }));
}

// Who has most of them makes room: so nobody's silence keeps others out.
void Head::MakeRoomForPeer() {
  if (CountPending() < limits().pending) return;
  std::map<uid_t, std::vector<Peer*>> pending;
  for (const auto& [key, peer] : peers_) {
    if (!peer->registered()) {
      pending[peer->identity().uid].push_back(peer.get());
    }
  }
  const auto most = std::max_element(pending.begin(), pending.end(),
                                     [](const auto& a, const auto& b) {
                                       return a.second.size() < b.second.size();
                                     });
  if (most == pending.end()) return;
  Peer* const oldest = *std::min_element(
      most->second.begin(), most->second.end(),
      [](const Peer* a, const Peer* b) { return a->since() < b->since(); });
  oldest->Refuse(
      kRefusedLimit,
      absl::StrCat(limits().pending,
                   " connections have not said yet what they want, most of "
                   "them of uid ",
                   most->first,
                   "; say it sooner, or start head with a larger "
                   "--max-pending"));
}

void Head::ReportLimits(KeyValues& report) const {
  const auto add = [&report](absl::string_view key, size_t value) {
    report.emplace_back(std::string(key), absl::StrCat(value));
  };
  add("pending", CountPending());
  add("buffered", answers_.most_owed());
  add("max-sessions", limits().sessions);
  add("max-user-sessions", std::min(limits().user_sessions, limits().sessions));
  add("max-clients", limits().clients);
  add("max-session-clients", limits().session_clients);
  add("max-user-clients", MostClientsOfAUser());
  add("max-pending", limits().pending);
  add("max-buffered", limits().buffered);
  add("max-registrations", limits().registrations);
}

}  // namespace deptyr
