// The interface by which a session knows its clients: what it needs of a
// client, and what it tells one.  The clients that there are live in
// lib/clients.
//
// A client is passive: the session says when to write (Pump()), and when there
// is room for what it wants to type.  None of these calls may destroy a client,
// attach or detach one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/window_size.h"
#include "lib/session/output_cursor.h"
#include "lib/session/ring.h"
#include "lib/sys/peer_identity.h"

namespace deptyr {

class Session;
class SessionClient;

// A change of a session that others may want to hear of.
struct Change {
  enum Kind {
    kStarted,
    kEnded,
    kStatus,  // how the last program ended, told later
    kResized,
    kAttached,
    kDetached,
    kHeldUp,        // its terminal made us wait; may call LoseTerminal()
    kTerminalLost,  // it did
    kLog,           // it has a log now, or let go of it
    kWriter,        // another client has the keys, or nobody (writer.h)
    kAskedForKeys,  // the one that has them may give them to who asks
  } kind;
  // The client that attached or detached; after kDetached only its id is left.
  const SessionClient* client = nullptr;
  // Whoever did it, if that was not a client.
  const PeerIdentity* by = nullptr;
};

enum class ClientKind {
  kTerminal,  // head's own terminal
  kAttach,    // deptyr attach, send, history, ...
  kRaw,
  kUwsgi,
};

// A client as lists of clients show it.
struct ClientInfo {
  ClientKind kind;
  std::optional<PeerIdentity> identity = {};
  std::string network = {};  // where it is, over TCP (PeerNetwork())
  bool read_only = false;
  // The session on whose terminal it shows what it is sent, or "".
  std::string inside = {};
  uint64_t dropped = 0;  // bytes, sizes and signals it had no right to send
  uint64_t typed = 0;    // bytes of its keys that were passed on or dropped
  absl::Time last_typed = absl::InfinitePast();
};

class SessionClient {
 public:
  // Its output goes to `out_fd`.
  explicit SessionClient(int out_fd) : output_(out_fd) {}
  SessionClient(const SessionClient&) = delete;
  SessionClient& operator=(const SessionClient&) = delete;
  virtual ~SessionClient() = default;

  // The session that it is attached to, or null.
  Session* session() const { return session_; }
  const OutputCursor& output() const { return output_; }
  OutputCursor& output() { return output_; }
  // The size of its terminal, if it has told one.
  const std::optional<WindowSize>& size() const { return size_; }
  void SetSize(WindowSize size) { size_ = size; }

  // A number that no other client has, larger for those that came later.
  virtual uint64_t id() const = 0;
  virtual absl::Time since() const = 0;
  virtual ClientInfo Info() const = 0;
  // Whether it reconnects by itself when head goes away, and has done so.
  virtual bool ComesBack() const { return false; }
  virtual bool CameBack() const { return false; }
  // Makes it leave, for the reason that `why` tells.
  virtual void Kick(absl::string_view why) = 0;

  // Output.  The client is to get the stream from this offset on.
  virtual void BeginAt(uint64_t offset) = 0;
  // Writes what it is owed.
  virtual Pumped Pump(const Ring& ring) = 0;
  // The ring is about to lose its part of a packet that is half written.
  virtual void KeepPacket(const Ring& ring) = 0;
  // From now on it asks to be told of room in its descriptor, or doesn't.
  virtual void WaitForRoom(bool wait) = 0;
  virtual void OnGone() {}  // Pump() said kGone

  // Input.
  virtual bool typed_all() const = 0;  // it waits for no room
  virtual void OnInputRoom() = 0;
  // Whether its terminal sees what the program asks now, and the answers are
  // typed if this client leads.
  virtual bool answers() const { return size_.has_value(); }
  virtual void OnFirstSize() {}  // it turns out to have a terminal
  // The size of its terminal may differ from the program's now, or not any more
  // (Session::Fits()).
  virtual void OnSizes() {}

  // Clients hear of kStarted, kEnded, kStatus, kResized, kWriter and
  // kAskedForKeys.
  virtual void OnChange(Change::Kind change) { (void)change; }

  // These are called by the session alone, when a client joins or leaves it.
  void SetSession(Session* session) { session_ = session; }
  // Returns what the client has typed and found no room for.
  virtual std::string GiveUpPlace() = 0;

 private:
  Session* session_ = nullptr;
  OutputCursor output_;
  std::optional<WindowSize> size_;
};

}  // namespace deptyr
