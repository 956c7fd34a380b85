// deptyr attach: shows a session on the user's terminal, or, where standard
// input and output are something else, passes its bytes through.
//
// All that is typed goes to the program, except the detach key.  The client
// stays until it is detached, while programs and heads come and go; with
// `once`, it stays until the program has ended.
#pragma once

#include <cstddef>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/attach/session_address.h"

namespace deptyr {

struct AttachOptions {
  SessionAddress where;
  std::string detach_keys;  // as ParseDetachKeys() makes them
  // How long head may be away; with zero, the client ends when head goes away.
  absl::Duration wait = absl::Seconds(30);
  size_t scrollback = 0;  // how many lines that have left the screen to show
  bool read_only = false;
  bool kick = false;
  bool exclusive = false;  // nobody else types meanwhile
  // The key that takes the keys, asks for them or gives them; as detach_keys.
  std::string writer_keys = {};
  bool quiet = false;
  bool once = false;
  bool proxies_signals = false;
  // The pidfd of the program, if it is a child of this process, which reaps it
  // then.  With `once` nobody else has to report its exit status.
  int child = -1;
  // Called when head has taken the client for the first time.
  absl::AnyInvocable<void() const> once_attached = {};
};

struct AttachResult {
  int status = 0;    // the exit status
  std::string line;  // what to tell the user; may be empty
};

// Blocking.  An error says why the client couldn't attach or stay.
absl::StatusOr<AttachResult> RunAttach(const AttachOptions& options);

}  // namespace deptyr
