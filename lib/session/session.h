// A session: a name under which programs come and go, one at a time, and the
// clients that stay.  It owns the controlling end of the program's PTY, drains
// it into the ring, and types what clients send.
//
//   program -> PTY -> ring -> every client's cursor          (output)
//   clients -> one bounded queue -> PTY -> program           (input)
//
// The rules, each here only:
//
//   Turn.  When the PTY is readable it is read once, into as much room as the
//   ring has up to kLargestRead, then every client that isn't blocked gets its
//   writes.  Reading on until EAGAIN gains nothing, since the writer keeps pace
//   with the reader, and starves all other sessions (fairness 0.0 against 0.98
//   with eight busy ones).  While nothing else is ready, or there are many
//   clients to write to, a flood is stayed with (lib/sys/busy_poll.h) for
//   100 us, and clients get all of it in one write.  Between two that flood
//   the loop serves everybody else (Watch::SetFlood()).
//
//   Who loses.  When the ring is full, a client is waited for while it drains:
//   it has to take kLeastTaken bytes in every kPatience, out of what its
//   descriptor has queued or from the ring.  One that doesn't is
//   passed over until it has caught up: when it takes something again it is
//   moved forward, a terminal to the screen as it is, others to a safe place.
//   So readers who keep up lose nothing, and one who doesn't costs the program
//   kPatience, once.  Under WhenBehind::kDrop it has to leave; under kBlock
//   nobody is passed over: the program waits.
//
//   Who comes back.  A head that takes the session back from a keeper reads
//   nothing until as many clients have returned as there were, for a second at
//   most (five under kBlock): each returns when it next tries, and by then a
//   flood would have lapped it.
//
//   Who leads.  The client that last typed, or changed its size, leads: under
//   SizePolicy::kLatest the program has its size, and only what its terminal
//   answers is typed into the program.
//
//   Input.  What clients type goes through one queue of kInputRoom.  When it is
//   full they keep what they have and read no more; when there is room again,
//   they take turns.  What a client that is made to leave has left goes into
//   the queue as well, unless another's is over the room already.  ^C, ^\ or ^Z
//   (what the terminal's settings say) of a client doesn't wait behind
//   another's paste: the terminal is told to signal at once.
//
//   The end.  EIO on the controlling end says that nobody holds the client end
//   now, no more.  The program has ended when its pidfd says so.  By then all
//   it wrote is readable (n_tty flushes before it says EAGAIN or EIO), and all
//   of it is in the ring before clients hear of the end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/byte_queue.h"
#include "lib/session/live_screen.h"
#include "lib/session/ring.h"
#include "lib/session/session_client.h"
#include "lib/sys/busy_poll.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/shared_fd.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

inline constexpr size_t kLargestRead = 64 << 10;
inline constexpr absl::Duration kPatience = absl::Milliseconds(100);
inline constexpr size_t kLeastTaken = 100'000;  // a megabyte a second
inline constexpr size_t kInputRoom = 16 << 10;

// Whose size the program has, of those clients that have one.
enum class SizePolicy {
  kLatest,    // who leads
  kSmallest,  // the fewest rows and the fewest columns
  kLargest,
  kFixed,  // nobody's: the one it registered with
};

// What others may want to hear of.
struct Change {
  enum Kind {
    kStarted,
    kEnded,
    kStatus,
    kResized,
    kAttached,
    kDetached,
    kHeldUp,        // its terminal made us wait; may call LoseTerminal()
    kTerminalLost,  // it did
  } kind;
  // Of kAttached and kDetached; of the latter only its id is left.
  const SessionClient* client = nullptr;
};

// What becomes of a client that doesn't drain.
enum class WhenBehind { kSkip, kDrop, kBlock };

struct SessionOptions {
  SizePolicy size_policy = SizePolicy::kLatest;
  WhenBehind when_behind = WhenBehind::kSkip;
  bool keeps_screen = true;  // for those who come late
};

// A run of a program, as it registers.
struct Incarnation {
  pid_t pid = 0;
  bool is_child = false;  // of this process, which reaps it
  Fd pidfd;
  Fd controller;
  WindowSize size;
  std::vector<std::string> argv;
};

