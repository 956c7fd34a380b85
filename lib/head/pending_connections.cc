#include "lib/head/pending_connections.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/sys/fd_passing.h"
#include "lib/sys/log_sink.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/slow_closer.h"

namespace deptyr {
namespace {

// The version that a peer's first message carries; nothing if none begins so.
std::optional<int> VersionOfFirst(const HeadMessage& message) {
  if (const auto* body = std::get_if<Register>(&message)) return body->version;
  if (const auto* adopt = std::get_if<Adopt>(&message)) return adopt->version;
  if (const auto* attach = std::get_if<Attach>(&message)) {
    return attach->version;
  }
  if (const auto* ask = std::get_if<Ask>(&message)) return ask->version;
  return std::nullopt;
}

}  // namespace

PendingConnection::PendingConnection(EventLoop& loop, Owner& owner,
                                     Admission& admission, Fd connection,
                                     PeerIdentity identity)
    : loop_(loop),
      owner_(owner),
      admission_(admission),
      connection_(std::move(connection)),
      identity_(std::move(identity)) {
  watch_ = loop.Add(connection_.get(), Interest::kRead,
                    [this](Ready) { OnReadable(); });
  Wait();
}

void PendingConnection::Wait() {
  patience_ = loop_.After(kPeerPatience, [this] {
    if (registered()) return End();
    Refuse(kRefusedTimeout, absl::StrCat("nothing to act on came within ",
                                         absl::FormatDuration(kPeerPatience)));
  });
}

PeerState PendingConnection::Save() const {
  return {.fd = connection_.get(),
          .inbox = std::string(inbox_.bytes()),
          .passed = fds_.empty() ? -1 : fds_[0].get(),
          .session = session_};
}

void PendingConnection::Resume(const PeerState& state) {
  inbox_.Append(state.inbox);
  session_ = state.session;
  if (state.passed >= 0) fds_.push_back(TakeOffered(state.passed));
}

// The kernel gives a message with a descriptor by itself, and what comes after
// it (that the program could not be executed) must not be read too late.
void PendingConnection::OnReadable() {
  constexpr int kMostReads = 4;
  Read();
  for (int reads = 1; reads < kMostReads && registered() && !done_ &&
                      BytesReadable(connection_.get()) > 0;
       ++reads) {
    Read();
  }
}

void PendingConnection::Read() {
  const absl::Status may = admission_.CheckSlowCloses(identity_.uid);
  if (!may.ok()) return registered() ? End() : Refuse(may);
  std::array<char, 4096> room;
  FdMessage got = ReceiveWithFds(connection_.get(), room);
  const bool out_of_descriptors = got.out_of_descriptors();
  bool wrong = false;
  for (Fd& fd : got.fds) {
    if (IsController(fd.get()).value_or(false) || IsLog(fd.get())) {
      fds_.push_back(std::move(fd));
    } else {
      wrong = true;
      SlowCloser::Close(identity_.uid, std::move(fd));
    }
  }
  if (got.io.state == IoState::kWouldBlock) return;
  if (got.io.state != IoState::kDone) {
    // A body that registered has executed its program by now, or died trying;
    // a peer that said nothing may have checked whether somebody listens.
    if (!registered() && (!inbox_.empty() || !fds_.empty())) {
      admission_.refusals().Note(identity_, kRefusedMalformed,
                                 "it went away amid its first message");
    }
    return End();
  }
  if (!CheckDescriptors(out_of_descriptors)) return;
  // A log that is none costs a program nothing but its log.
  if (wrong && !registered()) {
    return Refuse(kRefusedDescriptor,
                  "the descriptor is not a PTY's controlling end");
  }
  inbox_.Append({room.data(), got.io.bytes});
  while (!done_) {
    auto message = inbox_.Take();
    if (!message.ok()) {
      return Refuse(kRefusedMalformed, message.status().message());
    }
    if (!message->has_value()) return;
    Dispatch(**std::move(message));
  }
}

bool PendingConnection::CheckDescriptors(bool out_of_descriptors) {
  if (out_of_descriptors) {
    Refuse(kRefusedLimit,
           "head has no descriptor left for the one that came along; raise its "
           "limit of open files (LimitNOFILE=, ulimit -n)");
  } else if (fds_.size() > 1) {
    Refuse(kRefusedDescriptor, "more than one descriptor came along");
  } else if (!fds_.empty()) {
    const absl::Status fits =
        admission_.CheckDescriptor(fds_[0].get(), identity_.uid);
    if (!fits.ok()) Refuse(fits);
  }
  return !done_;
}

void PendingConnection::Dispatch(HeadMessage message) {
  const auto* const failure = std::get_if<ExecFailed>(&message);
  if (registered() && failure != nullptr) {
    return owner_.OnExecFailed(*this, failure->text);
  }
  const auto* const log = std::get_if<SendLog>(&message);
  if (registered() && log != nullptr && !std::exchange(has_log_, true)) {
    Fd fd = fds_.empty() ? Fd() : std::move(fds_[0]);
    fds_.clear();
    return owner_.OnLog(*this, log->style, std::move(fd));
  }
  const std::optional<int> version = VersionOfFirst(message);
  if (registered() || !version) {
    return Refuse(kRefusedMalformed, "a message that has no place here");
  }
  if (*version != kProtocolVersion) {
    return Refuse(
        kRefusedVersion,
        absl::StrCat("head speaks version ", kProtocolVersion,
                     " of the protocol, not ", *version,
                     "; restart head or the program with the same deptyr"));
  }
  const absl::Status served = Serve(std::move(message));
  if (!served.ok()) Refuse(served);
}

absl::Status PendingConnection::Serve(HeadMessage first) {
  if (auto* const attach = std::get_if<Attach>(&first)) {
    return owner_.OnAttach(*this, std::move(*attach));
  }
  if (auto* const ask = std::get_if<Ask>(&first)) {
    return owner_.OnAsk(*this, std::move(*ask));
  }
  std::optional<Fd> controller = TakeController();
  if (!controller) return absl::OkStatus();
  auto* const adopt = std::get_if<Adopt>(&first);
  absl::Status served =
      adopt != nullptr
          ? owner_.OnAdopt(*this, std::move(*adopt), *controller)
          : owner_.OnRegister(*this, std::move(std::get<Register>(first)),
                              *controller);
  SlowCloser::Close(identity_.uid, *std::move(controller));
  return served;
}

std::optional<Fd> PendingConnection::TakeController() {
  if (fds_.empty()) {
    Refuse(kRefusedDescriptor, "no descriptor came along");
    return std::nullopt;
  }
  Fd controller = std::move(fds_[0]);
  fds_.clear();
  const absl::StatusOr<bool> fits = IsController(controller.get());
  if (fits.value_or(false)) return controller;
  Refuse(kRefusedDescriptor,
         fits.ok() ? "the descriptor is not a PTY's controlling end"
                   : fits.status().message());
  return std::nullopt;
}

std::pair<Fd, std::string> PendingConnection::Release() {
  watch_.Reset();
  std::pair released(std::move(connection_), std::string(inbox_.bytes()));
  End();
  return released;
}

bool PendingConnection::Accept(const std::string& session) {
  if (!Send(Accepted{.name = session, .log = true})) return false;
  session_ = session;
  Wait();
  return true;
}

void PendingConnection::Agree(const std::string& session) {
  (void)Send(Accepted{.name = session});
  End();
}

void PendingConnection::Refuse(absl::string_view code, absl::string_view text) {
  if (done_) return;
  admission_.refusals().Note(identity_, code, text);
  (void)Send(Refused{.code = std::string(code), .text = std::string(text)});
  End();
}

bool PendingConnection::Send(const HeadMessage& message) {
  const std::string bytes = Encode(message);
  // The answer is small and the first, so it fits unless nobody listens.
  return WriteSome(connection_.get(), bytes).bytes == bytes.size();
}

// A program that dies at once may have ended before its last messages are read.
void PendingConnection::TakeLast() {
  if (!done_ && BytesReadable(connection_.get()) > 0) OnReadable();
}

void PendingConnection::End() {
  if (std::exchange(done_, true)) return;
  patience_.Reset();
  watch_.Reset();
  for (Fd& fd : fds_) SlowCloser::Close(identity_.uid, std::move(fd));
  fds_.clear();
  SlowCloser::Close(identity_.uid, std::move(connection_));
  owner_.OnPendingDone(*this);
}

PendingConnection& PendingConnections::Add(Fd connection,
                                           PeerIdentity identity) {
  auto added = std::make_unique<PendingConnection>(
      loop_, owner_, admission_, std::move(connection), std::move(identity));
  PendingConnection& result = *added;
  connections_.emplace(&result, std::move(added));
  return result;
}

absl::Status PendingConnections::MakeRoom(uid_t newcomer) {
  if (size() < most_) return absl::OkStatus();
  std::map<uid_t, std::vector<PendingConnection*>> by_user;
  for (const auto& [key, connection] : connections_) {
    if (connection->registered()) continue;
    by_user[connection->identity().uid].push_back(connection.get());
  }
  if (by_user.empty()) return absl::OkStatus();
  const auto& [uid, connections] =
      *std::ranges::max_element(by_user, {}, [](const auto& user) {
        return std::pair(!IsTrusted(user.first), user.second.size());
      });
  absl::Status why = absl::ResourceExhaustedError(absl::StrCat(
      most_, " connections have not said yet what they want, most of them of ",
      "uid ", UidText(uid),
      "; say it sooner, or start head with a larger --max-pending"));
  if (IsTrusted(uid) && !IsTrusted(newcomer)) return why;
  (*std::ranges::min_element(connections, {}, &PendingConnection::since))
      ->Refuse(why);
  return absl::OkStatus();
}

void PendingConnections::Remove(PendingConnection& connection) {
  // It is on the stack.
  loop_.DestroyLater(std::move(connections_.extract(&connection).mapped()));
}

void PendingConnections::EndRegistration(const std::string& session,
                                         const PendingConnection* next) {
  const auto found = std::ranges::find_if(connections_, [&](const auto& one) {
    return one.first->session() == session && one.first != next;
  });
  if (found == connections_.end()) return;
  PendingConnection& one = *found->second;
  one.TakeLast();  // it may be the end, and no longer be in the table
  one.End();
}

size_t PendingConnections::size() const {
  return static_cast<size_t>(std::ranges::count_if(
      connections_, [](const auto& one) { return !one.first->registered(); }));
}

std::map<uid_t, PendingConnections::Count> PendingConnections::CountByUser()
    const {
  std::map<uid_t, Count> counts;
  for (const auto& [key, connection] : connections_) {
    Count& count = counts[connection->identity().uid];
    ++count.all;
    if (!connection->registered()) ++count.silent;
  }
  return counts;
}

void PendingConnections::Save(HeadState& state) const {
  for (const auto& [key, connection] : connections_) {
    state.peers.push_back(connection->Save());
  }
}

void PendingConnections::Resume(const HeadState& state) {
  for (const PeerState& one : state.peers) {
    Add(TakeOffered(one.fd), PeerOf(one.fd).value_or(PeerIdentity()))
        .Resume(one);
  }
}

}  // namespace deptyr
