// Sends what is typed to head, and keeps it while head is away.
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
  // Leaves room for a paste while the program doesn't read; head's own terminal
  // has the same limit.
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
  // Call it when nothing more will be typed.  Head says "done" once it has
  // given everything to the program.
  void End() {
    ended_ = true;
    if (!head_.away()) head_.CloseSending();
  }
  void SendWaiting() {
    Type(std::exchange(waiting_, ""));
    if (ended_) End();
  }
  // Forgets the keys that wait: they were for a program that has gone.
  void ForgetWaiting() { waiting_.clear(); }
  void OnAway() { may_be_lost_ |= std::exchange(sent_, false); }

  // Whether as many bytes wait as may.  Then no more should be read, not even
  // to find the detach key.
  bool full() const {
    return (head_.away() ? waiting_.size() : head_.unsent()) >= kMost;
  }
  // Whether a head that went away had been sent keys and hadn't said "done".
  bool may_be_lost() const { return may_be_lost_; }

 private:
  Attachment& head_;
  std::string waiting_;
  bool ended_ = false;
  bool sent_ = false;  // to this head
  bool may_be_lost_ = false;
};

}  // namespace deptyr
