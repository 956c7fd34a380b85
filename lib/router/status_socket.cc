#include "lib/router/status_socket.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"

namespace deptyr {
namespace {

// Those who ask say so at once, and leave.
constexpr size_t kMostAskers = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<StatusSocket>> StatusSocket::Open(
    EventLoop& loop, const std::string& path, Report report) {
  ASSIGN_OR_RETURN(ListeningSocket socket, Listen(path, SocketRights{}));
  return std::unique_ptr<StatusSocket>(
      new StatusSocket(loop, std::move(socket), std::move(report)));
}

StatusSocket::StatusSocket(EventLoop& loop, ListeningSocket socket,
                           Report report)
    : loop_(loop),
      report_(std::move(report)),
      acceptor_(loop, std::move(socket), [this](Fd connection) {
        OnConnection(std::move(connection));
      }) {}

void StatusSocket::OnConnection(Fd connection) {
  auto identity = IdentifyPeer(connection.get());
  if (!identity.ok() || askers_.size() >= kMostAskers) return;
  QueryConnection::Owner& owner = *this;
  auto asker = std::make_unique<QueryConnection>(
      loop_, owner, counts_, std::move(connection), *std::move(identity), "");
  const QueryConnection* const key = asker.get();
  askers_.emplace(key, std::move(asker));
}

void StatusSocket::OnQuestion(QueryConnection& asker, const Ask& question) {
  if (question.version != kProtocolVersion) {
    return asker.Refuse(
        kRefusedVersion,
        absl::StrCat("the router speaks version ", kProtocolVersion,
                     " of the protocol, not ", question.version));
  }
  if (question.what != "router") {
    return asker.Refuse(kRefusedWrongSocket,
                        "this is a router's status socket, and no head's; ask "
                        "it by deptyr status --router");
  }
  std::string answer;
  for (KeyValues& item : report_()) {
    answer += Encode(Item{.fields = std::move(item)});
  }
  asker.Say(answer + Encode(Done{}));
}

void StatusSocket::OnQueryDone(QueryConnection& asker) {
  // It is on the stack.
  loop_.DestroyLater(std::move(askers_.extract(&asker).mapped()));
}

}  // namespace deptyr
