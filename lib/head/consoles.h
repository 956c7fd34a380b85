// Terminals that come from peers of other kinds, which send a PTY's controlling
// end beside a short text and say no more: OCI runtimes (--console-socket of
// runc and crun) and the first deptyr's body.
//
//   Consoles consoles(loop, owner, admission);
//   consoles.Add({.path = "/run/boxes.sock", .session = "box-{pid}"},
//                std::move(connection));
//
// They don't say whose terminal it is.  The program is the leader of the
// session that has it as its controlling terminal (TIOCGSID, ioctl_tty(2)).
// That session may begin only after the terminal was sent, and no event tells
// so, so head looks for it, less and less often, for up to kPeerPatience.
// Nobody hears an answer.  A terminal that isn't taken is closed, so that its
// program gets SIGHUP.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/base/backoff.h"
#include "lib/head/admission.h"
#include "lib/head/head_options.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"

namespace deptyr {

// "PATH=SESSION"; SESSION may have {pid} in it.
absl::StatusOr<ConsoleSpec> ParseConsole(absl::string_view text);

class Consoles {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // A program's terminal came from `who`, to be taken.  An error says why it
    // isn't.
    virtual absl::Status OnConsoleLeader(const PeerIdentity& who,
                                         std::string name, Leader leader,
                                         Fd& controller) = 0;
  };

  Consoles(EventLoop& loop, Owner& owner, Admission& admission)
      : loop_(loop), owner_(owner), admission_(admission) {}

  // `spec` must outlive this object.
  void Add(const ConsoleSpec& spec, Fd connection);

 private:
  struct Console {
    const ConsoleSpec& spec;
    PeerIdentity identity;
    Clock::time_point since = Clock::now();
    Fd connection;  // until the terminal has come
    Fd controller = {};
    Backoff pause;
    Watch watch = {};
    Timer timer = {};
  };

  void Receive(Console& console);
  void LookForLeader(Console& console);
  void Refuse(Console& console, absl::string_view code, absl::string_view text);
  void Remove(Console& console);

  EventLoop& loop_;
  Owner& owner_;
  Admission& admission_;
  absl::flat_hash_map<const Console*, std::unique_ptr<Console>> consoles_;
};

}  // namespace deptyr
