// Client sockets: the protocols that are spoken there, and one socket as the
// command line says it (--raw, --uwsgi, --client-dir), with how its clients are
// treated.
//
//   ASSIGN_OR_RETURN(ListenerSpec spec, ParseListener("/run/a.sock=build"));
//   spec.policy.read_only = true;
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/clients/allow.h"
#include "lib/session/session_client.h"

namespace deptyr {

class ClientProtocol;

// The first output that a new client is sent.
enum class Shows {
  kScreen,   // what makes the screen as it is
  kHistory,  // what the present program wrote, as far as the ring has it
  kNothing,
};

// A client may go when the program ends that it watches.
enum class OnEnd {
  kStay,   // it is shown the next one
  kClose,  // it gets all output, and is closed
};

struct ClientPolicy {
  ClientKind kind = ClientKind::kRaw;
  Shows shows = Shows::kScreen;
  bool read_only = false;
  bool allow_signals = false;  // to anybody who may connect
  bool asks_size = false;      // of a raw client's terminal, in band
  OnEnd on_end = OnEnd::kStay;
  std::string greeting = {};  // sent before anything else
  // Without rules, whoever may connect may do everything but signal.
  AllowRules allow = {};
  // Input that was sent before a close is typed.  A router's program ends with
  // the connection instead.
  bool type_after_close = true;
};

// A new protocol takes a line in kSocketProtocols, and a file with its class
// (lib/clients/client_protocol.h).  The option of head and router, the socket
// in --client-dir, reports and the log follow from that line.  The upgrade's
// state (SocketClientState) only tells raw and uwsgi apart: a third protocol
// needs a field there, or its clients would be taken for raw ones.
struct SocketProtocol {
  ClientKind kind;
  // The option that opens such a socket, the suffix in --client-dir, and the
  // kind that reports and the log tell.
  const char* name;
  const char* help;
  std::unique_ptr<ClientProtocol> (*make)(ClientPolicy policy);
};

std::unique_ptr<ClientProtocol> MakeRawProtocol(ClientPolicy policy);
std::unique_ptr<ClientProtocol> MakeUwsgiProtocol(ClientPolicy policy);

inline constexpr SocketProtocol kSocketProtocols[] = {
    {ClientKind::kRaw, "raw", "clients that send and get plain bytes",
     MakeRawProtocol},
    {ClientKind::kUwsgi, "uwsgi", "clients that send uwsgi packets",
     MakeUwsgiProtocol},
};

// `kind` must be that of a socket protocol.
const SocketProtocol& ProtocolOf(ClientKind kind);
absl::string_view NameOf(ClientKind kind);

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
