// Of head: how much of it anybody may take.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/head/head.h"
#include "lib/sys/process.h"

namespace deptyr {

size_t Head::CountClients() const {
  return clients_.size() + queries_.size();
}

// Half of all, unless it is said: so one user leaves room for others.
size_t Head::MostClientsOfAUser() const {
  return std::min(limits().user_clients, limits().clients / 2);
}

absl::Status Head::CheckRoom(const std::optional<PeerIdentity>& who) const {
  // So many that the next body finds no descriptor would be too many.
  const size_t reserved =
      IsTrusted(UidOf(who)) ? 0
                            : std::min(kReservedClients, limits().clients / 4);
  if (CountClients() >= limits().clients - reserved) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", CountClients(),
                     " clients already, in half of the descriptors that head "
                     "may have; raise its limit of open files (LimitNOFILE=, "
                     "ulimit -n)"));
  }
  if (clients_of_.of(UidOf(who)) >= MostClientsOfAUser()) {
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

// Descriptors are given the lowest number that is free: so one of a low number
// says that there are enough of them.
absl::Status Head::CheckDescriptor(int fd, uid_t uid) const {
  const size_t all = limits().descriptors;
  const auto number = static_cast<size_t>(fd);
  if (IsTrusted(uid) || number < all / 2) return absl::OkStatus();
  constexpr char kRaise[] =
      "; raise its limit of open files (LimitNOFILE=, ulimit -n)";
  if (number >= all - std::min(kReservedDescriptors, all / 4)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the last of the ", all,
                     " descriptors that head may have are root's", kRaise));
  }
  if (CountDescriptorsOf(uid) <= all / 2) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      uid == kUnknownId ? "those who are not known have "
                        : absl::StrCat("uid ", uid, " has "),
      "half of the ", all, " descriptors that head may have", kRaise));
}

size_t Head::CountDescriptorsOf(uid_t uid) const {
  size_t count = clients_of_.of(uid);
  for (const auto& [key, peer] : peers_) {
    if (peer->identity().uid == uid) ++count;
  }
  for (const Session* session : by_start_) {
    if (session->owner() != uid) continue;
    count += 1 + (session->controller() >= 0 ? 1 : 0) +
             (session->pidfd() >= 0 ? 1 : 0);
    const auto sockets = client_dirs_.find(session);
    if (sockets != client_dirs_.end()) count += sockets->second.size();
  }
  return count;
}

std::map<uid_t, Head::Usage> Head::CountUsage() const {
  std::map<uid_t, Usage> users;
  for (const Session* session : by_start_) {
    Usage& user = users[session->owner()];
    ++user.sessions;
    if (session->running()) ++user.running;
    if (keeping_.Keeps(session->name())) ++user.kept;
  }
  for (const auto& [key, peer] : peers_) {
    if (!peer->registered()) ++users[peer->identity().uid].pending;
  }
  for (const auto& [uid, count] : clients_of_.all()) {
    users[uid].clients = count;
  }
  return users;
}

// What has ended, and nobody watches, gives way: the user's own, then that of
// who has most.
absl::Status Head::MakeRoomForSession(uid_t owner) {
  while (sessions_of_.of(owner) >= limits().user_sessions) {
    if (ForgetOneEnded(owner)) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat("uid ", owner, " has ", limits().user_sessions,
                     " sessions already; end some, or start head with a larger "
                     "--max-user-sessions"));
  }
  while (sessions_.size() >= limits().sessions) {
    if (ForgetOneEnded(owner) || ForgetOneOfMoreThan(owner)) continue;
    return absl::ResourceExhaustedError(absl::StrCat(
        "head has ", sessions_.size(),
        " sessions already; start it with a larger --max-sessions"));
  }
  return absl::OkStatus();
}

bool Head::ForgetOneEnded(uid_t owner) {
  const auto oldest =
      std::find_if(ended_.begin(), ended_.end(), [&](const Session* session) {
        return session->owner() == owner && !IsWatched(*session);
      });
  if (oldest == ended_.end()) return false;
  Forget(std::string((*oldest)->name()));
  return true;
}

