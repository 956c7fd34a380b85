// Of head: how a program registers, and which session it gets.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/head/head.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

// A body registers well before that, or is late anyway.
constexpr absl::Duration kPrepared = absl::Milliseconds(20);

// A command line may have 4096 bytes.
std::string LoggedWords(const std::vector<std::string>& argv) {
  constexpr size_t kMost = 256;
  const std::string words = absl::StrJoin(argv, " ");
  return absl::StrCat(words.substr(0, kMost),
                      words.size() > kMost ? "..." : "");
}

}  // namespace

void Head::OnBody(Fd connection) {
  const auto identity = IdentifyPeer(connection.get());
  if (!identity.ok()) return;
  absl::Status room = MakeRoomForPeer(identity->uid);
  // A client says at once what it wants.  A body makes a terminal first.
  if (BytesReadable(connection.get()) == 0 && keeping_.Prepare()) {
    relax_ = loop_.After(kPrepared, [this] { keeping_.Relax(); });
  }
  auto peer = std::make_unique<PendingConnection>(
      loop_, *this, std::move(connection), *identity);
  PendingConnection& it = *peer;
  peers_.emplace(&it, std::move(peer));
  if (room.ok()) room = CheckDescriptor(it.connection(), identity->uid);
  if (!room.ok()) it.Refuse(kRefusedLimit, room.message());
}

void Head::OnRegister(PendingConnection& peer, Register message,
                      Fd controller) {
  const PeerIdentity& who = peer.identity();
  if (stopping_) {
    peer.Refuse(kRefusedStopping, "head is about to end");
    return;
  }
  if (who.uid == kUnknownId) {
    // All of those look alike: one could take another's session.
    peer.Refuse(kRefusedNotPermitted,
                CheckIdentities().ok()
                    ? "the program's user has no number in head's user "
                      "namespace; run head where it has, or map it (uid_map)"
                    : absl::StrCat("head doesn't know the program's user: ",
                                   CheckIdentities().message()));
    return;
  }
  auto pidfd = PeerPidfd(peer.connection(), who, peer.since());
  if (!pidfd.ok()) {
    peer.Refuse(absl::IsPermissionDenied(pidfd.status()) ? kRefusedNotPermitted
                                                         : kRefusedLimit,
                pidfd.status().message());
    return;
  }
  if (held_.contains(message.name)) {
    peer.Refuse(kRefusedNameTaken,
                absl::StrCat("the name ", message.name,
                             " is that of a program whose state a newer deptyr "
                             "wrote; start head with that one, or choose "
                             "another --name"));
    return;
  }
  const auto found = sessions_.find(message.name);
  if (found != sessions_.end()) {
    Session& holder = *found->second;
    if (holder.owner() != who.uid) {
      peer.Refuse(kRefusedNotOwner,
                  absl::StrCat("the name ", message.name,
                               " belongs to another user; choose another "
                               "--name"));
      return;
    }
    // Its own name it may have again: head died while it registered.
    if (holder.IsAlive() && !message.replace && holder.pid() != who.pid) {
      peer.Refuse(kRefusedNameTaken,
                  absl::StrCat("the name ", message.name, " is held by pid ",
                               holder.pid(),
                               ", which runs; choose another "
                               "--name, or take its place with --replace"));
      return;
    }
  }
  absl::Status room = CheckDescriptor(pidfd->get(), who.uid);
  if (room.ok()) room = CheckRate(who);
  if (room.ok() && found == sessions_.end()) room = MakeRoomForSession(who.uid);
  if (!room.ok()) {
    peer.Refuse(kRefusedLimit, room.message());
    return;
  }
  auto session = SessionFor(message.name, who.uid);
  if (!session.ok()) {
    peer.Refuse(kRefusedLimit, session.status().message());
    return;
  }
  // Kept before it is accepted: then it may count on it.  Accepted before it is
  // started: the body that hears it executes its program only then, so nothing
  // is missed; and if nobody hears it, nothing started.
  const uint64_t number = (*session)->programs() + 1;
  Keep(**session, number, controller.get(), pidfd->get());
  if (!peer.Accept(message.name)) {
    LogOf(Severity::kWarning, who.uid, "went away", "session=", message.name,
          " pid=", who.pid, " went away while it registered");
    keeping_.RemoveProgram(message.name, number);
    if ((*session)->programs() == 0 && (*session)->clients().empty()) {
      Forget(message.name);
    }
    TidySoon();
    return;
  }
  LogOf(Severity::kInfo, who.uid, "registered", "session=", message.name,
        " pid=", who.pid, " uid=", who.uid,
        " registered: ", LoggedWords(message.argv));
  MakeNewest(**session);
  AssignWaitingClients(**session);
  (*session)->Start({.pid = who.pid,
                     .pidfd = *std::move(pidfd),
                     .controller = std::move(controller),
                     .size = {message.rows, message.cols},
                     .argv = std::move(message.argv)});
  NoteRegistered(peer);
}

absl::StatusOr<Session*> Head::SessionFor(const std::string& name,
                                          uid_t owner) {
  const auto found = sessions_.find(name);
  if (found != sessions_.end()) return found->second.get();
  ASSIGN_OR_RETURN(Ring ring, Ring::Create(options_.history));
  RETURN_IF_ERROR(CheckDescriptor(ring.fd(), owner));
  return &AddSession(name, owner, std::move(ring));
}

Session& Head::AddSession(const std::string& name, uid_t owner, Ring ring) {
  SessionOptions options = options_.session;
  options.backlogs = &backlogs_;
  auto session =
      std::make_unique<Session>(loop_, name, owner, std::move(ring), options,
                                [this](Session& changed, Change change) {
                                  OnSessionChanged(changed, change);
                                });
  Session* const result = session.get();
  sessions_[name] = std::move(session);
  by_start_.push_back(result);
  session_places_.emplace(result, sessions_of_.Take(owner));
  OpenClientDirs(*result);
  return *result;
}

void Head::MakeNewest(Session& session) {
  std::erase(by_start_, &session);
  by_start_.push_back(&session);
}

void Head::OnExecFailed(PendingConnection& peer, const std::string& text) {
  const auto found = sessions_.find(peer.session());
  if (found != sessions_.end() && found->second->pid() == peer.identity().pid) {
    found->second->ExecFailed(text.substr(0, 512));
  }
}

// The next program of its session, or its own end, ends a registration: so
// there are no more of them than sessions.
void Head::NoteRegistered(PendingConnection& peer) {
  EndRegistration(peer.session());
  registered_[peer.session()] = &peer;
}

void Head::EndRegistration(const std::string& session) {
  const auto found = registered_.find(session);
  if (found != registered_.end()) found->second->End();
}

void Head::OnPendingDone(PendingConnection& peer) {
  const auto found = peers_.find(&peer);
  if (found == peers_.end()) return;
  const auto registered = registered_.find(peer.session());
  if (registered != registered_.end() && registered->second == &peer) {
    registered_.erase(registered);
  }
  loop_.DestroyLater(std::move(found->second));  // it is on the stack
  peers_.erase(found);
}

}  // namespace deptyr
