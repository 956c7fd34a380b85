#include "lib/attach/connection.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/environment.h"
#include "lib/base/status.h"
#include "lib/sys/head_socket.h"
#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

constexpr std::pair<const char*, const char*> kHints[] = {
    {kRefusedVersion, "restart the older of the two"},
    {kRefusedMalformed,
     "if head is older than this deptyr, deptyr upgrade replaces it"},
    {kRefusedNotOwner, "ask as that user, or as root"},
    {kRefusedLimit, "head's log says which; try again later"},
    {kRefusedStopping, "try again when the next head is there"},
};

}  // namespace

absl::StatusOr<std::string> FindHead(const std::string& named) {
  std::string path = HeadSocket(named);
  const std::vector<std::string> usual = UsualHeadSockets();
  // If there is only one path, the attempt to connect says more.
  if (!named.empty() || usual.size() == 1 || IsSocket(path)) return path;
  return absl::UnavailableError(
      absl::StrCat("no head at ", absl::StrJoin(usual, " or "),
                   "; start one with deptyr head or deptyr run, or name its "
                   "HEAD-SOCKET"));
}

std::string OwnSession(const std::string& head) {
  return IsSameFile(FromEnvironment("DEPTYR_SOCKET"), head)
             ? FromEnvironment("DEPTYR_SESSION")
             : "";
}

absl::StatusOr<Fd> ConnectToHead(const std::string& path,
                                 absl::Duration timeout) {
  ASSIGN_OR_RETURN(Fd socket, Connect(path, timeout));
  RETURN_IF_ERROR(SetNonBlocking(socket.get()));
  return socket;
}

absl::Status RefusalError(const Refused& refused, const std::string& path) {
  std::string text = absl::StrCat("head refused: ", refused.text);
  // Perhaps another head has it.
  if (refused.code == kRefusedNoSession) {
    return absl::NotFoundError(
        absl::StrCat(text, "; the head at ", path, " was asked"));
  }
  for (const auto& [code, hint] : kHints) {
    if (code == refused.code) absl::StrAppend(&text, "; ", hint);
  }
  return absl::FailedPreconditionError(text);
}

bool MaySoonBeTaken(const Refused& refused) {
  return refused.code == kRefusedStopping || refused.code == kRefusedNoSession;
}

HeadConnection::HeadConnection(EventLoop& loop, Fd socket, Listener& listener)
    : socket_(std::move(socket)), listener_(listener), outbox_(0) {
  watch_ = loop.Add(socket_.get(), Interest::kRead,
                    [this](Ready ready) { OnReady(ready); });
}

void HeadConnection::Send(const HeadMessage& message) {
  if (ended_ || closes_) return;
  outbox_.Append(Encode(message));
  Flush();
}

absl::Status HeadConnection::NoAnswer(const std::string& path,
                                      absl::Duration waited) const {
  return absl::UnavailableError(deptyr::NoAnswer(socket_.get(), path, waited));
}

void HeadConnection::SendKeys(absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, kLongestOutput);
    Send(Keys{std::string(part)});
    bytes.remove_prefix(part.size());
  }
}

void HeadConnection::CloseSending() {
  if (ended_ || closes_) return;
  closes_ = true;
  Flush();
}

void HeadConnection::CloseReceiving() {
  ShutDownReading(socket_.get());
}

void HeadConnection::Pause(bool pause) {
  if (ended_ || paused_ == pause) return;
  paused_ = pause;
  if (!paused_) Deliver();
  UpdateInterest();
}

void HeadConnection::UpdateInterest() {
  if (ended_) return;
  if (unsent() > 0) {
    watch_.Set(paused_ ? Interest::kWrite : Interest::kReadWrite);
  } else {
    watch_.Set(paused_ ? Interest::kNone : Interest::kRead);
  }
}

void HeadConnection::OnReady(Ready ready) {
  if (ready.writable && unsent() > 0) {
    Flush();
    listener_.OnSent();
  }
  if (!ended_ && ready.readable && !paused_) Read();
}

void HeadConnection::Flush() {
  const IoResult wrote = WriteSome(socket_.get(), outbox_.bytes());
  outbox_.Consume(wrote.bytes);
  // Head's last words may still be there to be read, and they tell more than a
  // failed write.
  if (wrote.state == IoState::kEnd || wrote.state == IoState::kError) {
    outbox_.Clear();
  }
  if (closes_ && unsent() == 0) ShutDownWriting(socket_.get());
  UpdateInterest();
}

void HeadConnection::Read() {
  std::array<char, 65536> room;
  const IoResult got = ReadSome(socket_.get(), room);
  if (got.state == IoState::kWouldBlock) return;
  if (got.state != IoState::kDone) {
    return End(absl::UnavailableError("head went away"));
  }
  inbox_.Append({room.data(), got.bytes});
  Deliver();
}

void HeadConnection::Deliver() {
  if (delivering_) return;
  delivering_ = true;
  while (!paused_ && !ended_) {
    auto message = inbox_.Take();
    if (!message.ok()) {
      End(absl::FailedPreconditionError(
          absl::StrCat("whoever serves the socket is not a deptyr head: ",
                       message.status().message(),
                       "; if it is a socket for clients, name head's own")));
      break;
    }
    if (!message->has_value()) break;
    listener_.OnMessage(**std::move(message));
  }
  delivering_ = false;
}

void HeadConnection::Close() {
  ended_ = true;
  watch_.Reset();
}

void HeadConnection::End(const absl::Status& why) {
  Close();
  listener_.OnEnd(why);
}

}  // namespace deptyr