bool Head::ForgetOneOfMoreThan(uid_t owner) {
  std::vector<std::pair<size_t, uid_t>> others;
  for (const auto& [uid, count] : sessions_of_.all()) {
    if (count > sessions_of_.of(owner)) others.emplace_back(count, uid);
  }
  std::sort(others.rbegin(), others.rend());
  return std::any_of(others.begin(), others.end(), [this](const auto& other) {
    return ForgetOneEnded(other.second);
  });
}

void Head::ForgetExcess() {
  if (ended_.size() <= kMostEnded) return;
  std::map<uid_t, size_t> counts;
  for (const Session* session : ended_) ++counts[session->owner()];
  for (auto& [owner, count] : counts) {
    while (count > kMostEnded && ForgetOneEnded(owner)) --count;
  }
}

bool Head::IsWatched(const Session& session) const {
  return terminal_.Shows(session) || !session.clients().empty();
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
  return peers_.size() - registered_.size();
}

// Who has most of them makes room: so nobody's silence keeps others out.
absl::Status Head::MakeRoomForPeer(uid_t newcomer) {
  if (CountPending() < limits().pending) return absl::OkStatus();
  std::map<uid_t, std::vector<PendingConnection*>> pending;
  for (const auto& [key, peer] : peers_) {
    if (!peer->registered()) {
      pending[peer->identity().uid].push_back(peer.get());
    }
  }
  const auto most = std::max_element(
      pending.begin(), pending.end(), [](const auto& a, const auto& b) {
        return std::pair(!IsTrusted(a.first), a.second.size()) <
               std::pair(!IsTrusted(b.first), b.second.size());
      });
  if (most == pending.end()) return absl::OkStatus();
  const std::string why = absl::StrCat(
      limits().pending,
      " connections have not said yet what they want, most of them of uid ",
      UidText(most->first),
      "; say it sooner, or start head with a larger --max-pending");
  if (IsTrusted(most->first) && !IsTrusted(newcomer)) {
    return absl::ResourceExhaustedError(why);
  }
  PendingConnection* const oldest = *std::min_element(
      most->second.begin(), most->second.end(),
      [](const PendingConnection* a, const PendingConnection* b) {
        return a->since() < b->since();
      });
  oldest->Refuse(kRefusedLimit, why);
  return absl::OkStatus();
}

void Head::ReportLimits(KeyValues& report) const {
  const auto add = [&report](absl::string_view key, size_t value) {
    report.emplace_back(std::string(key), absl::StrCat(value));
  };
  add("pending", CountPending());
  add("buffered", queries_.most_owed());
  add("max-sessions", limits().sessions);
  add("max-user-sessions", std::min(limits().user_sessions, limits().sessions));
  add("max-ended", kMostEnded);
  add("max-descriptors", limits().descriptors);
  add("max-clients", limits().clients);
  add("max-session-clients", limits().session_clients);
  add("max-user-clients", MostClientsOfAUser());
  add("max-pending", limits().pending);
  add("max-buffered", limits().buffered);
  add("max-registrations", limits().registrations);
}

std::vector<KeyValues> Head::ReportUsers(const PeerIdentity& who) const {
  std::vector<KeyValues> users;
  for (const auto& [uid, usage] : CountUsage()) {
    if (uid != who.uid && !MayAdminister(who)) continue;
    users.push_back({{"item", "user"},
                     {"uid", uid == kUnknownId ? "" : absl::StrCat(uid)},
                     {"sessions", absl::StrCat(usage.sessions)},
                     {"running", absl::StrCat(usage.running)},
                     {"kept", absl::StrCat(usage.kept)},
                     {"clients", absl::StrCat(usage.clients)},
                     {"pending", absl::StrCat(usage.pending)},
                     {"descriptors", absl::StrCat(CountDescriptorsOf(uid))}});
  }
  return users;
}

}  // namespace deptyr
