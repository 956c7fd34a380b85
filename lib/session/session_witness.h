// Hears what clients do to a session, for those who want to know who did what.
// No call may change a session or its clients.
#pragma once

#include <sys/types.h>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"

namespace deptyr {

class Session;
class SessionClient;

class SessionWitness {
 public:
  virtual ~SessionWitness() = default;

  // The client has typed these keys, which were taken.  If they are `hidden`,
  // the terminal doesn't show what is typed, as for a password.
  virtual void OnTyped(const Session& session, const SessionClient& client,
                       absl::string_view keys, bool hidden) = 0;
  // The client's terminal has this size now.
  virtual void OnSized(const Session& session, const SessionClient& client,
                       WindowSize size) = 0;
  // This user has signalled the program.
  virtual void OnSignalled(const Session& session, uid_t who, int signal) = 0;
};

}  // namespace deptyr
