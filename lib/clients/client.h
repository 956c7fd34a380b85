// A client of a session: somebody who watches its output and types into it.
// This class has what all clients share; a subclass reads its connection and
// knows its protocol.
//
//   output   a cursor in the session's ring (lib/session/output_cursor.h), and
//            between the stream's bytes inserts, each at its offset; where
//            head's own protocol is spoken all goes out in packets
//            (lib/wire/messages.h), which are written straight from the ring
//   input    what the session has no room for yet
//
// A picture of the screen is made for one client alone, when it begins and
// where it has fallen behind.  The part that the client doesn't take at once is
// charged to its user (lib/clients/backlog_quota.h).  If the user has no room
// for it the client waits outside the stream, and so does a client that takes
// nothing of its picture for a while.
//
// A terminal of another size than the program's isn't given the stream, which
// would do something else there: the screen is drawn on it
// (lib/clients/drawing.h).
//
// A program's question to its terminal is answered once: by the terminal of the
// client that leads (lib/term/replies.h), or by head (lib/session/
// query_answers.h), and not again by one that is sent it as history.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/clients/backlog_quota.h"
#include "lib/clients/drawing.h"
#include "lib/session/live_screen.h"
#include "lib/session/ring.h"
#include "lib/session/session_client.h"
#include "lib/sys/event_loop.h"
#include "lib/term/replies.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class Client : public SessionClient {
 public:
  enum class Output { kPlain, kPackets };
  Client(EventLoop& loop, int out_fd, Output output = Output::kPlain);
  ~Client() override;  // leaves its session
  // Pictures that it doesn't take at once are charged to its user there.
  void ChargeTo(BacklogQuota& quota) { quota_ = &quota; }

  // An upgrade saves the client and restores it in the program that takes over.
  ClientState Save() const;
  void Restore(const ClientState& state);

  uint64_t id() const override { return id_; }
  static uint64_t last_id() { return newest_id; }
  // The program before gave ids up to this one; they are not given again.
  static void GoOnAfter(uint64_t id) { newest_id = std::max(newest_id, id); }
  absl::Time since() const override { return since_; }

  uint64_t cursor() const { return output().offset(); }
  uint64_t missed() const { return output().missed(); }
  bool begun() const { return output().begun(); }
  bool lost() const { return output().lost(); }
  // Whether there is something in its session that it hasn't got yet.
  bool OwedAnything() const;

  // `text` (whole packets where the client gets packets) reaches the client
  // when it has all bytes before `offset`.
  void InsertAt(uint64_t offset, std::string text) {
    Add({.offset = offset, .text = std::move(text)});
  }
  // Inserts a picture of the screen likewise; a later SkipAhead() replaces it.
  void InsertPicture(uint64_t offset, std::string text) {
    Add({.offset = offset, .text = std::move(text), .picture = true});
  }
  void ForgetInserts() {
    inserts_.clear();
    insert_begun_ = false;
  }
  // From now on its output goes nowhere, and it holds up nobody.
  void StopOutput();
  bool deaf() const { return output().stopped(); }
  // Once what is half written is complete, the client gets `text` and nothing
  // else.  Nobody waits for the client any more.
  void SendLastAndClose(std::string text);

  // Sends keystrokes to the session, or drops them without one.  Those that
  // find no room there are kept.
  void Type(absl::string_view keystrokes);
  // Nothing more should be read until some of those have gone.
  bool input_blocked() const { return untyped_.size() > kTypeAhead; }
  bool typed_all() const override { return untyped_.empty(); }
  bool answers() const override;
  void OnFirstSize() override;
  void OnSizes() override;
  size_t untyped() const { return untyped_.size(); }

  // --- hooks of the subclass, besides those of SessionClient

  // A write failed with an error that says nothing about the peer.  A subclass
  // that answers kBlocked asks to be told of room later.
  virtual Pumped OnWriteFailed() { return Pumped::kGone; }
  // The client fell behind what `ring` has, didn't get its whole picture, or
  // hasn't begun.  Returns the offset at which it goes on, not before the
  // ring's begin, or nothing if it waits for a picture.  It may insert texts.
  virtual std::optional<uint64_t> SkipAhead(const Ring& ring);
  virtual void OnInputUnblocked() {}  // input_blocked() may have changed
  // So many bytes of keys are dropped, because another client has the keys.
  virtual void OnUnheard(size_t bytes) { (void)bytes; }
  // The size of the terminal on which it shows the screen; nothing for a client
  // that wants the stream whatever its size.
  virtual std::optional<WindowSize> Room() const { return std::nullopt; }
  // The border that shows the edge of a program's screen that is smaller.
  virtual Border border() const { return Border::kNone; }
  // Returns what the client is sent for a drawing; with it, the client has the
  // stream up to `to`.
  virtual std::string EncodeDrawing(std::string drawing, uint64_t to) const {
    (void)to;
    return drawing;
  }
  // Its descriptor took these bytes of the stream, or of an insert.
  virtual void OnWritten(absl::string_view bytes) { (void)bytes; }

  // Called by the session.
  void BeginAt(uint64_t offset) override;
  Pumped Pump(const Ring& ring) override;
  void KeepPacket(const Ring& ring) override;
  void OnInputRoom() override;

 protected:
  uint64_t typed() const { return typed_; }  // bytes that the session took
  // Fills in the fields that clients of all protocols have.
  ClientInfo InfoAs(ClientKind kind) const {
    return {.kind = kind,
            .typed = keys_ - untyped_.size() - replies_.held().size(),
            .last_typed = last_typed_};
  }
  // No packet is half written.
  bool between_packets() const { return packet_left_ == 0 && !insert_begun_; }
  // False if it has to wait for a picture: then it is in the line.
  bool MayHavePicture();
  // Whether a drawing may be made now; if not, the client is pumped when it
  // may.
  bool MayDraw() { return drawing_.MayDraw(); }
  // The session's screen for a terminal of `room`.  From then on, the client is
  // shown drawings if its terminal has another size than the program's.
  LiveScreen::Picture MakePicture(Session& session, WindowSize room);
  bool drawn() const { return drawing_.begun(); }
  // A program starts or ends: what is shown of it is drawn now, and then the
  // client's terminal is reset.
  void OnProgramChange();
  std::string GiveUpPlace() override;
  EventLoop& loop_;

 private:
  // While no more keys wait, reading goes on, because a ^C may follow them.
  static constexpr size_t kTypeAhead = 64;

  struct Insert {
    uint64_t offset = 0;
    std::string text;
    bool picture = false;
    size_t written = 0;
    size_t begun = 0;  // before it was handed over: the rest of a packet
    // Set once a part of it had to wait.
    std::unique_ptr<BacklogQuota::Held> held = nullptr;
  };
  void Add(Insert insert);
  bool InsertIsDue() const;
  void ForgetPictures();
  void ChargePictures();
  // Drops its picture, down to what is half written of it; then it is lost.
  void CutPicture();
  size_t LeftOfPacket(const Insert& insert) const;
  uid_t Charged() const { return UidOf(Info().identity); }

  // These return kAll if the client is to be written more.
  Pumped FindPlace(const Ring& ring);
  Pumped WriteOwed(const Ring& ring);
  Pumped WriteStream(const Ring& ring);
  Pumped WriteInsert();
  Pumped WriteDrawn();
  void Draw();
  void ChangeView();
  void TypeUntyped();
  // Returns what is left of the input for the program.
  std::string WithoutAnswers(absl::string_view keystrokes);
  void FlushRepliesLater();
  void StartReplay();
  void NoteReplayed();

  inline static uint64_t newest_id = 0;
  bool insert_begun_ = false;  // the first is half written
  bool replaying_ = false;     // what it is sent others have had
  const Output protocol_;
  uint64_t id_ = ++newest_id;
  absl::Time since_ = absl::Now();
  std::string header_;      // what is left of the begun packet's header
  size_t packet_left_ = 0;  // and of its payload
  std::deque<Insert> inserts_;
  BacklogQuota* quota_ = nullptr;
  BacklogQuota::Place in_line_;
  Drawing drawing_;
  ReplyFilter replies_;
  Timer flush_;
  // The queries before this offset have been answered.
  uint64_t answered_ = 0;
  Timer replayed_;
  std::string untyped_;
  uint64_t typed_ = 0;
  uint64_t keys_ = 0;  // bytes that came
  absl::Time last_typed_ = absl::InfinitePast();
};

}  // namespace deptyr
