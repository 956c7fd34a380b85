// Whoever watches a session and types into it.
//
// Its output side is a descriptor and a cursor, an offset in the session's
// ring: nothing is copied per client, and nothing grows with a slow one.  Its
// input side holds what the session has no room for yet.
//
// A picture of the screen is made for it alone, when it begins and where it has
// fallen behind.  What it doesn't take of that at once is charged to its user
// (lib/clients/backlog_quota.h); if that has no room, the client waits outside
// the stream, and so does one that takes nothing of its picture for a while.
//
// What its terminal answers is typed only while it leads (lib/term/replies.h):
// a question is answered once, however many terminals saw it.  So is one in the
// history that a new client is sent: if another client had it before, it has
// been answered.
//
// Its output goes out as it is, or, where head's own protocol is spoken, in
// packets (lib/wire/messages.h) that are written straight from the ring, too.
//
// Passive: the session calls Pump(), a subclass waits for room and reads.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/window_size.h"
#include "lib/clients/backlog_quota.h"
#include "lib/clients/client_kinds.h"
#include "lib/session/ring.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"
#include "lib/term/replies.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class Session;

// For whoever lists them.
struct ClientInfo {
  ClientKind kind;
  std::optional<PeerIdentity> identity = {};
  bool read_only = false;
  uint64_t dropped = 0;  // bytes, sizes and signals it had no right to send
};

class Client {
 public:
  enum class Output { kPlain, kPackets };
  Client(EventLoop& loop, int out_fd, Output output = Output::kPlain);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client();  // leaves its session

  enum class Pumped {
    kAll,      // it has everything
    kBlocked,  // its descriptor takes no more now
    kWaits,    // in the line for a picture: it is pumped when its turn comes
    kGone,     // it can't be written to any more: StopOutput(), once
  };
  // Writes what `ring` has for it.
  Pumped Pump(const Ring& ring);
  // From now on its output goes nowhere, and it holds up nobody.
  void StopOutput();
  bool deaf() const { return deaf_; }

  // For the program that takes over, and from the one before.
  ClientState Save() const;
  void Restore(const ClientState& state);

  uint64_t id() const { return id_; }  // of all there have been, its own
  static uint64_t last_id();
  // Those of the program before are not given again.
  static void GoOnAfter(uint64_t id);
  absl::Time since() const { return since_; }
  virtual ClientInfo Info() const = 0;
  // It tries again by itself when head goes away; it has done so.
  virtual bool ComesBack() const { return false; }
  virtual bool CameBack() const { return false; }
  // Makes it leave, for the reason that `why` tells.
  virtual void Kick(absl::string_view why) = 0;

  Session* session() const { return session_; }
  uint64_t cursor() const { return cursor_; }
  uint64_t missed() const { return missed_; }
  const std::optional<WindowSize>& size() const { return size_; }
  bool owed(const Ring& ring) const {
    if (leaving_) return !inserts_.empty();
    return !deaf_ && (lost_ || cursor_ < ring.end() ||
                      (!inserts_.empty() && inserts_[0].offset <= ring.end()));
  }

  // `text` reaches the client when it has all bytes before `offset`.  It must
  // be whole packets where the client gets packets.
  void InsertAt(uint64_t offset, std::string text) {
    Add({.offset = offset, .text = std::move(text)});
  }
  // The same for a picture of the screen, which a later SkipAhead() replaces.
  void InsertPicture(uint64_t offset, std::string text) {
    Add({.offset = offset, .text = std::move(text), .picture = true});
  }
  void ForgetInserts() {
    inserts_.clear();
    insert_begun_ = false;
  }
  // `text` is the last it gets, after what is half written; nobody waits for it
  // any more.
  void SendLastAndClose(const Ring& ring, std::string text);

  // What it typed goes to the session.  What finds no room there is kept, and
  // if that is more than a few keys, nothing more should be read until it has
  // gone.  Dropped without a session.
  void Type(absl::string_view keystrokes);
  bool input_blocked() const { return untyped_.size() > kTypeAhead; }
  bool typed_all() const { return untyped_.empty(); }
  // So much may be read of it: what the session has room for, or what will be
  // its turn, with a ^C among it, perhaps.
  size_t input_room() const;
  size_t untyped() const { return untyped_.size(); }

  // What the session tells it.  None of these may destroy a client, or attach
  // or detach one.
  virtual void WaitForRoom(bool wait) = 0;  // ask to be told of room, or not
  virtual void OnGone() {}                  // Pump() said kGone
  // An error that says nothing of its peer.  Who is blocked by it asks to be
  // told of room later.
  virtual Pumped OnWriteFailed() { return Pumped::kGone; }
  // It fell behind what `ring` has, or didn't get its picture whole, or hasn't
  // begun.  From where on it gets what comes next, not before the ring's begin;
  // it may insert what tells of that.  Nothing: it waits for a picture.
  virtual std::optional<uint64_t> SkipAhead(const Ring& ring);
  virtual void OnInputUnblocked() {}  // input_blocked() may have changed
  virtual void OnProgramStarted() {}
  virtual void OnProgramEnded(const std::string& how) { (void)how; }
  virtual void OnStatusKnown() {}  // that of the last program, later
  virtual void OnResized(WindowSize size) { (void)size; }

