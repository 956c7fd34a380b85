// A client at a socket, raw or uwsgi-framed: somebody's terminal, a script,
// uWSGI's own --pty-connect and --pty-uconnect.
//
//   raw            bytes both ways, nothing else
//   uwsgi-framed   packets up (lib/wire/uwsgi.h), raw bytes down
//
// A half-close says "no more input"; output goes on.  A close detaches, once
// all that was sent before it is typed; the program never hears of it.
//
// Who speaks another protocol is told so, in that one, and has to leave, before
// a byte of it reaches the program (lib/wire/protocol_detection.h).  So a new
// connection is sent nothing for kOpeningTime, or until it says something: the
// answer shall be the first that it reads.  What it says first is held back
// while it may still become such a protocol, kUndecidedTime at most.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lib/clients/allow.h"
#include "lib/clients/client.h"
#include "lib/clients/refusals.h"
#include "lib/session/session.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {

enum class Framing { kRaw, kUwsgi };

// What a new client is sent first.
enum class Shows {
  kScreen,   // what makes the screen as it is
  kHistory,  // what the present program wrote, as far as the ring has it
  kNothing,
};

struct ClientPolicy {
  Framing framing = Framing::kRaw;
  Shows shows = Shows::kScreen;
  bool read_only = false;
  bool allow_signals = false;  // to anybody who may connect
  // Who may do what; none: who may connect may all but signal.
  AllowRules allow = {};
  // Who closes means what was sent before.  Not so where the program ends with
  // the connection.
  bool type_after_close = true;
};

inline constexpr absl::Duration kOpeningTime = absl::Milliseconds(50);
inline constexpr absl::Duration kUndecidedTime = absl::Milliseconds(200);

// Whose clients they are: a head's, a router's.
struct ClientHost {
  Refusals& refusals;
  // What those are told who speak head's own protocol.
  std::string wrong_socket;
};

class SocketClient final : public Client {
 public:
  // `identity`: nothing where the kernel can't tell (TCP).  `gone` is called
  // once, at the end; it must not destroy the client.
  SocketClient(EventLoop& loop, const ClientHost& host, Fd connection,
               ClientPolicy policy, std::optional<PeerIdentity> identity,
               absl::AnyInvocable<void(SocketClient&)> gone);
  ~SocketClient() override;

  // One that another program served until now.
  SocketClient(EventLoop& loop, const ClientHost& host,
               const SocketClientState& state,
               std::optional<PeerIdentity> identity,
               absl::AnyInvocable<void(SocketClient&)> gone);
  SocketClientState Save() const;

  // What it may do there.
  Rights RightsIn(const Session& session) const;
  const std::optional<PeerIdentity>& identity() const { return identity_; }

  // Watches this session from now on.  Before, and while its program doesn't
  // run, input is read and dropped.
  void Join(Session& session);
  // Ends when all output so far is delivered.
  void CloseWhenServed();
  void End();
  // Bytes read or written since the client came.
  uint64_t traffic() const { return received_ + cursor(); }

  ClientInfo Info() const override;
  void Kick(absl::string_view why) override;
  std::optional<uint64_t> SkipAhead(const Ring& ring) override;
  void WaitForRoom(bool wait) override;
  void OnGone() override { OnClosed(); }
  void OnInputUnblocked() override { Advance(); }

 private:
  void OnReady(Ready ready);
  void OnClosed();
  void OnAbandoned() override { End(); }
  bool reading() const;
  bool May(Right right) const { return RightsIn(*session()).Has(right); }
  void Receive();
  void Advance();
  // Looks at how the connection begins; false while that is undecided, and when
  // it was refused.
  bool Begin();
  void StopSilence();
  // `answer` is the last it is sent; what it still sends is thrown away.
  void Refuse(absl::string_view code, absl::string_view why,
              absl::string_view answer);
  void Take(const FramedInput& input);
  void TakeSignal(int number);
  void TakeSize(std::optional<uint16_t>& side, uint16_t value);
  void ApplySize();
  std::optional<uint64_t> PlainBeginning(const Session& session) const;
  std::optional<uint64_t> InsertBeginning(Session& session);
  void WatchForClose(absl::Duration pause);
  void SayGoodbye();
  void Linger();
  // Interest, or the end.
  void Update();

  const ClientHost& host_;
  Fd connection_;
  const ClientPolicy policy_;
  const std::optional<PeerIdentity> identity_;
  absl::AnyInvocable<void(SocketClient&)> gone_;
  FramedDecoder decoder_;
  std::string inbox_;    // read, not decoded
  bool opened_ = false;  // it is a client; until then inbox_ has all that came
  bool refused_ = false;
  Timer opening_;    // until it is sent something
  Timer undecided_;  // until it counts as a client
  bool input_closed_ = false;
  Timer closed_;  // until the peer is looked for
  bool wait_for_room_ = false;
  bool closing_ = false;
  bool is_over_ = false;
  Timer linger_;

  // Told, and not applied yet: 100 and 101 come as a pair, and are one change.
  std::optional<uint16_t> rows_;
  std::optional<uint16_t> cols_;
  Timer settle_;

  uint64_t received_ = 0;
  uint64_t dropped_ = 0;  // bytes and signals that weren't permitted
  uint64_t ignored_ = 0;  // packets that mean nothing
  Watch watch_;
};

}  // namespace deptyr
