#include "lib/head/stores.h"

#include <utility>

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/base/step.h"
#include "lib/keep/fd_store.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/retry.h"
#include "lib/sys/user_log.h"

namespace deptyr {
namespace {

constexpr absl::Duration kUnreachablePause = absl::Seconds(5);
// A body registers well before that, or is late anyway.
constexpr absl::Duration kPreparedTime = absl::Milliseconds(20);

// A descriptor that comes back is checked as one from a stranger would be.
StoredProgram Checked(StoredProgram stored) {
  const int controller = stored.controller.get();
  const auto fits =
      RetryForFiveSeconds([controller] { return IsController(controller); });
  if (!fits.value_or(false)) stored.controller.Reset();
  const int pidfd = stored.pidfd.get();
  if (!RetryForFiveSeconds([pidfd] { return PidOf(pidfd); }).ok()) {
    stored.pidfd.Reset();
  }
  return stored;
}

bool HasLogs(const Session& session) {
  return session.log().open() || session.log_file().open();
}

// Head may have died when it had stored the next log and not yet removed the
// one before, whose lines the next one has as well.  A log that is newer than
// the last program has no line of it.
std::pair<uint64_t, StoredLog> LastLog(std::map<uint64_t, StoredLog> logs,
                                       uint64_t last_program) {
  for (auto log = logs.rbegin(); log != logs.rend(); ++log) {
    if (log->first > last_program) continue;
    auto& [stream, spool, file_spool] = log->second;
    if (!spool.valid()) stream.Reset();  // only half of it was kept
    if (stream.valid() || file_spool.valid()) {
      return {log->first, std::move(log->second)};
    }
  }
  return {};
}

}  // namespace

absl::Status Stores::Open(const HeadOptions& options, Readiness& systemd,
                          std::vector<InheritedFd>& inherited,
                          const HeadState* before) {
  std::vector<StoredFd> returned = TakeStored(inherited);
  if (options.keeper.kind == KeeperSpec::kNobody && before == nullptr) {
    // An earlier head may have stored something with systemd: it is fetched
    // once more, and then stored no longer.
    const size_t count = returned.size();
    StoredSessions last(MakeSystemdStore(systemd, count, std::move(returned)));
    ASSIGN_OR_RETURN(fetched_, last.Fetch());
    for (const auto& [name, session] : fetched_) {
      (void)last.RemoveSession(name);  // it is tried at each start
    }
    return absl::OkStatus();
  }
  std::vector<std::string> names;
  if (before != nullptr) {
    names = before->kept;
    names.insert(names.end(), before->unwanted.begin(), before->unwanted.end());
  }
  auto found =
      FindStore(options.keeper, options.socket, systemd, std::move(returned),
                before == nullptr ? nullptr : &names);
  if (before == nullptr) {
    RETURN_IF_ERROR(found.status());
    stored_ = StoredSessions(*std::move(found));
    return absl::OkStatus();
  }
  // Everything that is stored is with us already.
  if (!found.ok()) Log(Severity::kError, found.status().message());
  stored_ = StoredSessions(found.ok() ? *std::move(found) : nullptr);
  stored_.AssumeStored(before->kept, before->unwanted);
  for (const HeldState& one : before->held) {
    if (const auto name = ParseStoredName(one.name)) {
      fetched_[name->session].At(*name) = TakeOffered(one.fd);
    }
  }
  return absl::OkStatus();
}

absl::Status Stores::Fetch() {
  if (stored_.store() == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(fetched_, stored_.Fetch());
  return absl::OkStatus();
}

void Stores::RestoreSessions() {
  for (auto& [name, stored] : std::exchange(fetched_, {})) {
    Restore(name, std::move(stored));
  }
  for (const Session* session : sessions_.by_start()) {
    if (session->running()) SetRunning(*session, session->program().number());
  }
}

void Stores::Restore(const std::string& name, StoredSession stored) {
  STEP(name, "fetched", stored.ring.valid(), stored.programs.size());
  if (!stored.ring.valid()) {
    Log(Severity::kError, "session=", name, " is lost: its ring wasn't kept");
    TryAgainAfter(stored_.RemoveSession(name));
    return;
  }
  const auto adopted = sessions_.Adopt(name, stored.ring.get());
  if (!adopted.ok()) {
    Log(Severity::kError, "session=", name,
        " is held, but can't be served: ", adopted.status().message(),
        "; start head with the deptyr that wrote it");
    newer_.emplace(name, std::move(stored));
    return;
  }
  Session& session = **adopted;
  RestorePrograms(session, std::move(stored));
  session.OnReadmitted();
  Log(Severity::kInfo, "session=", name, " taken back; ", session.State());
}

void Stores::RestorePrograms(Session& session, StoredSession stored) {
  for (auto& [number, program] : stored.programs) {
    program = Checked(std::move(program));
  }
  const uint64_t last = session.program().number();
  StoredProgram known = std::move(stored.programs[last]);
  stored.programs.erase(last);
  SessionState before;
  // Every byte of it was seen by some client, if there was one.
  before.answered = session.ring().end();
  auto [number_of_log, log] = LastLog(std::move(stored.logs), last);
  session.Resume(
      std::move(known.controller), std::move(known.pidfd), before,
      {std::move(log.log), std::move(log.spool), std::move(log.file_spool)});
  TryAgainAfter(
      stored_.RemoveLogs(session.name(), HasLogs(session) ? number_of_log : 0));
  if (!session.running()) RemoveProgram(session, last);
  for (auto& [number, program] : stored.programs) {
    const int pidfd = program.pidfd.get();
    const auto pid = RetryForFiveSeconds([pidfd] { return PidOf(pidfd); });
    const auto size = GetWindowSize(program.controller.get());
    // Head died just before or after it said that it holds this one.  The
    // program may have ended since; what it wrote is there.
    if (number == last + 1 && pid.ok() && size.ok()) {
      session.Start({.pid = *pid,
                     .pidfd = std::move(program.pidfd),
                     .controller = std::move(program.controller),
                     .size = *size,
                     .argv = {}});
    } else {
      RemoveProgram(session, number);
    }
  }
}

void Stores::Save(HeadState& state) const {
  state.kept = stored_.Names();
  state.unwanted = stored_.Unwanted();
  for (const auto& [name, session] : newer_) {
    const auto add = [&, &session_name = name](StoredKind kind, uint64_t number,
                                               const Fd& fd) {
      state.held.push_back({Spell({kind, number, session_name}), fd.get()});
    };
    add(StoredKind::kRing, 0, session.ring);
    for (const auto& [number, program] : session.programs) {
      add(StoredKind::kPty, number, program.controller);
      add(StoredKind::kPid, number, program.pidfd);
    }
    for (const auto& [number, log] : session.logs) {
      add(StoredKind::kLog, number, log.log);
      add(StoredKind::kSpool, number, log.spool);
      add(StoredKind::kFile, number, log.file_spool);
    }
  }
}

void Stores::Prepare() {
  FdStore* const store = stored_.store();
  if (store == nullptr || !store->Prepare()) return;
  until_relaxed_ = loop_.After(kPreparedTime, [store] { store->Relax(); });
}

void Stores::Add(const Session& session, uint64_t number, int controller,
                 int pidfd) {
  TryAgainAfter(stored_.AddProgram(session.name(), session.owner(),
                                   session.ring().fd(), number, controller,
                                   pidfd));
}

void Stores::UpdateLog(const Session& session) {
  if (!HasLogs(session) || !Has(session)) {
    return TryAgainAfter(stored_.RemoveLogs(session.name()));
  }
  // Those that are let go of at the program's end go together.
  if (!session.running()) return;
  const LogToStore logs = {session.log().descriptor(), session.log().spool(),
                           session.log_file().spool()};
  TryAgainAfter(stored_.AddLog(session.name(), session.owner(),
                               session.program().number(), logs));
}

void Stores::TryAgainAfter(const absl::Status& failure) {
  if (failure.ok() || absl::IsResourceExhausted(failure)) return;
  // An s6-fdholder may be restarting or stopped, for example.
  until_reachable_ = loop_.After(kUnreachablePause, [this] {
    stored_.TryAgain();
    again_();
  });
}

Stores::PlacesByUser Stores::CountPlaces() const {
  PlacesByUser users;
  for (Session* session : sessions_.by_start()) {
    if (!Has(*session)) continue;
    Places& user = users[session->owner()];
    ++user.count;
    if (session->running()) user.running.push_back(session);
  }
  for (Session* session : sessions_.idle()) {
    if (Has(*session)) users[session->owner()].idle.push_back(session);
  }
  return users;
}

void Stores::StoreMissing() {
  if (stored_.store() == nullptr) return;
  if (!until_reachable_.pending()) TryAgainAfter(stored_.RemoveUnwanted());
  std::optional<PlacesByUser> users;
  size_t enough = SIZE_MAX;  // users who have as many make no room
  for (const auto& [name, session] : sessions_.by_name()) {
    if (!session->running() || !session->terminal().valid()) continue;
    while (!Has(*session)) {
      if (!stored_.HasRoom()) {
        if (!stored_.IsFull()) return;
        if (!users) users = CountPlaces();
        const Places& own = (*users)[session->owner()];
        if (!MakeRoomOfLogs(session->owner(), *users)) {
          if (own.idle.empty() && own.count >= enough) break;
          if (!MakeRoom(session->owner(), *users)) {
            enough = own.count;
            break;
          }
        }
      }
      Add(*session, session->program().number(), session->terminal().get(),
          session->program().pidfd());
      if (users && Has(*session)) ++(*users)[session->owner()].count;
    }
  }
  StoreMissingLogs();
}

void Stores::StoreMissingLogs() {
  for (const auto& [name, session] : sessions_.by_name()) {
    if (!stored_.HasRoom()) return;
    const bool missing =
        HasLogs(*session) && Has(*session) && !stored_.HasLog(name);
    if (missing) UpdateLog(*session);
  }
}

// Logs give way to programs: the user's own, or else those of the user who has
// most places, if these are more.
bool Stores::MakeRoomOfLogs(uid_t owner, PlacesByUser& users) {
  const Session* from = nullptr;
  size_t most = users[owner].count;
  for (const auto& [name, session] : sessions_.by_name()) {
    const bool own = session->owner() == owner;
    const size_t count = users[session->owner()].count;
    if ((!own && count <= most) || !stored_.HasLog(name)) continue;
    from = session.get();
    if (own) break;
    most = count;
  }
  if (from == nullptr) return false;
  TryAgainAfter(stored_.RemoveLogs(from->name()));
  LogOf(Severity::kNotice, from->owner(), "displaced", "session=", from->name(),
        " would outlive head, but not its log: a program needs the room");
  return true;
}

// Sessions that have ended give way to those that run: the oldest of the same
// user, then the oldest of the user who has most places.  If none has ended, a
// session that runs gives way, of a user who has more places even then; so
// nobody gets all of them.
bool Stores::MakeRoom(uid_t owner, PlacesByUser& users) {
  Places& own = users[owner];
  Places* from = own.idle.empty() ? nullptr : &own;
  Places* most = &own;
  for (auto& [uid, user] : users) {
    if (user.count > most->count) most = &user;
    if (from != &own && !user.idle.empty() &&
        user.count > (from == nullptr ? own.count : from->count)) {
      from = &user;
    }
  }
  if (from != nullptr) {
    Session& oldest = *from->idle.front();
    from->idle.pop_front();
    LogOf(Severity::kInfo, oldest.owner(), "displaced",
          "session=", oldest.name(),
          " has ended and is no longer kept: one that runs needs the room");
    --from->count;
    RemoveSession(oldest);
    return true;
  }
  if (most->count <= own.count + 1 || most->running.empty()) return false;
  Session& newest = *most->running.back();
  most->running.pop_back();
  LogOf(Severity::kWarning, newest.owner(), "displaced",
        "session=", newest.name(), " would not outlive head any more: uid ",
        newest.owner(), " has the most that is kept, and uid ", owner,
        " needs the room");
  --most->count;
  RemoveSession(newest);
  return true;
}

}  // namespace deptyr
