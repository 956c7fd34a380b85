#include "lib/head/registrar.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/status.h"
#include "lib/sys/process.h"
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
  if (CheckIdentities().ok()) {
    return absl::PermissionDeniedError(
        "the program's user has no number in head's user namespace; run head "
        "where it has, or map it (uid_map)");
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "head doesn't know the program's user: ", CheckIdentities().message()));
}

}  // namespace

absl::Status Registrar::CheckName(const Register& message,
                                  const PeerIdentity& who) const {
  if (stores_.newer().contains(message.name)) {
    return absl::AlreadyExistsError(
        absl::StrCat("the name ", message.name,
                     " is that of a program whose state a newer deptyr wrote; "
                     "start head with that one, or choose another --name"));
  }
  Session* const holder = sessions_.Find(message.name);
  if (holder == nullptr) return absl::OkStatus();
  if (holder->owner() != who.uid) {
    return absl::UnauthenticatedError(
        absl::StrCat("the name ", message.name,
                     " belongs to another user; choose another --name"));
  }
  // A program may register its own name again: head may have died while it
  // registered.
  if (holder->program().IsAlive() && !message.replace &&
      holder->program().pid() != who.pid) {
    return absl::AlreadyExistsError(absl::StrCat(
        "the name ", message.name, " is held by pid ", holder->program().pid(),
        ", which runs; choose another --name, or take its place with "
        "--replace"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Session*> Registrar::SessionFor(const std::string& name,
                                               uid_t owner) {
  if (Session* const session = sessions_.Find(name)) return session;
  RETURN_IF_ERROR(sessions_.MakeRoom(owner));
  ASSIGN_OR_RETURN(Ring ring, Ring::Create(history_));
  RETURN_IF_ERROR(admission_.CheckDescriptor(ring.fd(), owner));
  return &sessions_.Add(name, owner, std::move(ring));
}

absl::Status Registrar::OnRegister(PendingConnection& connection,
                                   Register message, Fd controller) {
  const PeerIdentity& who = connection.identity();
  RETURN_IF_ERROR(CheckUser(who.uid));
  ASSIGN_OR_RETURN(Fd pidfd,
                   PeerPidfd(connection.connection(), who, connection.since()));
  RETURN_IF_ERROR(CheckName(message, who));
  RETURN_IF_ERROR(admission_.CheckDescriptor(pidfd.get(), who.uid));
  RETURN_IF_ERROR(admission_.CheckRegistration(who.uid));
  ASSIGN_OR_RETURN(Session* const session, SessionFor(message.name, who.uid));
  // Stored before it is accepted, so that the program can rely on it.  Accepted
  // before it is started: a body executes its program only once it has heard
  // the answer, so nothing is missed, and if nobody hears it, nothing started.
  const uint64_t number = session->program().number() + 1;
  stores_.Add(*session, number, controller.get(), pidfd.get());
  if (!connection.Accept(message.name)) {
    LogOf(Severity::kWarning, who.uid, "went away", "session=", message.name,
          " pid=", who.pid, " went away while it registered");
    stores_.RemoveProgram(*session, number);
    if (session->program().number() == 0 && session->clients().empty()) {
      sessions_.Forget(*session);
    }
    return absl::OkStatus();
  }
  LogOf(Severity::kInfo, who.uid, "registered", "session=", message.name,
        " pid=", who.pid, " uid=", who.uid,
        " registered: ", LoggedWords(message.argv));
  sessions_.MakeNewest(*session);
  clients_.AssignWaiting(*session);
  session->Start({.pid = who.pid,
                  .pidfd = std::move(pidfd),
                  .controller = std::move(controller),
                  .size = {message.rows, message.cols},
                  .argv = std::move(message.argv)});
  pending_.NoteRegistered(connection);
  return absl::OkStatus();
}

}  // namespace deptyr
