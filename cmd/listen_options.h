// The options of head and router that say where clients connect.  Options that
// say how (--read-only, ...) apply to the listeners named after them.
#pragma once

#include <vector>

#include "cmd/options.h"
#include "lib/clients/listener_spec.h"

namespace deptyr {

struct ListenOptionsState {
  std::vector<ListenerSpec>* listeners;
  ClientPolicy policy = {};
  bool allow_remote = false;
  bool name_sessions = true;  // ADDRESS[=SESSION], not ADDRESS alone
};

// `state` must live as long as `options`.
void AddListeners(Options& options, ListenOptionsState& state);

}  // namespace deptyr
