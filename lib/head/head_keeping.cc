// Of head: who keeps its descriptors, and what it takes back from them.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/head/head.h"
#include "lib/keep/s6_store.h"
#include "lib/keep/systemd_store.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/retry.h"

namespace deptyr {
namespace {

constexpr absl::Duration kKeepAgain = absl::Seconds(5);

// Those among the inherited descriptors that an earlier head gave to systemd.
std::vector<StoredFd> TakeKept(std::vector<InheritedFd>& inherited) {
  std::vector<StoredFd> kept;
  std::vector<InheritedFd> others;
  for (InheritedFd& one : inherited) {
    if (absl::StartsWith(one.name, kStoredPrefix)) {
      kept.push_back({std::move(one.name), std::move(one.fd)});
    } else {
      others.push_back(std::move(one));
    }
  }
  inherited = std::move(others);
  return kept;
}

// A descriptor that comes back is checked like one that a stranger sends.
StoredProgram Checked(StoredProgram kept) {
  const int controller = kept.controller.get();
  const auto fits =
      RetryForFiveSeconds([controller] { return IsController(controller); });
  if (!fits.value_or(false)) kept.controller.Reset();
  const int pidfd = kept.pidfd.get();
  if (!RetryForFiveSeconds([pidfd] { return PidOf(pidfd); }).ok())
    kept.pidfd.Reset();
  return kept;
}

std::string FdHolderBeside(const std::string& socket) {
  return std::filesystem::path(socket).replace_filename("fdholder.sock");
}

}  // namespace

absl::StatusOr<std::unique_ptr<FdStore>> Head::FindKeeper(
    std::vector<InheritedFd>& inherited) {
  const KeeperSpec& wanted = options_.keeper;
  std::vector<StoredFd> kept = TakeKept(inherited);
  if (wanted.kind == KeeperSpec::kNobody) {
    // Taken back once more, and kept no longer.
    StoredSessions systemd(std::make_unique<SystemdStore>(
        readiness_, kept.size(), std::move(kept)));
    ASSIGN_OR_RETURN(taken_back_, systemd.Fetch());
    for (const auto& [name, session] : taken_back_) systemd.RemoveSession(name);
    return nullptr;
  }
  size_t most = 0;
  const char* const store = std::getenv("FDSTORE");
  const bool known = store != nullptr && absl::SimpleAtoi(store, &most);
  if (wanted.kind != KeeperSpec::kFdHolder && readiness_.is_notified() &&
      known && most > 0) {
    return std::make_unique<SystemdStore>(readiness_, most, std::move(kept));
  }
  if (wanted.kind == KeeperSpec::kSystemd) {
    return absl::FailedPreconditionError(
        "systemd offers no descriptor store: the unit needs "
        "FileDescriptorStoreMax=N and, before systemd 254, "
        "Environment=FDSTORE=N");
  }
  if (wanted.kind == KeeperSpec::kFdHolder) {
    if (before_) return S6StoreAt(wanted.path);
    return ConnectToS6Store(wanted.path);
  }
  const std::string beside = FdHolderBeside(options_.socket);
  std::error_code ignored;
  if (!std::filesystem::is_socket(beside, ignored)) return nullptr;
  if (before_ && !before_->kept.empty()) return S6StoreAt(beside);
  auto found = ConnectToS6Store(beside);
  if (found.ok()) return found;
  // Nobody said that it is there.
  Log(Severity::kWarning,
      "goes on without a keeper: ", found.status().message(),
      "; --keeper s6:", beside, " insists on it");
  return nullptr;
}

absl::Status Head::OpenKeeper(std::vector<InheritedFd>& inherited) {
  auto found = FindKeeper(inherited);
  if (before_) {  // all that is kept is there already, and must go on
    if (!found.ok()) Log(Severity::kError, found.status().message());
    keeping_ = StoredSessions(found.ok() ? *std::move(found) : nullptr);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(std::unique_ptr<FdStore> keeper, std::move(found));
  keeping_ = StoredSessions(std::move(keeper));
  ASSIGN_OR_RETURN(auto taken, keeping_.Fetch());
  taken_back_.merge(taken);
  return absl::OkStatus();
}

void Head::TakeAllBack() {
  for (auto& [name, kept] : std::exchange(taken_back_, {})) {
    TakeBack(name, std::move(kept));
  }
  SortEnded();
  SortByStart();
}

void Head::SortEnded() {
  std::stable_sort(ended_.begin(), ended_.end(),
                   [](const Session* a, const Session* b) {
                     return a->latest().ended < b->latest().ended;
                   });
}

void Head::SortByStart() {
  std::stable_sort(by_start_.begin(), by_start_.end(),
                   [](const Session* a, const Session* b) {
                     return a->latest().started < b->latest().started;
                   });
}

void Head::TakeBack(const std::string& name, StoredSession kept) {
  if (!kept.ring.valid()) {
    Log(Severity::kError, "session=", name, " is lost: its ring wasn't kept");
    keeping_.RemoveSession(name);
    return;
  }
  auto ring = RetryForFiveSeconds(
      [&] { return Ring::Adopt(Duplicate(kept.ring.get())); });
  if (!ring.ok()) {
    Log(Severity::kError, "session=", name,
        " is held, but can't be served: ", ring.status().message(),
        "; start head with the deptyr that wrote it");
    held_.emplace(name, std::move(kept));
    return;
  }
  for (auto& [number, program] : kept.programs) {
    program = Checked(std::move(program));
  }
  const uid_t owner = ring->state().owner;
  Session& session = AddSession(name, owner, *std::move(ring));
  const uint64_t last = session.programs();
  StoredProgram known = std::move(kept.programs[last]);
  kept.programs.erase(last);
  session.Resume(std::move(known.controller), std::move(known.pidfd));
  if (session.running()) {
    ++running_;
  } else {
    keeping_.RemoveProgram(name, last);
    ended_.push_back(&session);
  }
  for (auto& [number, program] : kept.programs) {
    const int pidfd = program.pidfd.get();
    const auto pid = RetryForFiveSeconds([pidfd] { return PidOf(pidfd); });
    const auto size = GetWindowSize(program.controller.get());
    // Head died after it had said that it holds it, or just before.  It may
    // have ended since: what it wrote is there.
    if (number == last + 1 && pid.ok() && size.ok()) {
      session.Start({.pid = *pid,
                     .pidfd = std::move(program.pidfd),
                     .controller = std::move(program.controller),
                     .size = *size,
                     .argv = {}});
    } else {
      keeping_.RemoveProgram(name, number);
    }
  }
  session.AwaitClients();
  Log(Severity::kInfo, "session=", name, " taken back; ", session.State());
}

std::map<uid_t, Head::Places> Head::CountPlaces() const {
  std::map<uid_t, Places> users;
  for (Session* session : by_start_) {
    if (!keeping_.Has(session->name())) continue;
    Places& user = users[session->owner()];
    ++user.count;
    if (session->running()) user.running.push_back(session);
  }
  for (Session* session : ended_) {
    if (keeping_.Has(session->name())) {
      users[session->owner()].ended.push_back(session);
    }
  }
  return users;
}

// Those who found no room before may find it now.
void Head::KeepAgain() {
  if (!keeping_.has_store() || stopping_) return;
  std::optional<std::map<uid_t, Places>> users;
  size_t enough = SIZE_MAX;  // who has as many makes no room
  for (const auto& [name, session] : sessions_) {
    if (!session->running() || session->controller() < 0) continue;
    while (!keeping_.Has(name)) {
      if (!keeping_.HasRoom()) {
        if (!keeping_.IsFull()) return;
        if (!users) users = CountPlaces();
        const Places& own = (*users)[session->owner()];
        if (own.ended.empty() && own.count >= enough) break;
        if (!MakeRoom(session->owner(), *users)) {
          enough = own.count;
          break;
        }
      }
      Keep(*session, session->programs(), session->controller(),
           session->pidfd());
      if (users && keeping_.Has(name)) ++(*users)[session->owner()].count;
    }
  }
}

// What has ended gives way to what runs: the oldest of the same user, then that
// of who has more places.  If nothing has, what runs gives way, of who has more
// even then: so nobody has all places.
bool Head::MakeRoom(uid_t owner, std::map<uid_t, Places>& users) {
  Places& own = users[owner];
  Places* from = own.ended.empty() ? nullptr : &own;
  Places* most = &own;
  for (auto& [uid, user] : users) {
    if (user.count > most->count) most = &user;
    if (from != &own && !user.ended.empty() &&
        user.count > (from == nullptr ? own.count : from->count)) {
      from = &user;
    }
  }
  Session* gone = nullptr;
  if (from != nullptr) {
    gone = from->ended.front();
    from->ended.pop_front();
    LogOf(Severity::kInfo, gone->owner(), "displaced", "session=", gone->name(),
          " has ended and is no longer kept: one that runs needs the room");
  } else if (most->count > own.count + 1 && !most->running.empty()) {
    from = most;
    gone = from->running.back();
    from->running.pop_back();
    LogOf(Severity::kWarning, gone->owner(), "displaced",
          "session=", gone->name(), " would not outlive head any more: uid ",
          gone->owner(), " has the most that is kept, and uid ", owner,
          " needs the room");
  } else {
    return false;
  }
  --from->count;
  keeping_.RemoveSession(gone->name());
  return true;
}

void Head::Keep(const Session& session, uint64_t number, int controller,
                int pidfd) {
  const absl::Status kept =
      keeping_.AddProgram(session.name(), session.owner(), session.ring().fd(),
                          number, controller, pidfd);
  if (kept.ok() || absl::IsResourceExhausted(kept)) return;
  // A keeper that is restarted, say.
  keep_again_ = loop_.After(kKeepAgain, [this] {
    keeping_.TryAgain();
    TidySoon();
  });
}

}  // namespace deptyr
