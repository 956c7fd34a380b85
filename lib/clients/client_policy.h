// How the clients of a socket are treated, as options of head and router say.
#pragma once

#include "lib/clients/allow.h"
#include "lib/clients/client_kinds.h"

namespace deptyr {

// What a new client is sent first.
enum class Shows {
  kScreen,   // what makes the screen as it is
  kHistory,  // what the present program wrote, as far as the ring has it
  kNothing,
};

struct ClientPolicy {
  ClientKind kind = ClientKind::kRaw;
  Shows shows = Shows::kScreen;
  bool read_only = false;
  bool allow_signals = false;  // to anybody who may connect
  // Without rules, whoever may connect may do everything but signal.
  AllowRules allow = {};
  // What was sent before a close is typed.  A router's program ends with the
  // connection instead.
  bool type_after_close = true;
};

}  // namespace deptyr