 protected:
  // Its peer has gone.  What it left is typed, at the pace of the program; when
  // that takes nothing of it for a minute, it is abandoned.
  void TypeOut();
  virtual void OnAbandoned() {}
  // For now it is sent nothing, and counts as blocked; then it has to be
  // pumped.
  void SetSilent(bool silent) { silent_ = silent; }
  bool silent() const { return silent_; }
  // Whatever each is, so much input is taken of a client in a turn: each key
  // that comes alone is a system call.
  static constexpr int kMostTaken = 256;
  // The `i`th has to wait for the next turn.
  bool WaitsForNextTurn(int i) const {
    return i == kMostTaken || (i > 0 && loop_.TurnIsLong());
  }
  // OnInputUnblocked() is called in the next turn.
  void GoOnSoon();
  bool goes_on_soon() const { return go_on_.pending(); }
  void StopGoingOn() { go_on_.Reset(); }
  // No packet is half written.
  bool between_packets() const { return packet_left_ == 0 && !insert_begun_; }
  // It has, or had, a place in the stream.
  bool begun() const { return begun_; }
  // What it has is no place to go on from: it needs a picture.
  bool lost() const { return lost_; }
  // Whether a picture may be made for it now.  If not, it is in the line.
  bool MayHavePicture();
  // Whether its pictures are charged to anybody.
  virtual bool charged() const { return true; }
  EventLoop& loop_;

 private:
  friend class Session;
  // Keys may wait, and yet reading goes on, for the ^C that follows them.
  static constexpr size_t kTypeAhead = 64;
  // What a terminal takes at once: so those who paste take turns.
  static constexpr size_t kLeastRead = 4096;

  struct Insert {
    uint64_t offset = 0;
    std::string text;
    bool picture = false;
    size_t written = 0;
    size_t begun = 0;  // before it was handed over: the rest of a packet
    // Once it isn't taken at once.
    std::unique_ptr<BacklogQuota::Held> held = nullptr;
  };
  void Add(Insert insert);
  void LimitNotices();
  void ForgetPictures();
  void ChargePictures();
  // Its picture, down to what is half written of it; then it is lost.
  void CutPicture();
  size_t LeftOfPacket(const Insert& insert) const;
  uid_t Charged() const;
  std::optional<Pumped> FindPlace(const Ring& ring);
  Pumped Gone(const Ring& ring);

  void BeginPacket(size_t size);
  // What the ring won't have much longer: the rest of a packet that is begun.
  void KeepPacket(const Ring& ring);
  Pumped WriteStream(const Ring& ring, size_t most);
  Pumped WriteInsert();
  void TypeUntyped();
  void FlushRepliesLater();
  void WatchTyping();
  void StartWindow();
  // What it took itself.  Not only what its descriptor took: a socket says that
  // it has room only when half of what it holds is gone.
  size_t TakenInWindow() const;
  void BeginAt(uint64_t cursor);
  void NoteReplayed();

  bool insert_begun_ = false;  // the first is half written
  // Whether the ring may not pass it over yet; the rule is in session.h.
  bool waited_for_ = true;
  bool blocked_ = false;
  bool silent_ = false;
  // In the present window of the rule: bytes that its descriptor took from us,
  // and those it had queued when the window began.
  size_t taken_ = 0;
  size_t queued_ = 0;

  uint64_t id_;
  absl::Time since_ = absl::Now();
  const int out_fd_;
  const Output output_;
  std::string header_;      // what is left of it of the packet that is begun
  size_t packet_left_ = 0;  // and of its payload
  Session* session_ = nullptr;
  uint64_t cursor_ = 0;
  uint64_t missed_ = 0;
  bool deaf_ = false;
  bool leaving_ = false;
  bool begun_ = false;
  bool lost_ = false;
  std::unique_ptr<BacklogQuota::Place> in_line_;
  std::deque<Insert> inserts_;
  std::optional<WindowSize> size_;  // of its terminal, where it told
  ReplyFilter replies_;
  Timer flush_;
  Timer go_on_;
  // Up to here others had the stream before it came.
  uint64_t answered_ = 0;
  bool replaying_ = false;
  Timer replayed_;
  std::string untyped_;
  uint64_t typed_ = 0;  // bytes that the session took
  Timer abandon_;
};

}  // namespace deptyr
