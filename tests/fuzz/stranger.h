// A process of its own for the price of a thread: it shares our memory and our
// descriptors, but the kernel tells whom it connects to that it is another
// process, and it can be killed.  Thousands a second, where a fork would cost
// milliseconds.
//
//   Stranger body(path, kOtherUser);
//   ... body.connection() ...
//   body.End();
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "lib/sys/fd.h"

namespace deptyr {

// The users of connections and strangers, if the fuzzer is root.
inline constexpr uid_t kOurUser = 0;
inline constexpr uid_t kOtherUser = 12345;

// Returns a non-blocking connection, which isn't valid if nobody takes it.
Fd ConnectTo(const std::string& path, uid_t uid = kOurUser);

class Stranger {
 public:
  // Connects, and then does nothing for ever.
  Stranger(const std::string& path, uid_t uid);
  Stranger();  // only that
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() { End(); }

  Fd TakeConnection() { return std::move(connection_); }
  Fd Pidfd() const;
  // Kill() only kills it; End() reaps it, too.
  void Kill();
  void End();

 private:
  struct Task;
  static int Live(void* given);
  void Start(Task& task);

  Fd connection_;
  pid_t pid_ = -1;
  char* stack_ = nullptr;
};

}  // namespace deptyr
