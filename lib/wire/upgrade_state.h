// What a head hands to the program that takes its place in the same process:
// `deptyr upgrade`.  Descriptors stay open over the exec, under their numbers;
// everything else is here.
//
//   std::string bytes = Encode(state);
//   ...
//   ASSIGN_OR_RETURN(HeadState state, Decode(bytes));
//
// CBOR (RFC 8949), by name: a field that the other side doesn't know is passed
// over, one that isn't there is as below, and what is as below isn't there.
// What would be misunderstood all the same is another kUpgradeStateVersion.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

inline constexpr int kUpgradeStateVersion = 1;

// Descriptors are -1 for none, sizes 0.

struct InsertState {
  bool operator==(const InsertState&) const = default;

  uint64_t offset = 0;
  std::string text;
  bool for_now = false;  // a picture of the screen
  uint64_t begun = 0;    // bytes that are the rest of a packet
};

struct ClientState {
  bool operator==(const ClientState&) const = default;

  uint64_t id = 0;
  int64_t since = 0;  // milliseconds since 1970
  std::string session;
  uint64_t cursor = 0;
  uint64_t missed = 0;
  bool deaf = false;
  uint16_t rows = 0;
  uint16_t cols = 0;
  std::string untyped;
  std::string held;  // may become an answer of its terminal
  uint64_t answered = 0;
  bool replaying = false;
  std::string header;
  uint64_t packet_left = 0;
  bool insert_begun = false;
  std::vector<InsertState> inserts;
  bool begins = false;  // it waits for its first picture
  bool lost = false;    // it waits for a picture
};

struct SocketClientState {
  bool operator==(const SocketClientState&) const = default;

  ClientState client;
  int fd = -1;
  std::string wanted;  // the session it waits for, if it has none
  bool uwsgi = false;
  int shows = 0;
  bool read_only = false;
  bool allow_signals = false;
  std::vector<std::string> allow;  // rules
  std::string inbox;
  uint16_t rows = 0;  // told, and not applied
  uint16_t cols = 0;
  bool input_closed = false;
  uint64_t received = 0;
};

struct AttachClientState {
  bool operator==(const AttachClientState&) const = default;

  ClientState client;
  int fd = -1;
  std::string wish;  // its first message
  std::string inbox;
  uint16_t rows = 0;
  uint16_t cols = 0;
  bool input_closed = false;
  bool done_said = false;
};

// Who asks, or hasn't said yet what they want, or is between their registration
// and their exec.
struct AskerState {
  bool operator==(const AskerState&) const = default;

  int fd = -1;
  std::string inbox;
  std::string outbox;
  bool input_closed = false;
  bool listens = false;
  std::string session;
  bool upgrades = false;  // it is told that the upgrade is done
  bool lists = false;     // it is being told of sessions,
  std::string listed;     // and has been up to this one
};

struct PeerState {
  bool operator==(const PeerState&) const = default;

  int fd = -1;
  std::string inbox;
  int passed = -1;
  std::string session;
};

struct SocketState {
  bool operator==(const SocketState&) const = default;

  std::string role;  // what listens there
  int fd = -1;
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;  // 0: inherited
};

struct SessionState {
  bool operator==(const SessionState&) const = default;

  std::string name;
  int ring = -1;
  int controller = -1;
  int pidfd = -1;
  std::vector<std::string> argv;
  std::string keystrokes;
  uint64_t leader = 0;  // a client's id
  // Of the screen: what it is before `painted`, 0 if the ring tells it as well.
  std::string paint;
  std::string modes;
  uint64_t painted = 0;
  bool exact = false;  // `paint` is there
  uint64_t answered = 0;
  bool not_executed = false;
  bool status_told = false;
  int code = 0;
  int signal = 0;
  // What the program before the last left on the screen; how: "" for nothing.
  std::string left;
  uint16_t left_rows = 0;
  uint16_t left_cols = 0;
  std::string left_how;
  // Sessions with a larger one registered later; 0 if that isn't known.
  uint64_t order = 0;
};

struct HeldState {
  bool operator==(const HeldState&) const = default;

  std::string name;
  int fd = -1;
};

struct HeadState {
  bool operator==(const HeadState&) const = default;

  std::string program;  // what wrote this, "deptyr 0.1.0"
  int64_t since = 0;
  std::vector<SocketState> sockets;
  std::vector<std::string> kept;  // names, by the keeper
  std::vector<HeldState> held;    // names, of a newer format
  std::vector<SessionState> sessions;
  std::string newest;
  std::vector<std::string> ended;
  std::vector<SocketClientState> clients;
  std::vector<AttachClientState> attached;
  std::vector<AskerState> askers;
  std::vector<PeerState> peers;
  std::string terminal;  // its settings before head had it; "": none
  std::string shown;
  ClientState viewer;
  bool viewer_leads = false;
  std::map<std::string, uint64_t> refused;  // how often, by code
  uint64_t last_client = 0;                 // the highest id there has been
};

std::string Encode(const HeadState& state);
// FailedPrecondition if it is of another version.
absl::StatusOr<HeadState> Decode(absl::string_view bytes);
// All descriptors that stay open.
std::vector<int> DescriptorsOf(const HeadState& state);

}  // namespace deptyr
