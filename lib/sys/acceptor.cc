#include "lib/sys/acceptor.h"

#include "lib/base/log.h"

namespace deptyr {

constexpr int kAcceptsPerTurn = 64;
constexpr absl::Duration kPauseAfterError = absl::Milliseconds(100);

Acceptor::Acceptor(EventLoop& loop, ListeningSocket socket,
                   absl::AnyInvocable<void(Fd)> take)
    : loop_(loop), socket_(std::move(socket)), take_(std::move(take)) {
  watch_ =
      loop_.Add(socket_.fd(), Interest::kRead, [this](Ready) { OnReadable(); });
}

void Acceptor::OnReadable() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto connection = Accept(socket_.fd());
    if (!connection.ok()) {
      // Asking again at once would spin.
      if (!std::exchange(out_of_descriptors_, true)) {
        Log(Severity::kError, "can't accept connections at ", socket_.path(),
            ", they have to wait: ", connection.status().message(),
            "; raise the limit of open files (LimitNOFILE=, ulimit -n)");
      }
      watch_.Set(Interest::kNone);
      pause_ = loop_.After(kPauseAfterError,
                           [this] { watch_.Set(Interest::kRead); });
      return;
    }
    if (!connection->has_value()) {
      out_of_descriptors_ = false;
      return;
    }
    take_(**std::move(connection));
  }
}

}  // namespace deptyr
