// What is typed on its way to head, and what is typed while head is away.
//
//   TypedKeys keys(attachment);
//   keys.Type("ls\r");
//   view.PauseTyping(keys.full());
//   keys.SendWaiting();  // head is back
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"

#include "lib/attach/attachment.h"

namespace deptyr {

class TypedKeys {
 public:
  // As for head's own terminal: a paste for a program that doesn't read.
  static constexpr size_t kMost = 1 << 20;

  explicit TypedKeys(Attachment& head) : head_(head) {}

  // While head is away the keys wait.
  void Type(absl::string_view bytes) {
    if (bytes.empty()) return;
    if (head_.away()) {
      waiting_.append(bytes.data(), bytes.size());
    } else {
      head_.SendKeys(bytes);
      sent_ = true;
    }
  }
  // Nothing more is typed.  Once head has given all of it to the program, it
  // says "done".
  void End() {
    ended_ = true;
    if (!head_.away()) head_.CloseSending();
  }
  void SendWaiting() {
    Type(std::exchange(waiting_, ""));
    if (ended_) End();
  }
  // They were for a program that has gone.
  void ForgetWaiting() { waiting_.clear(); }
  void OnAway() { may_be_lost_ |= std::exchange(sent_, false); }

  // As much waits as may: no more should be read, not even for the detach key.
  bool full() const {
    return (head_.away() ? waiting_.size() : head_.unsent()) >= kMost;
  }
  // A head that went away had been sent some, and didn't say "done".
  bool may_be_lost() const { return may_be_lost_; }

 private:
  Attachment& head_;
  std::string waiting_;
  bool ended_ = false;
  bool sent_ = false;  // to this head
  bool may_be_lost_ = false;
};

}  // namespace deptyr