class Session {
 public:
  // `changed` must not destroy the session.
  Session(EventLoop& loop, std::string name, uid_t owner, Ring ring,
          SessionOptions options,
          absl::AnyInvocable<void(Session&, Change)> changed);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  const std::string& name() const { return name_; }
  uid_t owner() const { return owner_; }
  const Ring& ring() const { return ring_; }
  WindowSize size() const { return size_; }
  const std::vector<SessionClient*>& clients() const { return clients_; }
  // From where on the ring has what the present (or last) program wrote: from
  // its first byte, or from the first that can be told apart.
  uint64_t history_start() const;
  // Whether that makes the screen as it is: it is all there, and was written
  // for the size that the terminal has now.
  bool history_makes_screen() const {
    return ring_.latest().begin >= ring_.begin() && !resized_;
  }
  uint64_t programs() const { return ring_.latest().number; }
  // The last incarnation, and how it ended, for people.
  const IncarnationRecord& latest() const { return ring_.latest(); }
  std::string How() const { return How(latest()); }
  std::string How(const IncarnationRecord& record) const {
    return Describe(record, ring_.state().exec_failure.data());
  }

  // The screen as it is now, for a terminal of `room`.
  using Picture = LiveScreen::Picture;
  Picture TakePicture(WindowSize room) {
    if (options_.keeps_screen) return screen_.Take(room);
    return {.paint = "", .from = ring_.end(), .exact = false};
  }
  const LiveScreen& screen() const { return screen_; }
  // The screen as the last program that ended left it; nothing if none has.
  struct PostMortem {
    std::string paint;
    WindowSize size;
    std::string how;
  };
  std::optional<PostMortem> TakePostMortem();

  // True while a program holds the session.  Asks the kernel, so a program
  // whose end is not processed yet doesn't count.
  bool IsAlive();
  // The same as far as processed.
  bool running() const { return running_; }
  // Of the program that runs.
  int controller() const { return controller_.get(); }
  int pidfd() const { return pidfd_.get(); }
  pid_t pid() const { return ring_.latest().pid; }
  // Its words, each but the last followed by a NUL.
  const std::string& argv() const { return argv_; }
  // "runs, pid 12", "ended: exit status 0", ...
  std::string State() const;

  // A new program takes the session over.  The one before is told of, if its
  // end wasn't yet, and its PTY drained and closed: what still held it (a
  // program replaced, a leftover child) is hung up.
  void Start(Incarnation program);
  // Goes on with what another head did before, as the ring has it: with the
  // program that runs, and its terminal, unless it `lost_terminal`, or after
  // its end (no descriptors).
  void Resume(Fd controller, Fd pidfd,
              std::optional<LiveScreen::Parked> screen = {},
              bool lost_terminal = false);
  // The clients of a head that died come back, each when it next tries.  Until
  // they are there a flood would pass them by: it has to wait, for a moment.
  void AwaitClients();
  // The same, and what was only in its memory.
  void Resume(const SessionState& state);
  SessionState Save();
  // A client that was there before, at its cursor; then, once all are, who
  // leads, and everybody gets what is owed.
  void Readmit(SessionClient& client);
  void OnReadmitted(uint64_t leader);
  // The program could not be executed; its end will say so.
  void ExecFailed(absl::string_view text);
  // How the last program ended, from somebody who was told (its supervisor).
  // Where it is known already it stays.  Unavailable if none has ended.
  absl::Status TellStatus(const ExitStatus& status);

  // The client gets the stream from this offset on, or from where it wants once
  // it has its picture.
  void Attach(SessionClient& client, std::optional<uint64_t> from = {});
  void Detach(SessionClient& client);
  // Room appeared, or an insert was added.
  void Pump(SessionClient& client);

  // Takes what there is room for, and says how much that was.  While no
  // program runs, input is taken and dropped: it isn't for the next one.
  size_t Type(SessionClient& from, absl::string_view keystrokes);
  size_t input_room() const { return keystrokes_.room(); }
  // True if the keystrokes are one interrupt, and had another's before them to
  // pass.
  bool PassInterrupt(SessionClient& from, absl::string_view keystrokes);
  // Whether what this client's terminal answers is for the program: it leads,
  // or it has a terminal and who leads has none.
  bool Answers(const SessionClient& client) const;
  const SessionClient* leader() const { return leader_; }
  // The furthest offset that a client has been at: what the program asked its
  // terminal before that is answered.
  uint64_t answered() const { return answered_; }
  // This client is the one at work now.
  void Lead(SessionClient& client);
  // It will type no more.
  void StopLeading(const SessionClient& client) {
    if (leader_ == &client) leader_ = nullptr;
  }

  // The client's terminal has this size; it leads from now on.
  void SetClientSize(SessionClient& client, WindowSize size);

