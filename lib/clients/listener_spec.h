// Where clients may connect, as the command line says it: --raw, --uwsgi and
// --client-dir, each with the policy that holds for it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/clients/client_policy.h"

namespace deptyr {

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
