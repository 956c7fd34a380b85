// The options by which head and router say where clients connect.  Those that
// say how (--read-only, ...) hold for the listeners named after them.
#pragma once

#include <vector>

#include "cmd/options.h"
#include "lib/clients/listener_spec.h"

namespace deptyr {

struct ListenOptionsState {
  std::vector<ListenerSpec>* listeners;
  ClientPolicy policy = {};
  bool allow_remote = false;
  bool name_sessions = true;  // ADDRESS[=SESSION], or ADDRESS alone
};

// `state` must live as long as `options`.
void AddListeners(Options& options, ListenOptionsState& state);

}  // namespace deptyr
