#include "lib/head/admission.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

// Lines of the log about what one user does, in a minute.  All programs of a
// machine may come back at once without losing a line.
constexpr size_t kMostLines = 5000;

constexpr char kRaiseOpenFiles[] =
    "; raise its limit of open files (LimitNOFILE=, ulimit -n)";

std::string UserHas(uid_t uid) {
  return uid == kUnknownId ? "users unknown here have "
                           : absl::StrCat("uid ", uid, " has ");
}

}  // namespace

Admission::Admission(EventLoop& loop, const Limits& limits,
                     const AllowRules& allow,
                     absl::AnyInvocable<size_t(uid_t) const> descriptors_of)
    : limits_(limits),
      allow_(allow),
      descriptors_of_(std::move(descriptors_of)),
      refusals_(loop),
      user_log_(loop, kMostLines, kLogPause, {}),
      backlogs_(loop, limits.buffered),
      slow_closer_(loop) {
  user_log_.Use();
  slow_closer_.Use();
}

Rights Admission::RightsIn(const Session& session,
                           const PeerIdentity& who) const {
  return deptyr::RightsIn(session.name(), session.owner(), allow_, who);
}

absl::Status Admission::CheckRight(const PeerIdentity& who, Right right,
                                   const Session& session) const {
  if (RightsIn(session, who).Has(right)) return absl::OkStatus();
  const bool known = who.uid != kUnknownId;
  return absl::PermissionDeniedError(absl::StrCat(
      known ? absl::StrCat("uid ", who.uid) : "a user unknown here",
      " may not ", Spell(Rights{right}), " ", session.name(),
      ", a session of uid ", session.owner(),
      "; ask as that user or root, or have head started with --allow ",
      known ? absl::StrCat("uid:", who.uid) : "any", "=", Spell(Rights{right}),
      "@", session.name()));
}

absl::StatusOr<Session*> Admission::FindSession(const SessionTable& sessions,
                                                const std::string& name,
                                                const PeerIdentity& who,
                                                Right right) const {
  if (Session* const session = sessions.Find(name, who.uid)) {
    RETURN_IF_ERROR(CheckRight(who, right, *session));
    return session;
  }
  if (!name.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "there is no session ", name, "; deptyr ls lists those there are"));
  }
  const bool sees_others =
      std::ranges::any_of(sessions.by_start(), [&](const Session* session) {
        return RightsIn(*session, who).Has(Right::kSee);
      });
  return absl::NotFoundError(
      sees_others ? "no session is your own; name the one you mean, deptyr ls "
                    "lists them"
                  : "there is no session yet");
}

bool Admission::MayAdminister(const PeerIdentity& who) const {
  return IsTrusted(who.uid) || Granted(allow_, who, "").Has(Right::kAdminister);
}

absl::Status Admission::CheckListener(
    const ListenerSpec& spec, SocketKind kind,
    const std::optional<PeerIdentity>& who) const {
  if (kind != SocketKind::kAbstract || !spec.policy.allow.empty() ||
      IsTrusted(UidOf(who))) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("only root and uid ", OwnUid(), " may connect to ",
                   spec.address, "; --listener-allow before it lets others"));
}

// Half of all unless an option says it, so one user leaves room for others.
size_t Admission::MostClientsOfAUser() const {
  return std::min(limits_.user_clients, limits_.clients / 2);
}

absl::Status Admission::CheckClients(
    const std::optional<PeerIdentity>& who) const {
  // More clients would take the descriptors that the next program needs.
  const size_t reserved = IsTrusted(UidOf(who))
                              ? 0
                              : std::min(kReservedClients, limits_.clients / 4);
  if (clients_.total() >= limits_.clients - reserved) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "there are ", clients_.total(),
        " clients already, in half of the descriptors that head may have",
        kRaiseOpenFiles));
  }
  if (clients_.of(UidOf(who)) >= MostClientsOfAUser()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(UserHas(UidOf(who)), MostClientsOfAUser(),
                     " clients already; end some, or start head with a larger "
                     "--max-user-clients"));
  }
  return absl::OkStatus();
}

absl::Status Admission::CheckClientsOf(const Session& session) const {
  if (session.clients().size() < limits_.session_clients) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(session.name(), " has ", session.clients().size(),
                   " clients already; end some, or start head with a larger "
                   "--max-session-clients"));
}

// The kernel gives the lowest number that is free, so a low number says that
// enough descriptors are left.
absl::Status Admission::CheckDescriptor(int fd, uid_t uid) const {
  const size_t all = limits_.descriptors;
  const auto number = static_cast<size_t>(fd);
  if (IsTrusted(uid) || number < all / 2) return absl::OkStatus();
  if (number >= all - std::min(kReservedDescriptors, all / 4)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the last of the ", all, " descriptors that head may have are root's",
        kRaiseOpenFiles));
  }
  if (clients_.of(uid) + descriptors_of_(uid) <= all / 2) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(UserHas(uid), "half of the ", all,
                   " descriptors that head may have", kRaiseOpenFiles));
}

absl::Status Admission::CheckSlowCloses(uid_t uid) {
  const size_t closing = slow_closer_.CountOf(uid);
  if (IsTrusted(uid) || closing < kMostSlowCloses) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(UserHas(uid), closing,
                   " terminals or files here that don't close; end the "
                   "processes in state D that write there, or the file system "
                   "that doesn't answer"));
}

absl::Status Admission::CheckRegistration(uid_t uid) {
  if (held_up_.Count(uid, Clock::now()) > kMostHeldUp) {
    return absl::ResourceExhaustedError(
        absl::StrCat("terminals that uid ", uid,
                     " registered made head wait; try again in 10 s"));
  }
  if (registrations_.Take(uid, limits_.registrations, Clock::now())) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("uid ", uid, " has registered ", limits_.registrations,
                   " programs within 10 s; let it rest, or start head with a "
                   "larger --max-registrations"));
}

// Once or twice proves nothing: a call that the watchdog's signal meets at its
// very beginning looks the same.
bool Admission::NoteHeldUp(uid_t uid) {
  return !held_up_.Take(uid, kMostHeldUp, Clock::now());
}

void Admission::AppendLimits(KeyValues& report) const {
  const std::pair<const char*, size_t> limits[] = {
      {"max-sessions", limits_.sessions},
      {"max-user-sessions", std::min(limits_.user_sessions, limits_.sessions)},
      {"max-ended", kMostEnded},
      {"max-descriptors", limits_.descriptors},
      {"max-clients", limits_.clients},
      {"max-session-clients", limits_.session_clients},
      {"max-user-clients", MostClientsOfAUser()},
      {"max-pending", limits_.pending},
      {"max-buffered", limits_.buffered},
      {"max-registrations", limits_.registrations}};
  for (const auto& [key, limit] : limits) {
    report.emplace_back(key, absl::StrCat(limit));
  }
}

}  // namespace deptyr
