// Asks head questions from within an event loop, one after the other.
//
//   Inquiry inquiry(loop, path);
//   inquiry.Ask({.what = "sessions", .fields = {}}, [&](auto answer) {
//     done = answer.ok() && answer->items.empty();
//   });
//
// An answer may ask the next question.  An inquiry that is destroyed calls
// nobody any more.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/attach/connection.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Inquiry final : public HeadConnection::Listener {
 public:
  struct Answer {
    std::vector<KeyValues> items;
    std::string paint;
  };
  using Answered = absl::AnyInvocable<void(absl::StatusOr<Answer>)>;

  // `path` is that of head's socket.
  Inquiry(EventLoop& loop, std::string path)
      : loop_(loop), path_(std::move(path)) {}
  ~Inquiry() override { Drop(); }
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  // Calls `answered` with the answer, or with an error if head refuses, goes
  // away or says nothing for kAnswerPatience; not before this returns.  A
  // question that isn't answered yet is forgotten.
  void Ask(deptyr::Ask question, Answered answered);
  // The error if head has said nothing to a question for so long; OK if none is
  // open.
  absl::Status NoAnswer(absl::Duration waited) const;

 private:
  void OnMessage(HeadMessage message) override;
  void OnEnd(const absl::Status& why) override;
  void Deliver(absl::StatusOr<Answer> answer);
  void Drop();

  EventLoop& loop_;
  const std::string path_;
  std::unique_ptr<HeadConnection> head_;  // null until something is asked
  Answer answer_;                         // what has come of it
  Answered answered_;
  Timer waiting_;
  Timer failure_;  // or until head has been silent for too long
};

}  // namespace deptyr
