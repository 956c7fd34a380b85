// A session: a name under which programs come and go, one at a time, and the
// clients that stay.  It owns the controlling end of the program's PTY, drains
// it into the ring, and types what clients send.
//
//   program -> PTY -> ring -> every client's cursor          (output)
//   clients -> one bounded queue -> PTY -> program           (input)
//
// The session itself only puts its parts together.  In the order a byte meets
// them:
//
//   current_program  runs, has ended, and how
//   drain            one turn of reading, into the
//   ring             which has the session's last bytes, and its memory
//   observer         sees every byte: the live_screen, the session_log, and
//                    the file_log
//   audience         the clients: who is waited for, who leads; each has an
//   output_cursor    its place in the ring
//   session_client   what a session needs of a client, and tells it
//   session_witness  hears what clients do
//   input_queue      what clients type
//   writer           whose keys the program gets, if not everybody's
//   query_answers    what head types when the program asks its terminal
//   sizing           whose size the terminal has
//   post_mortem, leftovers   a program's last screen, and its old terminal
//
//   Session session(loop, "name", owner, std::move(ring), {},
//                   [](Session&, Change) {});
//   session.Start(std::move(incarnation));
//   session.Attach(client);
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/session/audience.h"
#include "lib/session/current_program.h"
#include "lib/session/drain.h"
#include "lib/session/file_log.h"
#include "lib/session/input_queue.h"
#include "lib/session/leftovers.h"
#include "lib/session/live_screen.h"
#include "lib/session/post_mortem.h"
#include "lib/session/query_answers.h"
#include "lib/session/ring.h"
#include "lib/session/session_client.h"
#include "lib/session/session_log.h"
#include "lib/session/session_witness.h"
#include "lib/session/sizing.h"
#include "lib/session/writer.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/shared_fd.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

struct SessionOptions {
  SizePolicy size_policy = SizePolicy::kLatest;
  WriterPolicy writers = WriterPolicy::kAll;
  WhenBehind when_behind = WhenBehind::kSkip;
  bool keeps_screen = true;  // for those who come late
  FileLogOptions log_files = {};
  SessionWitness* witness = nullptr;  // hears what clients do
};

// The logs of a session that another head has left.
struct KeptLogs {
  Fd log = {};
  Fd log_spool = {};
  Fd file_spool = {};
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
  CurrentProgram& program() { return program_; }
  const CurrentProgram& program() const { return program_; }
  bool running() const { return program_.running(); }
  // "runs, pid 12", "ended: exit status 0", ...
  std::string State() const;
  const Audience& audience() const { return audience_; }
  const auto& clients() const { return audience_.clients(); }
  WindowSize size() const { return sizing_.size(); }
  const LiveScreen& screen() const { return screen_; }
  const SessionLog& log() const { return log_; }
  // Where the last whole sequence ends, or, without a screen, the stream.
  uint64_t whole_end() const {
    return keeps_screen_ ? screen_.modes_offset() : ring_.end();
  }
  const FileLog& log_file() const { return log_file_; }
  void ReopenLogFile() { log_file_.Reopen(); }
  // The screen as it is now, for a terminal of `room`.
  using Picture = LiveScreen::Picture;
  Picture TakePicture(WindowSize room);
  // Whether a terminal of `room` shows what the program writes as the program's
  // own would.  If it doesn't, the screen is drawn there by a Viewport.
  bool Fits(WindowSize room) const {
    return !keeps_screen_ || SameCells(room, sizing_.coming());
  }
  Picture Draw(Viewport& view, WindowSize room) {
    return screen_.Draw(view, room);
  }
  // The screen as the last program that ended left it; nothing if none has.
  std::optional<PostMortem> TakePostMortem();

  // A new program takes over the session.  The end of the one before is told
  // now, if it wasn't yet; if it still runs, it is hung up.
  void Start(Incarnation program);
  // The last program's lines go to this log.
  absl::Status TakeLog(LogSink sink, absl::string_view style);
  // Goes on where another head stopped, as the ring tells it: with the program
  // that runs and its terminal, or, without descriptors, after its end.  The
  // rest of that head's memory is in `state`, whose descriptors aren't used.
  void Resume(Fd controller, Fd pidfd, const SessionState& state,
              KeptLogs logs = {});
  SessionState Save();
  // Readmit() takes back a client that was there before, at its cursor.
  // OnReadmitted(), once all are back, restores the one that leads and the one
  // that has the keys, if any, and everybody gets what is owed.  If the clients
  // of a head that died will still come back, nothing is read until they are
  // here (audience.h).
  void Readmit(SessionClient& client);
  void OnReadmitted(const SessionState& state = {});

