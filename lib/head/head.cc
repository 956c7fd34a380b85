#include "lib/head/head.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/address.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

constexpr absl::Duration kTidyPause = absl::Milliseconds(20);
constexpr absl::Duration kServedCheck = absl::Milliseconds(10);

// Of the sockets a supervisor passed the one for `path`: bound to it, or named
// "head", or the only one left.
ListeningSocket InheritedSocket(const std::string& path,
                                std::vector<InheritedFd>& inherited) {
  const auto left = std::count_if(
      inherited.begin(), inherited.end(),
      [](const InheritedFd& candidate) { return candidate.fd.valid(); });
  for (InheritedFd& candidate : inherited) {
    const auto bound_to = ListeningPath(candidate.fd.get());
    if (!bound_to) continue;
    // By inode: we may have been given a relative path.
    if (IsSameFile(*bound_to, path) || candidate.name == "head" || left == 1) {
      return ListeningSocket(std::move(candidate.fd), *bound_to);
    }
  }
  return ListeningSocket();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Head>> Head::Create(
    EventLoop& loop, HeadOptions options, std::optional<HeadState> before) {
  std::unique_ptr<Head> head(new Head(loop, std::move(options)));
  head->user_log_.Use();
  head->before_ = std::move(before);
  RETURN_IF_ERROR(head->Open());
  return head;
}

// Destroying a client can end others, so the tables are emptied before their
// destructors run.
Head::~Head() {
  terminal_.GiveBack();
  clients_.Clear();
}

absl::Status Head::Open() {
  RETURN_IF_ERROR(CheckSocketPath(options_.socket));
  std::vector<InheritedFd> inherited = TakeInheritedFds();
  // What was kept first, then listeners: a descriptor they name isn't the only
  // one any more.
  RETURN_IF_ERROR(OpenKeeper(inherited));
  RETURN_IF_ERROR(OpenListeners(inherited));
  ASSIGN_OR_RETURN(ListeningSocket socket, OpenSocket(inherited));
  Log(Severity::kInfo, "head pid=", OwnPid(), " listens on ", socket.path(),
      socket.inherited() ? " (inherited)" : "", "; history=", options_.history,
      keeping_.kind().empty()
          ? "; nobody keeps the terminals for it: if it ends, its programs get "
            "SIGHUP"
          : absl::StrCat("; ", keeping_.kind(), " keeps the terminals"));
  if (const absl::Status known = CheckIdentities(); !known.ok()) {
    Log(Severity::kWarning, known.message());
  }
  TakeAllBack();
  ServeBodies(std::move(socket));
  if (before_) Resume();
  readiness_.Ready();
  TidySoon();
  return absl::OkStatus();
}

absl::StatusOr<ListeningSocket> Head::OpenSocket(
    std::vector<InheritedFd>& inherited) {
  ListeningSocket socket = TakeSocket(kBodiesRole);
  if (!socket.valid()) socket = InheritedSocket(options_.socket, inherited);
  if (!socket.valid()) {
    ASSIGN_OR_RETURN(socket, Listen(options_.socket, options_.rights));
  }
  RETURN_IF_ERROR(SetNonBlocking(socket.fd()));
  return socket;
}

KeyValues Head::Report() const {
  KeyValues report = {
      {"pid", absl::StrCat(OwnPid())},
      {"version", options_.version},
      {"socket", options_.socket},
      {"since", absl::StrCat(absl::ToUnixMillis(since_))},
      {"sessions", absl::StrCat(sessions_.size())},
      {"keeper", std::string(keeping_.kind())},
      {"clients",
       absl::StrCat(clients_.size() + (terminal_.client() == nullptr ? 0 : 1))},
      {"refused", absl::StrCat(refusals_.total())}};
  for (const auto& [code, count] : refusals_.counts()) {
    report.emplace_back(absl::StrCat("refused-", code), absl::StrCat(count));
  }
  ReportLimits(report);
  return report;
}

void Head::OnSessionChanged(Session& session, Change change) {
  if (change.kind == Change::kHeldUp) return OnHeldUp(session);
  queries_.Tell(session, change);
  if (change.kind == Change::kStarted) {
    ++running_;
    std::erase(ended_, &session);
  } else if (change.kind == Change::kEnded) {
    --running_;
    keeping_.DropProgram(session.name(), session.programs());
    EndRegistration(session.name());
    ended_.push_back(&session);
  } else if (change.kind == Change::kTerminalLost) {
    // The next head shall not wait for it either.
    keeping_.DropProgram(session.name(), session.programs());
    keeping_.Expect(session.name(), session.programs());
  } else {
    return;
  }
  if (terminal_.client() != nullptr) terminal_.client()->OnSessionsChanged();
  TidySoon();
}

void Head::TidySoon() {
  if (!tidy_.pending()) tidy_ = loop_.After(kTidyPause, [this] { Tidy(); });
}

void Head::Tidy() {
  KeepAgain();
  ForgetExcess();
  if (!readiness_.Status(absl::StrCat(
          running_, " programs run, ", sessions_.size() - running_, " ended, ",
          clients_.size() + (terminal_.client() == nullptr ? 0 : 1),
          " clients"))) {
    TidySoon();
  }
}

void Head::Forget(const std::string& name) {
  const auto found = sessions_.find(name);
  queries_.Tell(*found->second, "forgotten", {});
  keeping_.DropSession(name);
  client_dirs_.erase(found->second.get());
  session_places_.erase(found->second.get());
  std::erase(by_start_, found->second.get());
  std::erase(ended_, found->second.get());
  sessions_.erase(found);
}

std::string Head::RunningPrograms(bool kept) const {
  std::vector<std::string> names;
  for (const auto& [name, session] : sessions_) {
    if (session->running() && keeping_.Keeps(name) == kept) {
      names.push_back(absl::StrCat(name, " (pid ", session->pid(), ")"));
    }
  }
  return absl::StrJoin(names, ", ");
}

void Head::Stop(absl::string_view why) {
  if (std::exchange(stopping_, true)) return;
  Log(Severity::kInfo, "head ends: ", why);
  const std::string kept = RunningPrograms(true);
  if (keeping_.kind() == "systemd" && !kept.empty()) {
    Log(Severity::kWarning,
        "systemd keeps the terminals over a restart.  If this is a stop, and "
        "FileDescriptorStorePreserve=yes isn't set (systemd 254), it lets go "
        "of "
        "them, and these programs get SIGHUP: ",
        kept);
  }
  readiness_.Stopping();
  if (rehearsal_) {
    (void)SendSignal(rehearsal_->trial.child.pidfd.get(), SIGKILL);
  }
  bodies_.reset();
  listeners_.clear();
  client_dirs_.clear();
  for (const auto& [name, session] : sessions_) {
    queries_.Tell(*session, "stopping", {});
    session->StopReading();
  }
  clients_.ForEach([](ConnectedClient& client) { client.OnStopping(); });
  farewell_ = loop_.After(kFarewell, [this] { finished_ = true; });
  FinishIfServed();
}

void Head::OnTerminalGone() {
  Stop("its terminal was closed");
  finished_ = true;  // nobody is left to be served
}

void Head::FinishIfServed() {
  bool owed =
      terminal_.client() != nullptr && terminal_.client()->OwedAnything();
  clients_.ForEach([&owed](const ConnectedClient& client) {
    owed = owed || (client.session() != nullptr &&
                    client.owed(client.session()->ring()));
  });
  if (!owed) {
    finished_ = true;
    return;
  }
  served_check_ = loop_.After(kServedCheck, [this] { FinishIfServed(); });
}

void Head::RestoreSocket() {
  if (bodies_ == nullptr || bodies_->socket().inherited() ||
      bodies_->socket().FileIsOurs()) {
    return;
  }
  auto again = Listen(options_.socket, options_.rights);
  if (!again.ok()) {
    Log(Severity::kError,
        "can't restore the socket: ", again.status().message());
    return;
  }
  ServeBodies(*std::move(again));
  Log(Severity::kNotice, "restored the socket ", options_.socket);
}

void Head::ServeBodies(ListeningSocket socket) {
  bodies_ = std::make_unique<Acceptor>(
      loop_, std::move(socket),
      [this](Fd connection) { OnBody(std::move(connection)); });
  socket_watch_ = nullptr;
  if (bodies_->socket().inherited()) return;
  socket_watch_ = std::make_unique<FileWatch>(loop_, bodies_->socket().path(),
                                              [this] { OnSocketFile(); });
  OnSocketFile();  // between the two
}

void Head::OnSocketFile() {
  const bool there = bodies_ == nullptr || bodies_->socket().FileIsOurs();
  if (std::exchange(socket_there_, there) == there || there) return;
  Log(Severity::kError, "the socket ", options_.socket,
      " was removed or replaced, nobody can connect to head any more; ",
      terminal_.client() == nullptr ? "SIGHUP puts it back"
                                    : "start head again");
}

}  // namespace deptyr
