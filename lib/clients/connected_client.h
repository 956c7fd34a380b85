// A client at a socket: somebody's terminal, a script, deptyr attach.
//
// It owns the connection, holds bytes that aren't taken yet, decides when to
// read, and comes to an end.  A ClientProtocol knows what the bytes mean
// (lib/clients/client_protocol.h), a ClientTable owns clients (client_table.h).
//
// A half-close says "no more input"; output goes on.  A close detaches, once
// all that was sent before it is typed; the program never hears of it.
//
// All ways to end lead to End():
//
//   EndWhenServed()   nothing is owed any more  \   plain output: an end of
//   EndWith(words)    the last words are sent   /   file, then the peer closes
//   the peer closed   all it sent is typed
//   Kick()            at once, or by EndWith() where the protocol has words
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/clients/client.h"
#include "lib/clients/client_protocol.h"
#include "lib/clients/limits.h"
#include "lib/clients/opening.h"
#include "lib/clients/refusals.h"
#include "lib/session/session.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"

namespace deptyr {

class ConnectedClient;

// The part of a head or a router that the clients it serves know.
struct ClientHost {
  Refusals& refusals;
  UserCounts& counts;                // the clients of each user
  BacklogQuota* backlogs = nullptr;  // for Client::ChargeTo()
  // The text for peers that speak head's own protocol at a client socket.
  std::string wrong_socket = {};
  // Called once, at a client's end; it must not destroy the client.
  absl::AnyInvocable<void(const ConnectedClient&) const> gone = {};
};

class ConnectedClient final : public Client {
 public:
  // `identity` is nothing over TCP; `received` was read before.
  ConnectedClient(EventLoop& loop, const ClientHost& host, Fd connection,
                  std::unique_ptr<ClientProtocol> protocol,
                  std::optional<PeerIdentity> identity, std::string received);
  ~ConnectedClient() override;

  // Watches this session from now on.  Before that, and while its program
  // doesn't run, input is read and dropped.
  void Join(Session& session);
  const std::optional<PeerIdentity>& identity() const { return identity_; }
  Rights RightsIn(const Session& session) const {
    return protocol_->RightsIn(session, identity_);
  }
  // Bytes read or written since the client came.
  uint64_t traffic() const { return received_ + cursor(); }

  // Ends when all output so far is delivered.
  void EndWhenServed();
  // Ends when `last` is delivered, within two seconds.  Anything else that is
  // owed is dropped, and so is what the client still says.
  void EndWith(const std::string& last);
  void End();
  // Head is about to end.
  void OnStopping() { protocol_->OnStopping(*this); }

  // --- for protocols

  bool May(Right right) const { return RightsIn(*session()).Has(right); }
  void TypeIfAllowed(absl::string_view keys);
  // The client's terminal has this size.
  void ResizeIfAllowed(WindowSize size);
  void SignalIfAllowed(int number);
  // Bytes, sizes and signals that it had no right to send.
  void CountDropped(size_t count) { dropped_ += count; }
  void CountIgnored() { ++ignored_; }  // a packet that means nothing
  // Like EndWith(), but the refusal is also counted and logged.
  void Refuse(const Opening::Refusal& refusal);
  // The screen for a terminal of `room`; nothing while it waits for its turn.
  std::optional<Session::Picture> TakePicture(WindowSize room);
  // The offset at which a client that fell behind goes on without a picture.
  uint64_t SafePlace() { return *Client::SkipAhead(session()->ring()); }
  EventLoop& loop() const { return loop_; }

  // --- for the program that takes over, and from the one before

  void Save(HeadState& head) const { protocol_->Save(*this, head); }
  // Fills fields that SocketClientState and AttachClientState share.
  template <typename State>
  State SaveAs() const {
    State state;
    state.client = Client::Save();
    state.fd = connection_.get();
    state.inbox = inbox_;
    state.input_closed = input_closed_ || refused_;
    return state;
  }
  uint64_t received() const { return received_; }
  // Call this once, right after construction.
  void Resume(const ClientState& state, WindowSize told, bool input_closed,
              uint64_t received);

  ClientInfo Info() const override;
  bool ComesBack() const override {
    return protocol_->output() == Output::kPackets;
  }
  bool CameBack() const override { return protocol_->came_back(); }
  void Kick(absl::string_view why) override;
  Pumped Pump(const Ring& ring) override {
    return silent_ && OwedAnything() ? Pumped::kBlocked : Client::Pump(ring);
  }
  std::optional<uint64_t> SkipAhead(const Ring& ring) override;
  void WaitForRoom(bool wait) override;
  void OnGone() override { OnClosed(); }
  void OnInputUnblocked() override { Advance(); }
  void OnUnheard(size_t bytes) override { CountDropped(bytes); }
  void OnChange(Change::Kind kind) override;
  std::optional<WindowSize> Room() const override { return protocol_->Room(); }
  Border border() const override { return protocol_->border(); }
  std::string EncodeDrawing(std::string drawing, uint64_t to) const override {
    return protocol_->EncodeDrawing(std::move(drawing), to);
  }

 private:
  void OnReady(Ready ready);
  void OnClosed();
  bool reading() const { return !input_closed_ && !input_blocked(); }
  // Nothing more comes, and all that came is typed.
  bool input_over() const {
    return input_closed_ && inbox_.empty() && typed_all();
  }
  void Receive();
  void Advance();
  bool IsClient();  // as far as is clear by now
  void DropOpening();
  void StopSilence();
  void TakeInput();
  // Calls Advance() in the next turn.
  void GoOnSoon();
  void WatchTyping();
  void WatchForClose(absl::Duration pause);
  void SayGoodbye();
  void Linger();
  // Updates what is watched for, or ends the client.
  void Update();

  const ClientHost& host_;
  const Fd connection_;
  const std::unique_ptr<ClientProtocol> protocol_;
  const std::optional<PeerIdentity> identity_;
  const std::string network_;
  const UserCounts::Place place_;
  std::unique_ptr<Opening> opening_;  // until it is known for a client
  std::string inbox_;                 // read, not taken
  bool silent_ = false;               // it is sent nothing for now
  bool input_closed_ = false;
  bool wait_for_room_ = false;
  bool closing_ = false;  // it ends when nothing is owed
  bool refused_ = false;  // what it still says is dropped
  bool lingers_ = false;  // until the peer closes
  bool is_over_ = false;
  Timer ending_;  // until it has to be over
  Timer go_on_;
  Timer closed_;   // until the peer is looked for
  Timer abandon_;  // until a program has taken too little
  uint64_t received_;
  uint64_t dropped_ = 0;
  uint32_t ignored_ = 0;
  Watch watch_;
};

}  // namespace deptyr