  // Says how the last program ended (CurrentProgram::TellStatus()).
  absl::Status TellStatus(const ExitStatus& status);
  // Signals the program itself, not its group.  Unavailable if none runs.
  // Unless root is the sender, the program is signalled only if the session's
  // owner could do that, so not once it is a set-user-ID one.
  absl::Status Signal(int number, uid_t sender);
  // Makes a full-screen program repaint.
  void Repaint();
  // From now on the PTY isn't read any more, for the next head may go on there,
  // unless the program has ended: then all that it wrote is read before its end
  // is told.  Clients get what is owed.
  void StopReading();

  // The controlling end of the terminal, if there is one.
  const SharedFd& terminal() const { return terminal_; }
  // Lets go of the terminal of the program that runs, which is hung up if
  // nobody else holds the controlling end; its end is told as ever.
  void LoseTerminal();

  // The client gets the stream from this offset on, or from where it wants once
  // it has its picture.
  void Attach(SessionClient& client, std::optional<uint64_t> from = {});
  void Detach(SessionClient& client);
  // The client has room again, or is owed something new.
  void Pump(SessionClient& client);

  // Takes what there is room for, and says how much that was.  While no program
  // runs, input is dropped: it isn't for the next one.
  size_t Type(SessionClient& from, absl::string_view keystrokes);
  size_t input_room() const { return input_.room(); }
  // How much was typed that the terminal hasn't taken.
  size_t input_queued() const { return input_.bytes().size(); }
  // Whether head answers what the program asks while no client's terminal does.
  // It doesn't without a screen: a router's client has its program to itself.
  bool answers_queries() const { return keeps_screen_; }
  // Whether head tells the program of its terminal's size, so that clients'
  // terminals shouldn't.
  bool reports_size() const {
    return answers_queries() && screen_.reports_size();
  }
  // A client has stopped the output by ^S, where the terminal has flow control
  // (FlowAfter()).  Its id, or 0.  When that client leaves, head types ^Q.
  uint64_t stopped_by() const;
  // True if the keystrokes are one interrupt that passed another client's.
  bool PassInterrupt(SessionClient& from, absl::string_view keystrokes);
  // Lead() says that this client is the one at work now, StopLeading() that it
  // will type no more.
  void Lead(SessionClient& client);
  void StopLeading(const SessionClient& client);
  // It knows who has the keys; `by` is whoever gives them to a client.
  const Writer& writer() const { return writer_; }
  void SetWriterPolicy(std::optional<WriterPolicy> own) {
    writer_.SetOwnPolicy(own);
  }
  void GiveKeys(const SessionClient* to, const PeerIdentity* by = nullptr);
  void AskForKeys(const SessionClient& client);
  // The session's own size policy, from now on, or head's.
  void SetSizePolicy(std::optional<SizePolicy> own);
  SizePolicy size_policy() const { return sizing_.policy(); }
  // Gives the terminal this size, until a client's decides.  NotFound if one
  // does so now.
  absl::Status Resize(WindowSize size);
  // The client's terminal has this size; it leads from now on.
  void SetClientSize(SessionClient& client, WindowSize size);

 private:
  void Announce(Change change);
  void OnTerminal(Ready ready);
  void TypeFromHead(absl::string_view keystrokes);
  void WriteSoon();
  void TakeTerminal(Fd controller);
  bool MayRead() const {
    return terminal_.valid() && !audience_.held() && !audience_.awaits() &&
           (!reading_stopped_ || program_.exited());
  }
  void UpdateInterest();
  void NoteTyped(const SessionClient& from, absl::string_view keystrokes);
  void ApplySize();
  void OnNewSize(WindowSize before);
  void TellOfSizes();
  void EndNow();
  void Finish();
  void EndLog();
  void DropTerminal();
  void LeaveTerminal();

  EventLoop& loop_;
  const std::string name_;
  const uid_t owner_;
  const bool keeps_screen_;
  SessionWitness* const witness_;
  bool reading_stopped_ = false;
  SharedFd terminal_;  // it may outlive the program
  Watch terminal_watch_;
  Timer soon_;  // until the terminal is looked at again
  Ring ring_;
  absl::AnyInvocable<void(Session&, Change)> changed_;
  CurrentProgram program_;
  Audience audience_;
  Writer writer_;
  InputQueue input_;
  uint64_t stopped_by_ = 0;  // by what was typed, whatever the settings are now
  Sizing sizing_;
  QueryAnswers answers_;
  LiveScreen screen_;
  SessionLog log_;
  FileLog log_file_;
  Drain drain_;
  std::optional<PostMortem> post_mortem_;  // of the program before
  Leftovers leftovers_;
};

}  // namespace deptyr
