// The state that a head hands to the program that takes its place in the same
// process (`deptyr upgrade`).  Descriptors stay open over the exec, under their
// numbers; everything else is written here.
//
//   const std::string bytes = Encode(HeadState{.program = "deptyr 0.1.0"});
//   ASSIGN_OR_RETURN(const HeadState state, Decode(bytes));
//
// The format is CBOR (RFC 8949), a map with a structure's fields by name.  A
// field that has its type's initial value isn't written, so it must have no
// other one.  A reader skips names that it doesn't know, so fields may come and
// go; a change that an older or newer head would misunderstand all the same
// needs another kUpgradeStateVersion.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/wire/fields.h"

namespace deptyr {

inline constexpr int kUpgradeStateVersion = 1;

// The number of a descriptor that stays open; -1 for none.
struct OfferedFd {
  // NOLINTNEXTLINE(google-explicit-constructor): it is used as an int.
  constexpr OfferedFd(int fd = -1) : number(fd) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr operator int() const { return number; }
  int number;
};

// Sizes are 0 for none.

struct InsertState {
  uint64_t offset = 0;
  std::string text;
  bool for_now = false;  // a picture of the screen
  uint64_t begun = 0;    // bytes that are the rest of a packet
  DEPTYR_FIELDS(offset, text, for_now, begun)
};

struct ClientState {
  uint64_t id = 0;
  int64_t since = 0;  // milliseconds since 1970
  std::string session;
  uint64_t cursor = 0;
  uint64_t missed = 0;
  bool deaf = false;  // its output goes nowhere
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
  bool begins = false;     // it waits for its first picture
  bool lost = false;       // it waits for a picture
  uint64_t typed = 0;      // bytes of keys that were passed on or dropped
  int64_t last_typed = 0;  // milliseconds since 1970
  uint16_t xpixels = 0;
  uint16_t ypixels = 0;
  DEPTYR_FIELDS(id, since, session, cursor, missed, deaf, rows, cols, untyped,
                held, answered, replaying, header, packet_left, insert_begun,
                inserts, begins, lost, typed, last_typed, xpixels, ypixels)
};

struct SocketClientState {
  ClientState client;
  OfferedFd fd;
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
  bool asks_size = false;
  bool ends_with_program = false;
  std::string greeting;  // it wasn't sent yet
  DEPTYR_FIELDS(client, fd, wanted, uwsgi, shows, read_only, allow_signals,
                allow, inbox, rows, cols, input_closed, received, asks_size,
                ends_with_program, greeting)
};

struct AttachClientState {
  ClientState client;
  OfferedFd fd;
  std::string wish;  // its first message
  std::string inbox;
  uint16_t rows = 0;
  uint16_t cols = 0;
  bool input_closed = false;
  bool done_said = false;
  uint16_t xpixels = 0;
  uint16_t ypixels = 0;
  DEPTYR_FIELDS(client, fd, wish, inbox, rows, cols, input_closed, done_said,
                xpixels, ypixels)
};

// A connection that asks.
struct AskerState {
  OfferedFd fd;
  std::string inbox;
  std::string outbox;
  bool input_closed = false;
  bool listens = false;
  std::string session;
  bool upgrades = false;  // it waits to be told that the upgrade is done
  bool lists = false;     // it is being told of sessions, and knows of all
  std::string listed;     // up to this one
  DEPTYR_FIELDS(fd, inbox, outbox, input_closed, listens, session, upgrades,
                lists, listed)
};

// A connection that hasn't said yet what it wants, or a body between its
// registration and its exec.
struct PeerState {
  OfferedFd fd;
  std::string inbox;
  OfferedFd passed;
  std::string session;
  DEPTYR_FIELDS(fd, inbox, passed, session)
};

struct SocketState {
  std::string role;  // what listens there
  OfferedFd fd;
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;  // 0: inherited
  DEPTYR_FIELDS(role, fd, path, device, inode)
};

struct SessionState {
  std::string name;
  OfferedFd ring;
  OfferedFd controller;
  OfferedFd pidfd;
  std::vector<std::string> argv;
  std::string keystrokes;
  uint64_t leader = 0;  // a client's id
  uint64_t writer = 0;  // likewise, of the one that has the keys
  uint64_t writer_before = 0;
  // The screen as it was at the offset `painted`, and its modes; 0 if the ring
  // tells as much.
  std::string paint;
  std::string modes;
  uint64_t painted = 0;
  bool exact = false;  // `paint` is there
  uint64_t answered = 0;
  bool not_executed = false;
  bool status_told = false;
  int code = 0;
  int signal = 0;
  // The screen as the program before the last left it, and how that one ended;
  // `left_how` is "" if there is none.
  std::string left;
  uint16_t left_rows = 0;
  uint16_t left_cols = 0;
  std::string left_how;
  // A session that registered later has a larger one; 0 if that isn't known.
  uint64_t order = 0;
  uint64_t stopped_by = 0;  // the client whose ^S stopped the output
  // The log of its program's lines, up to where the stream was shown there, and
  // lines that it hasn't taken.
  OfferedFd log = -1;
  std::string log_style = {};
  uint64_t log_offset = 0;
  std::string log_queue = {};
  uint64_t log_lost = 0;  // lines; it isn't told yet
  uint64_t log_all_lost = 0;
  bool log_ended = false;
  bool log_full_screen = false;
  // Has those lines and all that is known of the log (lib/sys/spool.h).
  OfferedFd log_spool = -1;
  OfferedFd file_spool = -1;   // the same for its log file
  bool lacks_picture = false;  // `paint` has all but a picture
  DEPTYR_FIELDS(name, ring, controller, pidfd, argv, keystrokes, leader, writer,
                writer_before, paint, modes, painted, exact, answered,
                not_executed, status_told, code, signal, left, left_rows,
                left_cols, left_how, order, stopped_by, log, log_style,
                log_offset, log_queue, log_lost, log_all_lost, log_ended,
                log_full_screen, log_spool, file_spool, lacks_picture)
};

struct HeldState {
  std::string name;
  OfferedFd fd;
  DEPTYR_FIELDS(name, fd)
};

struct HeadState {
  std::string program;  // what wrote this, "deptyr 0.1.0"
  int64_t since = 0;
  std::vector<SocketState> sockets;
  std::vector<std::string> kept;  // the store's names
  std::vector<HeldState> held;    // stored, and of a newer format
  std::vector<SessionState> sessions;
  std::string newest;
  std::vector<std::string> ended;
  std::vector<SocketClientState> clients;
  std::vector<AttachClientState> attached;
  std::vector<AskerState> askers;
  std::vector<PeerState> peers;
  // The settings that head's own terminal had before head; "": it has none.
  std::string terminal;
  std::string shown;
  ClientState viewer;
  bool viewer_leads = false;
  std::map<std::string, uint64_t> refused;  // how often, by code
  uint64_t last_client = 0;                 // the highest id there has been
  // Does to a terminal what was done to head's own (Undo::Redo()).  0.1.0 has
  // none.
  std::string viewer_redo;
  // The store may have these, too, though nobody needs them.  0.1.0 has none.
  std::vector<std::string> unwanted;
  DEPTYR_FIELDS(program, since, sockets, kept, held, sessions, newest, ended,
                clients, attached, askers, peers, terminal, shown, viewer,
                viewer_leads, refused, last_client, viewer_redo, unwanted)
};

std::string Encode(const HeadState& state);
// Fails with FailedPrecondition if `bytes` are of another version, and with
// InvalidArgument if they aren't a state.
absl::StatusOr<HeadState> Decode(absl::string_view bytes);
// All descriptors that stay open.
std::vector<int> DescriptorsOf(const HeadState& state);

}  // namespace deptyr
