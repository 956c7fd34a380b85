// A socket where clients may connect, as the command line says it (--raw,
// --uwsgi, --client-dir), and how those clients are treated.
//
//   ASSIGN_OR_RETURN(ListenerSpec spec, ParseListener("/run/a.sock=build"));
//   spec.policy.read_only = true;
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/clients/allow.h"
#include "lib/clients/client_kinds.h"

namespace deptyr {

// The first output that a new client is sent.
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
  // Input that was sent before a close is typed.  A router's program ends with
  // the connection instead.
  bool type_after_close = true;
};

struct ListenerSpec {
  std::string address = {};  // lib/sys/address.h
  std::string session = {};  // "": the one there is, else the latest
  ClientPolicy policy = {};
  bool allow_remote = false;
};

// Sockets DIR/SESSION.raw and DIR/SESSION.uwsgi for every session.
struct ClientDirSpec {
  std::string dir;
  ClientPolicy policy;  // its kind means nothing
};

// "ADDRESS" or "ADDRESS=SESSION".
absl::StatusOr<ListenerSpec> ParseListener(absl::string_view text);

}  // namespace deptyr
