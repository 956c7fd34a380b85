// The protocols of client sockets.  A new one takes a line in kSocketProtocols,
// and a file with its class (lib/clients/client_protocol.h).  The option of
// head and router, the socket in --client-dir, reports and the log follow from
// that line.  The upgrade's state (SocketClientState) only tells raw and uwsgi
// apart: a third protocol needs a field there, or its clients would be taken
// for raw ones.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>

#include "absl/strings/string_view.h"

#include "lib/session/session_client.h"

namespace deptyr {

class ClientProtocol;
struct ClientPolicy;

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
inline const SocketProtocol& ProtocolOf(ClientKind kind) {
  return *std::find_if(
      std::begin(kSocketProtocols), std::end(kSocketProtocols),
      [kind](const SocketProtocol& one) { return one.kind == kind; });
}

inline absl::string_view NameOf(ClientKind kind) {
  if (kind == ClientKind::kTerminal) return "terminal";
  if (kind == ClientKind::kAttach) return "attach";
  return ProtocolOf(kind).name;
}

}  // namespace deptyr
