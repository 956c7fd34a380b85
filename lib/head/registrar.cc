#include "lib/head/registrar.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/base/step.h"
#include "lib/sys/pty.h"
#include "lib/sys/slow_closer.h"
#include "lib/sys/user_log.h"

namespace deptyr {
namespace {

// A command line may have 4096 bytes.
std::string LoggedWords(const std::vector<std::string>& argv) {
  constexpr size_t kMost = 256;
  const std::string words = absl::StrJoin(argv, " ");
  return absl::StrCat(words.substr(0, kMost),
                      words.size() > kMost ? "..." : "");
}

// Users without a number here all look alike: one could take another's session.
absl::Status CheckUser(uid_t uid) {
  if (uid != kUnknownId) return absl::OkStatus();
  const absl::Status known = CheckIdentities();
  return absl::PermissionDeniedError(
      known.ok() ? "the program's user has no number in head's user namespace; "
                   "run head where it has, or map it (uid_map)"
                 : absl::StrCat("head doesn't know the program's user: ",
                                known.message()));
}

// Whether this process runs, directly or not, on the terminal of that leader.
bool IsAround(pid_t leader) {
  const std::vector<pid_t> around = LeadersAround(OwnPid());
  return std::find(around.begin(), around.end(), leader) != around.end();
}

}  // namespace

absl::Status Registrar::CheckName(const Newcomer& newcomer) const {
  const std::string& name = newcomer.name;
  if (stores_.newer().contains(name)) {
    return absl::AlreadyExistsError(
        absl::StrCat("the name ", name,
                     " is that of a program whose state a newer deptyr wrote; "
                     "start head with that one, or choose another --name"));
  }
  Session* const holder = sessions_.Find(name);
  if (holder == nullptr) return absl::OkStatus();
  if (holder->owner() != newcomer.owner) {
    return absl::UnauthenticatedError(absl::StrCat(
        "the name ", name, " belongs to another user; choose another --name"));
  }
  // A program may register its own name again: head may have died while it
  // registered.  Everybody outside our PID namespace has the pid 0.
  const pid_t pid = holder->program().pid();
  if (holder->program().IsAlive() && !newcomer.replace &&
      (pid == 0 || pid != newcomer.program.pid)) {
    STEP(name, "refused", static_cast<uint64_t>(newcomer.program.pid));
    return absl::AlreadyExistsError(absl::StrCat(
        "the name ", name, " is held by ",
        pid == 0 ? "a process outside head's PID namespace"
                 : absl::StrCat("pid ", pid),
        ", which runs; choose another --name",
        newcomer.program.adopted ? "" : ", or take its place with --replace"));
  }
  return absl::OkStatus();
}

absl::Status Registrar::Check(const Newcomer& newcomer,
                              const Fd& controller) const {
  const uid_t owner = newcomer.owner;
  RETURN_IF_ERROR(CheckName(newcomer));
  RETURN_IF_ERROR(admission_.CheckDescriptor(controller.get(), owner));
  return admission_.CheckDescriptor(newcomer.program.pidfd.get(), owner);
}

absl::StatusOr<Session*> Registrar::SessionFor(const std::string& name,
                                               uid_t owner) {
  if (Session* const session = sessions_.Find(name)) return session;
  RETURN_IF_ERROR(sessions_.MakeRoom(owner));
  ASSIGN_OR_RETURN(Ring ring, Ring::Create(history_));
  RETURN_IF_ERROR(admission_.CheckDescriptor(ring.fd(), owner));
  return &sessions_.Add(name, owner, std::move(ring));
}

absl::Status Registrar::OnRegister(PendingConnection& peer, Register message,
                                   Fd& controller) {
  if (stopping_) return absl::CancelledError("head is about to end");
  const PeerIdentity& who = peer.identity();
  RETURN_IF_ERROR(CheckUser(who.uid));
  std::optional<SizePolicy> size_policy;
  if (message.size_policy) {
    ASSIGN_OR_RETURN(size_policy, SizePolicyNamed(*message.size_policy));
  }
  std::optional<WriterPolicy> writers;
  if (message.writers) {
    ASSIGN_OR_RETURN(writers, WriterPolicyNamed(*message.writers));
  }
  ASSIGN_OR_RETURN(Fd pidfd, PeerPidfd(peer.connection(), who, peer.since()));
  Newcomer newcomer{.name = std::move(message.name),
                    .owner = who.uid,
                    .replace = message.replace,
                    .size_policy = size_policy,
                    .writers = writers,
                    .said = "registered",
                    .program = {.pid = who.pid,
                                .pidfd = std::move(pidfd),
                                .controller = {},
                                .size = {message.rows, message.cols},
                                .argv = std::move(message.argv)}};
  STEP(newcomer.name, "registers", static_cast<uint64_t>(who.pid));
  RETURN_IF_ERROR(Check(newcomer, controller));
  return Take(&peer, std::move(newcomer), controller).status();
}

absl::Status Registrar::CheckIsNew(const Leader& leader) const {
  for (const Session* session : sessions_.by_start()) {
    const CurrentProgram& program = session->program();
    if (program.pid() == leader.pid && program.IsAlive()) {
      return absl::AlreadyExistsError(absl::StrCat(
          "head has that terminal already, in the session ", session->name()));
    }
  }
  return absl::OkStatus();
}

absl::Status Registrar::OnAdopt(PendingConnection& peer, Adopt message,
                                Fd& controller) {
  if (stopping_) return absl::CancelledError("head is about to end");
  const PeerIdentity& who = peer.identity();
  ASSIGN_OR_RETURN(Leader leader, LeaderOf(controller.get()));
  RETURN_IF_ERROR(CheckUser(leader.uid));
  if (who.uid != 0 && who.uid != leader.uid) {
    return absl::PermissionDeniedError(
        absl::StrCat("process ", leader.pid, " is uid ", leader.uid,
                     "'s; only that user or root may hand its terminal over"));
  }
  if (const absl::Status is_new = CheckIsNew(leader); !is_new.ok()) {
    peer.Refuse(kRefusedHeld, is_new.message());
    return absl::OkStatus();
  }
  if (owner_.has_terminal() && IsAround(leader.pid)) {
    return absl::FailedPreconditionError(
        "head's own terminal is on it, which would show itself; have head go "
        "on without it (the command key, d) first");
  }
  WindowSize size = GetWindowSize(controller.get()).value_or(WindowSize());
  if (size.rows == 0 || size.cols == 0) size = WindowSize();
  Newcomer newcomer{
      .name = std::move(message.name),
      .owner = leader.uid,
      .said = absl::StrCat("adopted by pid=", who.pid, " uid=", who.uid),
      .program = {.pid = leader.pid,
                  .adopted = true,
                  .pidfd = std::move(leader.pidfd),
                  .controller = {},
                  .size = size,
                  .argv = std::move(message.argv)}};
  RETURN_IF_ERROR(Check(newcomer, controller));
  if (message.probe) {
    // Whoever hears the answer may look who has the terminal.
    SlowCloser::Close(who.uid, std::move(controller));
    peer.Agree(newcomer.name);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Session* const session,
                   Take(&peer, std::move(newcomer), controller));
  // Head sees what the program draws now, and knows nothing of what it drew
  // before.
  if (session != nullptr) session->Repaint();
  return absl::OkStatus();
}

absl::Status Registrar::OnConsoleLeader(const PeerIdentity& who,
                                        std::string name, Leader leader,
                                        Fd& controller) {
  if (stopping_) return absl::CancelledError("head is about to end");
  RETURN_IF_ERROR(CheckUser(who.uid));
  RETURN_IF_ERROR(CheckIsNew(leader));
  WindowSize size = GetWindowSize(controller.get()).value_or(WindowSize());
  if (size.rows == 0 || size.cols == 0) {
    size = WindowSize();
    RETURN_IF_ERROR(SetWindowSize(controller.get(), size));
  }
  Newcomer newcomer{
      .name = std::move(name),
      .owner = who.uid,
      .said = absl::StrCat("came by --console from pid=", who.pid),
      .program = {.pid = leader.pid,
                  .pidfd = std::move(leader.pidfd),
                  .controller = {},
                  .size = size,
                  .argv = {}}};
  RETURN_IF_ERROR(Check(newcomer, controller));
  return Take(nullptr, std::move(newcomer), controller).status();
}

absl::StatusOr<Session*> Registrar::Take(PendingConnection* peer,
                                         Newcomer newcomer, Fd& controller) {
  const std::string& name = newcomer.name;
  Incarnation& program = newcomer.program;
  RETURN_IF_ERROR(admission_.CheckRegistration(newcomer.owner));
  ASSIGN_OR_RETURN(Session* const session, SessionFor(name, newcomer.owner));
  owner_.TidySoon();
  // Stored before it is accepted, so that the program can rely on it.  Accepted
  // before it is started: a body executes its program only once it has heard
  // the answer, so nothing is missed, and if nobody hears it, nothing started.
  const uint64_t number = session->program().number() + 1;
  stores_.Add(*session, number, controller.get(), program.pidfd.get());
  const bool accepted = peer == nullptr || peer->Accept(name);
  STEP(name, accepted ? "accepted" : "went-away", number);
  if (!accepted) {
    LogOf(Severity::kWarning, newcomer.owner, "went away", "session=", name,
          " pid=", peer->identity().pid, " went away while it registered");
    stores_.RemoveProgram(*session, number);
    if (session->program().number() == 0 && session->clients().empty()) {
      sessions_.Forget(*session);
    }
    return nullptr;
  }
  LogOf(Severity::kInfo, newcomer.owner, "registered", "session=", name,
        " pid=", program.pid, " uid=", newcomer.owner, " ", newcomer.said,
        program.argv.empty() ? "" : ": ", LoggedWords(program.argv));
  sessions_.MakeNewest(*session);
  clients_.AssignWaiting(*session);
  session->SetSizePolicy(newcomer.size_policy);
  session->SetWriterPolicy(newcomer.writers);
  program.controller = std::move(controller);
  session->Start(std::move(program));
  pending_.EndRegistration(name, peer);
  return session;
}

void Registrar::OnExecFailed(PendingConnection& peer, const std::string& text) {
  Session* const session = sessions_.Find(peer.session());
  if (session != nullptr && session->program().pid() == peer.identity().pid) {
    session->program().ExecFailed(text.substr(0, 512));
  }
}

void Registrar::OnLog(PendingConnection& peer, const std::string& style,
                      Fd log) {
  Session* const session = sessions_.Find(peer.session());
  if (session == nullptr || session->program().pid() != peer.identity().pid) {
    return;
  }
  auto sink = LogSink::Take(std::move(log));
  const absl::Status taken =
      sink.ok() ? session->TakeLog(*std::move(sink), style) : sink.status();
  if (taken.ok()) return;
  LogOf(Severity::kNotice, session->owner(), "no log",
        "session=", session->name(), " has no log: ", taken.message());
}

}  // namespace deptyr
