// The part of a ConnectedClient (lib/clients/connected_client.h) that differs
// from protocol to protocol.  One object serves one client.
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
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/clients/client.h"
#include "lib/session/session.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/messages.h"
#include "lib/wire/rights.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class ConnectedClient;

class ClientProtocol {
 public:
  virtual ~ClientProtocol() = default;

  virtual ClientKind kind() const = 0;
  // A client that gets packets is told why it has to leave, and reconnects by
  // itself if head goes away.  A client that gets plain bytes sees an end of
  // file before the close, and is looked at before it is served (opening.h).
  virtual Client::Output output() const = 0;
  // Whether input that came before a close is typed.
  virtual bool types_after_close() const { return true; }
  virtual bool came_back() const { return false; }   // it has done so
  virtual std::string inside() const { return ""; }  // ClientInfo has it
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

  // Client::Room(), border() and EncodeDrawing().
  virtual std::optional<WindowSize> Room() const { return std::nullopt; }
  virtual Border border() const { return Border::kNone; }
  virtual std::string EncodeDrawing(std::string drawing, uint64_t) const {
    return drawing;
  }
  // Client::SkipAhead().
  virtual std::optional<uint64_t> SkipAhead(ConnectedClient& client) = 0;
  // kStarted, kEnded, kStatus or kResized, at the end of the stream.
  virtual void OnChange(ConnectedClient&, Change::Kind) {}
  // Head is about to end.
  virtual void OnStopping(ConnectedClient&) {}

  // --- for the program that takes over, and from the one before

  // Adds the client to those in `head`.
  virtual void Save(const ConnectedClient& client, HeadState& head) const = 0;
  // `told` is the size there; the first bytes of the inbox there bring this
  // object to the same point of its input.
  virtual void Resume(ConnectedClient&, WindowSize /*told*/) {}
};

// Those of client sockets are in lib/clients/listener_spec.h.  In head's own
// the client has `rights` in its session, unless it wishes to do less;
// `done_said` if another program served it and has said `done`.
std::unique_ptr<ClientProtocol> MakeDeptyrProtocol(Rights rights, Attach wish,
                                                   bool done_said = false);

}  // namespace deptyr
