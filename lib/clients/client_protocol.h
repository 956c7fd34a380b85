// The protocol that a connected client speaks: the part of ConnectedClient
// (lib/clients/connected_client.h) that differs from protocol to protocol.  One
// object serves one client.
//
//   class Shouting final : public RawProtocol {
//    public:
//     using RawProtocol::RawProtocol;
//     bool Take(ConnectedClient& client, absl::string_view& bytes) override {
//       client.TypeIfAllowed(absl::AsciiStrToUpper(bytes));
//       bytes = "";
//       return true;
//     }
//   };
//
// The client calls these functions, never for single bytes, and none of them
// may destroy the client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/clients/client.h"
#include "lib/clients/client_kinds.h"
#include "lib/session/session.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/rights.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class ConnectedClient;

class ClientProtocol {
 public:
  virtual ~ClientProtocol() = default;

  virtual ClientKind kind() const = 0;
  // A packet can say that it is the last.  A client that gets plain bytes isn't
  // known when it connects: it is looked at before it is served
  // (lib/clients/opening.h), and it sees an end of file before the close.
  virtual Client::Output output() const = 0;
  // Whether input that came before a close is typed.
  virtual bool types_after_close() const { return true; }
  // SessionClient::ComesBack() and CameBack() return these.
  virtual bool comes_back() const { return false; }
  virtual bool came_back() const { return false; }
  // The rights of a client of this identity in this session.
  virtual Rights RightsIn(
      const Session& session,
      const std::optional<PeerIdentity>& identity) const = 0;

  // Has the session attach the client.
  virtual void Join(ConnectedClient& client, Session& session) = 0;
  // Removes the first thing that the client says from `bytes`, which aren't
  // empty, and acts on it.  False if it isn't complete yet.
  virtual bool Take(ConnectedClient& client, absl::string_view& bytes) = 0;
  // The client says nothing more, and all it said is typed.
  virtual void OnInputOver(ConnectedClient&) {}

  // Client::SkipAhead() for a client that hasn't begun, and for others.
  virtual std::optional<uint64_t> Begin(ConnectedClient& client) = 0;
  virtual std::optional<uint64_t> SkipAhead(ConnectedClient& client) = 0;
  // kStarted, kEnded, kStatus or kResized, at the end of the stream.
  virtual void OnChange(ConnectedClient&, Change::Kind) {}
  // Head is about to end.
  virtual void OnStopping(ConnectedClient&) {}
  // The last words to a client that has to leave; "" where the protocol has
  // none.
  virtual std::string Refusal(absl::string_view /*code*/,
                              absl::string_view /*text*/) const {
    return "";
  }

  // --- for the program that takes over, and from the one before

  // Adds the client to those in `head`.
  virtual void Save(const ConnectedClient& client, HeadState& head) const = 0;
  // Bytes that bring another object to the same point of its input.
  virtual std::string Pending() const { return ""; }
  // The size that the client told last, as far as that isn't the session's
  // business yet.
  virtual WindowSize told() const { return {.rows = 0, .cols = 0}; }
  virtual void Resume(ConnectedClient&, WindowSize /*told*/) {}
};

}  // namespace deptyr