  // To the program itself, not its group.  Unavailable if none runs.  Unless
  // root asks, the program is signalled only if the session's owner could do
  // that: not once it is a set-user-ID one.
  absl::Status Signal(int number, const std::optional<PeerIdentity>& who);

  // Lets go of the program, if one runs: its pidfd.
  Fd ReleaseProcess();

  // Makes a full-screen program repaint: a size that differs, then the right
  // one 50 ms later (a program that asks for the size only then would see no
  // change, and most repaint only for a change).
  void Repaint();

  // From now on the PTY isn't read any more; clients get what is owed.
  void StopReading();

  // Whoever passed the controlling end has cleared O_NONBLOCK since.
  bool terminal_turned() const { return controller_.MadeToBlock(); }
  // Lets go of the terminal of the program that runs, which is hung up if
  // nobody else holds the controlling end.  What it writes, and what is typed,
  // is lost from now on; its end is told as ever.
  void LoseTerminal();

 private:
  void OnController(Ready ready);
  void OnPidfd(Ready ready);
  void SetArgv(const std::vector<std::string>& argv);
  void WatchProgram();
  void WatchController();
  void ReadTurn();
  void GatherMore();
  size_t Read(size_t room);
  void RecordModes();
  void RecordSize();
  void KeepPackets(size_t room);
  size_t RoomToRead();
  void PassOverIdlers();
  void PassOver(SessionClient& client);
  void PumpAll();
  void AfterPump(SessionClient& client, Pumped pumped);
  void WriteKeystrokes();
  void OfferInputRoom();
  void ApplySize();
  void Resize(WindowSize size);
  void WaitForIdlers(int pauses);
  void UpdateInterest();
  bool MayRead() const {
    return controller_.valid() && !held_ && !reading_stopped_ && awaited_ == 0;
  }
  void CountClients();
  uint32_t CountReturners() const;
  void WaitForStatus(int pauses);
  void AskForStatus();
  void Record();
  std::unique_ptr<PostMortem> PostMortemFromRing() const;
  void FinishIfEnded();
  void Finish();
  void DropController();
  void LeaveController();
  bool Lags(const SessionClient& client) const;

  EventLoop& loop_;
  const std::string name_;
  const uid_t owner_;
  const SessionOptions options_;
  Ring ring_;
  absl::AnyInvocable<void(Session&, Change)> changed_;
  std::vector<SessionClient*> clients_;
  uint64_t answered_ = 0;
  ByteQueue keystrokes_{kInputRoom};
  const SessionClient* typist_ = nullptr;  // of all keystrokes_, if it was one
  Timer input_pause_;        // until what could not be written is tried again
  size_t next_to_type_ = 0;  // index in clients_
  SessionClient* leader_ = nullptr;
  Timer awaited_timer_;
  uint32_t awaited_ = 0;  // clients of a head that died, not back yet
  bool input_was_full_ = false;

  // The program, from Start() to Finish(); more of it is in the ring's state.
  bool is_child_ = false;
  bool running_ = false;
  bool exited_ = false;   // its pidfd said so
  bool drained_ = false;  // all it wrote is in the ring
  bool status_settled_ = false;
  bool replaced_ = false;
  bool not_executed_ = false;
  bool resized_ = false;  // since the program first wrote something
  WindowSize size_;
  Fd pidfd_;
  std::optional<ExitStatus> status_;
  Watch pidfd_watch_;
  Clock::time_point started_;
  std::string argv_;
  size_t read_since_exit_ = 0;  // a leftover child may write for ever
  Timer status_timer_;

  LiveScreen screen_;
  std::unique_ptr<PostMortem> post_mortem_;  // of the program before

  // Its PTY, which may outlive it.
  SharedFd controller_;
  uint32_t flood_turns_ = 0;  // in a row, up to a few
  Watch controller_watch_;
  BusyPoll busy_poll_;
  bool terminal_closed_ = false;  // the last read said EIO
  bool held_ = false;             // the ring is full, somebody is waited for
  bool reading_stopped_ = false;
  struct Leftover {
    SharedFd controller;
    Watch watch;
    Timer patience;
  };
  std::vector<std::unique_ptr<Leftover>> leftovers_;
  Timer gathering_;  // until what was read is written after all
  Timer patience_timer_;
  Timer drain_timer_;
  Timer repaint_timer_;
  Timer resize_pause_;  // until the size of now is looked at again
  int resizes_ = 0;     // since it began
};

}  // namespace deptyr
