// What is typed on its way to head, and what is typed while head is away.
//
//   TypedKeys keys(attachment);
//   keys.Type("ls\r");
//   view.PauseTyping(keys.full());
//   keys.SendWaiting();                 // head is back
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/attach/attachment.h"

namespace deptyr {

class TypedKeys {
 public:
  explicit TypedKeys(Attachment& head) : head_(head) {}

  // While head is away the keys wait.
  void Type(absl::string_view bytes);
  // Nothing more is typed.  Once head has given all of it to the program, it
  // says "done".
  void End();
  void SendWaiting();
  // They were for a program that has gone.
  void ForgetWaiting() { waiting_.clear(); }
  void OnAway();

  // There is more than should wait: no more should be read.
  bool full() const;
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
