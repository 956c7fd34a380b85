#include "lib/attach/ask.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "lib/attach/connection.h"
#include "lib/attach/waiting.h"
#include "lib/base/status.h"
#include "lib/sys/event_loop.h"

namespace deptyr {
namespace {

class Answer final : public HeadConnection::Listener {
 public:
  Answer(const std::string& path,
         absl::FunctionRef<bool(const HeadMessage&)> take)
      : path_(path), take_(take) {}

  void OnMessage(HeadMessage message) override {
    if (end_) return;
    if (const auto* refused = std::get_if<Refused>(&message)) {
      return OnEnd(RefusalError(*refused, path_));
    }
    if (take_(message)) OnEnd(absl::OkStatus());
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
                      absl::Duration patience) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path));
  Answer answer(path, take);
  HeadConnection connection(*loop, std::move(socket), answer);
  Timer timeout;
  Timer waiting;
  if (patience < absl::InfiniteDuration()) {
    waiting = SayWaiting(*loop, kHeadsAnswer);
    timeout = loop->After(
        patience, [&] { answer.OnEnd(connection.NoAnswer(path, patience)); });
  }
  connection.Send(first);
  while (!answer.end()) RETURN_IF_ERROR(loop->RunOnce());
  return *answer.end();
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
