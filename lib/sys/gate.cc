#include "lib/sys/gate.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "lib/base/status.h"

namespace deptyr {
namespace {

constexpr char kGo[] = "go";
// No word is this: it would be a session's name.
constexpr char kFailed[] = "!";

}  // namespace

absl::StatusOr<Gate> Gate::Create() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) !=
      0) {
    return Errno("make a pair of sockets");
  }
  return Gate(Fd(ends[0]), Fd(ends[1]));
}

bool Gate::Pass(absl::string_view word) {
  parent_.Reset();  // or the parent's end would stay open without it
  Send(child_.get(), word);
  return Receive(child_.get()) == kGo;
}

void Gate::Fail() {
  Send(child_.get(), kFailed);
}

std::optional<std::string> Gate::AwaitWord() {
  child_.Reset();
  std::string word = Receive(parent_.get());
  if (word.empty() || word == kFailed) return std::nullopt;
  return word;
}

void Gate::Open() {
  Send(parent_.get(), kGo);
}

bool Gate::AwaitExec() {
  return Receive(parent_.get()).empty();
}

std::string Gate::Receive(int socket) {
  std::array<char, 256> room;
  const ssize_t size =
      TEMP_FAILURE_RETRY(::recv(socket, room.data(), room.size(), 0));
  return size <= 0 ? "" : std::string(room.data(), static_cast<size_t>(size));
}

void Gate::Send(int socket, absl::string_view message) {
  (void)TEMP_FAILURE_RETRY(
      ::send(socket, message.data(), message.size(), MSG_NOSIGNAL));
}

}  // namespace deptyr
