// A client that speaks head's own protocol (deptyr attach, send, history, ...):
// output comes in packets, between them what happened at that place of the
// stream, and the screen as it is where that is asked for.  docs/protocol.md,
// "Attaching and asking".
//
// A half-close says "no more input", and is answered by `done`.  A close
// detaches; what was sent before it is typed.
#pragma once

#include <string>

#include "lib/clients/client.h"
#include "lib/session/session.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/wire/messages.h"

namespace deptyr {

class AttachClient final : public Client {
 public:
  // `received`: what came after the attach message.  `gone` is called once, at
  // the end; it must not destroy the client.
  AttachClient(EventLoop& loop, Fd connection, PeerIdentity identity,
               Rights rights, Attach wish, std::string received,
               absl::AnyInvocable<void(AttachClient&)> gone);
  // One that another program served until now.
  AttachClient(EventLoop& loop, const AttachClientState& state, Attach wish,
               PeerIdentity identity, Rights rights,
               absl::AnyInvocable<void(AttachClient&)> gone);
  AttachClientState Save() const;
  ~AttachClient() override;

  // Once, right after it was made.
  void Join(Session& session);

  ClientInfo Info() const override;
  bool ComesBack() const override { return true; }
  bool CameBack() const override { return wish_.stream != 0; }
  void Kick(absl::string_view why) override;
  void WaitForRoom(bool wait) override;
  void OnGone() override { End(); }
  std::optional<uint64_t> SkipAhead(const Ring& ring) override;
  void OnInputUnblocked() override { Advance(); }
  void OnProgramStarted() override;
  void OnProgramEnded(const std::string& how) override;
  void OnStatusKnown() override;
  void OnResized(WindowSize size) override;
  // Head is about to end.
  void OnStopping();

 private:
  // The messages a client gets before the stream, and where that begins.
  // Nothing while the client waits for a picture.
  struct Beginning {
    uint64_t from;
    std::string notice = {};
    std::string paint = {};
  };
  std::optional<Beginning> BeginningFor(Session& session);
  // It has all before wish_.offset.
  std::optional<Beginning> ReturnTo(Session& session);
  std::optional<Beginning> PaintOf(Session& session);
  std::optional<uint64_t> InsertBeginning(Session& session);
  void InsertWhatHappened(const Session& session);
  // What a painting may fill.
  WindowSize Room(const Session& session) const;
  void InsertNotice(absl::string_view event, KeyValues fields);
  bool reading() const;
  void OnReady(Ready ready);
  void OnClosed();
  void OnAbandoned() override { End(); }
  void Receive();
  void Advance();
  // False if there are none now.
  bool TakeLongKeys();
  void TakeKeys(absl::string_view keys);
  // False for what has no place here.
  bool Take(const HeadMessage& message);
  void SayDone();
  void Refuse(absl::string_view code, absl::string_view text);
  void End();
  void Update();

  const Fd connection_;
  bool May(Right right) const {
    return rights_.Has(right) && (!wish_.read_only || right == Right::kSee);
  }

  const PeerIdentity identity_;
  const Rights rights_;
  const Attach wish_;
  absl::AnyInvocable<void(AttachClient&)> gone_;
  std::string inbox_;
  size_t keys_left_ = 0;  // of a packet that is begun
  // Its terminal's size, 0 for none; also that of a client that only looks.
  WindowSize room_;
  uint64_t dropped_ = 0;  // bytes and sizes that weren't permitted
  bool wait_for_room_ = false;
  bool input_closed_ = false;
  bool done_said_ = false;
  bool is_over_ = false;
  Timer leaving_;
  Watch watch_;
};

}  // namespace deptyr
