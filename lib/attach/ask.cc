#include "lib/attach/ask.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "lib/attach/connection.h"
#include "lib/attach/waiting.h"
#include "lib/base/status.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd_passing.h"

namespace deptyr {
namespace {

class Answer final : public HeadConnection::Listener {
 public:
  Answer(const std::string& path,
         absl::FunctionRef<bool(const HeadMessage&)> take)
      : path_(path), take_(take) {}

  void OnMessage(HeadMessage message) override {
    if (end_) return;
    if (take_(message)) return OnEnd(absl::OkStatus());
    if (const auto* refused = std::get_if<Refused>(&message)) {
      OnEnd(RefusalError(*refused, path_));
    }
  }
  void OnEnd(const absl::Status& end) override {
    if (!end_) end_ = end;
  }
  const std::optional<absl::Status>& end() const { return end_; }

 private:
  const std::string& path_;
  absl::FunctionRef<bool(const HeadMessage&)> take_;
  std::optional<absl::Status> end_;
};

}  // namespace

absl::Status Converse(const std::string& path, const HeadMessage& first,
                      absl::FunctionRef<bool(const HeadMessage&)> take,
                      absl::Duration patience, int passed) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path));
  Answer answer(path, take);
  // If head has closed it already, it has said why.
  if (passed >= 0) (void)SendWithFd(socket.get(), Encode(first), passed);
  HeadConnection connection(*loop, std::move(socket), answer);
  Timer timeout;
  Timer waiting;
  absl::Status silent;
  if (patience < absl::InfiniteDuration()) {
    // Our terminal may be the one that is passed, which nobody reads now.
    if (passed < 0) waiting = SayWaiting(*loop, kHeadsAnswer);
    timeout = loop->After(patience, [&] {
      silent = connection.NoAnswer(path, patience);
      connection.CloseReceiving();
    });
  }
  if (passed < 0) connection.Send(first);
  while (!answer.end()) RETURN_IF_ERROR(loop->RunOnce());
  return answer.end()->ok() || silent.ok() ? *answer.end() : silent;
}

absl::Status AskHead(const std::string& head, Ask question,
                     absl::FunctionRef<void(const HeadMessage&)> take,
                     absl::Duration patience) {
  ASSIGN_OR_RETURN(const std::string path, FindHead(head));
  return Converse(
      path, std::move(question),
      [&take](const HeadMessage& said) {
        const bool done = std::holds_alternative<Done>(said);
        if (!done) take(said);
        return done;
      },
      patience);
}

absl::StatusOr<std::vector<KeyValues>> AskForItems(const std::string& head,
                                                   Ask question) {
  std::vector<KeyValues> items;
  RETURN_IF_ERROR(
      AskHead(head, std::move(question), [&](const HeadMessage& said) {
        if (const auto* item = std::get_if<Item>(&said)) {
          items.push_back(item->fields);
        }
      }));
  return items;
}

}  // namespace deptyr
