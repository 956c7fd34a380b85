#include "lib/head/pending_connection.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/sys/fd_passing.h"
#include "lib/sys/pty.h"
#include "lib/sys/replace_self.h"

namespace deptyr {

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

PendingConnection::PendingConnection(EventLoop& loop, Owner& owner,
                                     Admission& admission,
                                     const PeerState& state,
                                     PeerIdentity identity)
    : PendingConnection(loop, owner, admission, TakeOffered(state.fd),
                        std::move(identity)) {
  inbox_.Append(state.inbox);
  session_ = state.session;
  if (state.passed >= 0) fds_.push_back(TakeOffered(state.passed));
}

PeerState PendingConnection::Save() const {
  return {.fd = connection_.get(),
          .inbox = std::string(inbox_.bytes()),
          .passed = fds_.empty() ? -1 : fds_[0].get(),
          .session = session_};
}

void PendingConnection::OnReadable() {
  std::array<char, 4096> room;
  FdMessage got = ReceiveWithFds(connection_.get(), room);
  const bool out_of_descriptors = got.out_of_descriptors();
  for (Fd& fd : got.fds) fds_.push_back(std::move(fd));
  if (got.io.state == IoState::kWouldBlock) return;
  if (got.io.state != IoState::kDone) {
    // A body that registered has executed its program by now, or died trying;
    // a peer that said nothing may have checked whether somebody listens.
    if (!registered() && (!inbox_.empty() || !fds_.empty())) {
      admission_.refusals().Note(identity_, kRefusedMalformed,
                                 "it went away amid its first message");
    }
    Done();
    return;
  }
  if (out_of_descriptors) {
    Refuse(kRefusedLimit,
           "head has no descriptor left for the one that came along; raise its "
           "limit of open files (LimitNOFILE=, ulimit -n)");
    return;
  }
  if (fds_.size() > 1) {
    Refuse(kRefusedDescriptor, "more than one descriptor came along");
    return;
  }
  for (const Fd& fd : fds_) {
    const absl::Status fits =
        admission_.CheckDescriptor(fd.get(), identity_.uid);
    if (!fits.ok()) return Refuse(fits);
  }
  inbox_.Append({room.data(), got.io.bytes});
  while (!done_) {
    auto message = inbox_.Take();
    if (!message.ok()) {
      Refuse(kRefusedMalformed, message.status().message());
      return;
    }
    if (!message->has_value()) return;
    Dispatch(**std::move(message));
  }
}

void PendingConnection::Dispatch(HeadMessage message) {
  if (auto* request = std::get_if<Register>(&message);
      request != nullptr && !registered()) {
    TakeRegister(std::move(*request));
  } else if (const auto* failure = std::get_if<ExecFailed>(&message);
             failure != nullptr && registered()) {
    owner_.OnExecFailed(*this, failure->text);
  } else if (auto* attach = std::get_if<Attach>(&message);
             attach != nullptr && !registered()) {
    if (!SpeaksOurVersion(attach->version)) return;
    RefuseUnless(owner_.OnAttach(*this, std::move(*attach)));
  } else if (auto* ask = std::get_if<Ask>(&message);
             ask != nullptr && !registered()) {
    if (!SpeaksOurVersion(ask->version)) return;
    RefuseUnless(owner_.OnAsk(*this, std::move(*ask)));
  } else {
    Refuse(kRefusedMalformed, "a message that has no place here");
  }
}

bool PendingConnection::SpeaksOurVersion(int version) {
  if (version == kProtocolVersion) return true;
  Refuse(kRefusedVersion,
         absl::StrCat("head speaks version ", kProtocolVersion,
                      " of the protocol, not ", version,
                      "; restart head or the program with the same deptyr"));
  return false;
}

std::pair<Fd, std::string> PendingConnection::Release() {
  watch_.Reset();
  auto released =
      std::make_pair(std::move(connection_), std::string(inbox_.bytes()));
  Done();
  return released;
}

void PendingConnection::TakeRegister(Register message) {
  if (!SpeaksOurVersion(message.version)) return;
  if (fds_.empty()) {
    return Refuse(kRefusedDescriptor, "no descriptor came along");
  }
  Fd controller = std::move(fds_[0]);
  fds_.clear();
  const absl::StatusOr<bool> fits = IsController(controller.get());
  if (!fits.value_or(false)) {
    return Refuse(kRefusedDescriptor,
                  fits.ok() ? "the descriptor is not a PTY's controlling end"
                            : fits.status().message());
  }
  RefuseUnless(
      owner_.OnRegister(*this, std::move(message), std::move(controller)));
}

bool PendingConnection::Accept(const std::string& session) {
  if (!Send(Accepted{.name = session})) return false;
  session_ = session;
  Wait();
  return true;
}

void PendingConnection::Refuse(absl::string_view code, absl::string_view text) {
  if (done_) return;
  admission_.refusals().Note(identity_, code, text);
  (void)Send(Refused{.code = std::string(code), .text = std::string(text)});
  Done();
}

void PendingConnection::End() {
  if (!done_) Done();
}

bool PendingConnection::Send(const HeadMessage& message) {
  const std::string bytes = Encode(message);
  // The answer is small and the first, so it fits unless nobody listens.
  const IoResult wrote = WriteSome(connection_.get(), bytes);
  return wrote.state == IoState::kDone && wrote.bytes == bytes.size();
}

void PendingConnection::Done() {
  done_ = true;
  patience_.Reset();
  watch_.Reset();
  fds_.clear();
  connection_.Reset();
  owner_.OnPendingDone(*this);
}

}  // namespace deptyr
