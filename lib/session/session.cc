#include "lib/session/session.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/pty.h"

namespace deptyr {
namespace {

// A terminal that nobody holds would report its hang-up for ever: `closed`.
Interest TerminalInterest(bool read, bool write, bool closed) {
  if (!read && !write) return Interest::kNone;
  if (!closed) return InterestIn(read, write);
  if (!read) return Interest::kWriteEdge;
  return write ? Interest::kReadWriteEdge : Interest::kReadEdge;
}

}  // namespace

Session::Session(EventLoop& loop, std::string name, uid_t owner, Ring ring,
                 SessionOptions options,
                 absl::AnyInvocable<void(Session&, Change)> changed)
    : loop_(loop),
      name_(std::move(name)),
      owner_(owner),
      keeps_screen_(options.keeps_screen),
      witness_(options.witness),
      ring_(std::move(ring)),
      changed_(std::move(changed)),
      program_(loop, ring_, [this] { OnTerminal({.readable = true}); }),
      audience_(loop, ring_, options.when_behind, [this] { UpdateInterest(); }),
      writer_(ring_, audience_, options.writers),
      input_(loop, [this] { OnTerminal({.writable = true}); }),
      sizing_(loop, ring_, audience_, options.size_policy),
      answers_(audience_, input_,
               [this](absl::string_view answer) { TypeFromHead(answer); }),
      screen_(loop, ring_, &answers_),
      log_(loop, ring_, [this] { changed_(*this, {Change::kLog}); }),
      log_file_(loop, ring_, program_, options.log_files, name_,
                [this] { changed_(*this, {Change::kLog}); }),
      drain_(loop, ring_, audience_) {
  ring_.state().owner = owner_;
  CopyText(name_, ring_.state().name);
  if (keeps_screen_) drain_.Add(screen_);
  drain_.Add(log_);
  if (options.log_files.folder != nullptr) drain_.Add(log_file_);
}

Session::~Session() {
  for (SessionClient* client : clients()) {
    client->SetSession(nullptr);
    (void)client->GiveUpPlace();
  }
}

std::string Session::State() const {
  if (program_.number() == 0) return "never started";
  if (!running()) return program_.How();
  return absl::StrCat("runs", terminal_.valid() ? "" : " without its terminal",
                      ", pid ", program_.pid(),
                      stopped_by() != 0 ? ", stopped by ^S" : "");
}

Session::Picture Session::TakePicture(WindowSize room) {
  if (keeps_screen_) return screen_.Take(room);
  return {.paint = "", .from = ring_.end(), .exact = false};
}

std::optional<PostMortem> Session::TakePostMortem() {
  if (program_.number() == 0) return std::nullopt;
  if (!running()) {
    return PostMortem{screen_.Take(size()).paint, size(), program_.How()};
  }
  if (!post_mortem_) post_mortem_ = PostMortemFromRing(ring_);
  return post_mortem_;
}

void Session::Start(Incarnation program) {
  if (running()) EndNow();
  LeaveTerminal();
  // Where many are replaced at once, it is made when somebody asks, of what
  // the ring has by then.
  post_mortem_ = loop_.TurnIsLong() ? std::nullopt : TakePostMortem();
  sizing_.Set(program.size);
  TakeTerminal(std::move(program.controller));
  program_.Start(std::move(program));
  drain_.Begin();
  for (Observer* observer : drain_.observers()) observer->OnStart(size());
  log_file_.Begin(size());
  ApplySize();
  TellOfSizes();
  Announce({Change::kStarted});
}

absl::Status Session::TakeLog(LogSink sink, absl::string_view style) {
  RETURN_IF_ERROR(log_.Begin(std::move(sink), style, size()));
  if (!running()) EndLog();
  return absl::OkStatus();
}

// Why it was not executed, body has said there itself.
void Session::EndLog() {
  const std::string line = absl::StrCat("deptyr: pid ", program_.pid(), " ",
                                        Printable(program_.How()), "\n");
  const bool executed = ring_.latest().outcome != Outcome::kNotExecuted;
  log_.End(executed ? line : "");
  log_file_.End(line);
}

// Tells the clients, and then everybody else.
void Session::Announce(Change change) {
  log_file_.OnChange(change);
  audience_.Tell(change.kind);
  changed_(*this, change);
}

void Session::EndNow() {
  program_.MakeWay();
  audience_.PumpAll();
  if (!drain_.ReadAll(terminal_)) changed_(*this, {Change::kHeldUp});
  audience_.PumpAll();
  Finish();
}

void Session::Finish() {
  program_.Finish();
  EndLog();
  input_.Clear();
  input_.OfferRoom(clients());  // where input is dropped now
  Announce({Change::kEnded});
}

absl::Status Session::TellStatus(const ExitStatus& status) {
  const Outcome before = ring_.latest().outcome;
  RETURN_IF_ERROR(program_.TellStatus(status));
  if (ring_.latest().outcome == before) return absl::OkStatus();
  Announce({Change::kStatus});
  return absl::OkStatus();
}

absl::Status Session::Signal(int number, uid_t sender) {
  if (!running()) return absl::UnavailableError("no program runs");
  absl::Status sent =
      SendSignalFor(sender != 0 ? owner_ : sender, program_.pidfd(), number);
  // The terminal's own signals could be typed to any program.
  if (!sent.ok() && SignalForeground(terminal_.get(), number).ok()) {
    sent = absl::OkStatus();
  }
  if (sent.ok() && witness_ != nullptr) {
    witness_->OnSignalled(*this, sender, number);
  }
  return sent;
}

void Session::Attach(SessionClient& client, std::optional<uint64_t> from) {
  client.SetSession(this);
  from ? client.BeginAt(*from) : client.output().BeginWithPicture(ring_.end());
  audience_.Add(client);
  if (client.size()) ApplySize();
  log_file_.OnChange({Change::kAttached, &client});
  changed_(*this, {Change::kAttached, &client});
  audience_.Pump(client);
  UpdateInterest();
}

void Session::Detach(SessionClient& client) {
  const bool writes = writer_.OnLeft(client);
  audience_.Remove(client);
  client.SetSession(nullptr);
  std::string untyped = client.GiveUpPlace();
  NoteTyped(client, untyped);
  if (stopped_by_ == client.id()) {
    if (const auto key = ResumeKey(terminal_.get())) untyped.push_back(*key);
    stopped_by_ = 0;
  }
  input_.TakeLeft(client, running() && terminal_.valid() ? untyped : "");
  ApplySize();
  UpdateInterest();
  log_file_.OnChange({Change::kDetached, &client});
  changed_(*this, {Change::kDetached, &client});
  if (writes) Announce({Change::kWriter, writer_.client()});
}

void Session::Pump(SessionClient& client) {
  audience_.Pump(client);
  if (audience_.held()) UpdateInterest();
}

size_t Session::Type(SessionClient& from, absl::string_view keystrokes) {
  if (!running() || !terminal_.valid()) return keystrokes.size();
  const size_t taken = input_.Take(from, keystrokes);
  NoteTyped(from, keystrokes.substr(0, taken));
  if (!input_.WriteTo(terminal_)) changed_(*this, {Change::kHeldUp});
  UpdateInterest();
  return taken;
}

// The terminal's output may just be read, so it isn't written to at once.
void Session::TypeFromHead(absl::string_view keystrokes) {
  if (!running() || !terminal_.valid()) return;
  input_.TakeFromHead(keystrokes);
  WriteSoon();
}

void Session::NoteTyped(const SessionClient& from,
                        absl::string_view keystrokes) {
  if (witness_ != nullptr && !keystrokes.empty()) {
    witness_->OnTyped(*this, from, keystrokes, HidesTyping(terminal_.get()));
  }
  const Flow flow = FlowAfter(terminal_.get(), keystrokes);
  if (flow == Flow::kStopped) stopped_by_ = from.id();
  if (flow == Flow::kResumed) stopped_by_ = 0;
}

uint64_t Session::stopped_by() const {
  return stopped_by_ != 0 && ResumeKey(terminal_.get()) ? stopped_by_ : 0;
}

bool Session::PassInterrupt(SessionClient& from, absl::string_view keystrokes) {
  const bool passed =
      running() && input_.PassInterrupt(from, keystrokes, terminal_);
  if (passed && witness_ != nullptr) {
    witness_->OnTyped(*this, from, keystrokes, /*hidden=*/false);
  }
  if (passed) Lead(from);
  return passed;
}

void Session::Lead(SessionClient& client) {
  if (writer_.OnTyped(client)) Announce({Change::kWriter, &client});
  if (audience_.leader() == &client) return;
  audience_.Lead(client);
  ApplySize();
}

void Session::StopLeading(const SessionClient& client) {
  if (writer_.OnLeft(client)) Announce({Change::kWriter, writer_.client()});
  audience_.StopLeading(client);
}

void Session::GiveKeys(const SessionClient* to, const PeerIdentity* by) {
  if (!writer_.Give(to)) return;
  ApplySize();
  Announce({Change::kWriter, to, by});
}

void Session::AskForKeys(const SessionClient& client) {
  writer_.Ask(client);
  Announce({Change::kAskedForKeys, &client});
}

void Session::SetClientSize(SessionClient& client, WindowSize size) {
  if (!client.size()) client.OnFirstSize();
  if (witness_ != nullptr && client.size() != size) {
    witness_->OnSized(*this, client, size);
  }
  client.SetSize(size);
  audience_.Lead(client);
  ApplySize();
  client.OnSizes();
}

void Session::SetSizePolicy(std::optional<SizePolicy> own) {
  sizing_.SetOwnPolicy(own);
  ApplySize();
}

absl::Status Session::Resize(WindowSize size) {
  if (const SessionClient* const client = sizing_.Decider()) {
    return absl::NotFoundError(absl::StrCat(
        "the terminal of client ", client->id(), " decides the size of ", name_,
        "; deptyr kick ", name_, " ", client->id(),
        " makes it leave, and the size policy fixed lets nobody decide"));
  }
  const WindowSize before = this->size();
  if (SameCells(before, size)) return absl::OkStatus();
  sizing_.Set(size);
  OnNewSize(before);
  return absl::OkStatus();
}

void Session::TellOfSizes() {
  for (SessionClient* client : clients()) client->OnSizes();
}

void Session::ApplySize() {
  const WindowSize before = size();
  if (sizing_.Apply([this] { ApplySize(); })) OnNewSize(before);
}

void Session::OnNewSize(WindowSize before) {
  for (Observer* observer : drain_.observers()) observer->OnResize(size());
  if (terminal_.valid()) (void)SetWindowSize(terminal_.get(), size());
  if (SameCells(before, size())) return;
  TellOfSizes();
  Announce({Change::kResized});
}

void Session::Repaint() {
  if (running()) sizing_.Repaint(terminal_.get());
}

void Session::OnTerminal(Ready ready) {
  if (ready.writable) {
    if (!input_.WriteTo(terminal_)) changed_(*this, {Change::kHeldUp});
    input_.OfferRoom(clients());
  }
  if (ready.readable && MayRead()) {
    const bool ended = program_.exited();
    const bool waited = !drain_.Turn(terminal_, terminal_watch_, ended);
    if (waited) changed_(*this, {Change::kHeldUp});
  }
  UpdateInterest();
  if (running() && program_.settled() && drain_.drained()) Finish();
  // The program's children have let go of the PTY at last.
  if (!running() && drain_.closed()) DropTerminal();
}

void Session::UpdateInterest() {
  if (!terminal_.valid()) return;
  audience_.UpdateHold();
  const bool read = MayRead();
  const bool write = !reading_stopped_ && input_.wants_room();
  terminal_watch_.Set(TerminalInterest(read, write, drain_.closed()));
  // A child of the program may hold the terminal and be silent: then no event
  // tells that the last words are read, only a read that finds nothing.
  if (read && running() && program_.exited() && !drain_.drained() &&
      !soon_.pending()) {
    soon_ = loop_.After(absl::ZeroDuration(),
                        [this] { OnTerminal({.readable = true}); });
  }
}

void Session::StopReading() {
  reading_stopped_ = true;
  audience_.StopCounting();
  UpdateInterest();
}

void Session::TakeTerminal(Fd controller) {
  stopped_by_ = 0;
  terminal_ = SharedFd(std::move(controller), owner_);
  if (!terminal_.valid()) return;
  terminal_watch_ = loop_.Add(terminal_.get(), Interest::kRead,
                              [this](Ready ready) { OnTerminal(ready); });
}

void Session::DropTerminal() {
  audience_.StopHold();
  sizing_.StopRepaint();
  soon_.Reset();
  terminal_watch_.Reset();
  terminal_.Reset();
}

// The children of a program that has ended may keep its terminal for a while. A
// program that is replaced is hung up.
void Session::LeaveTerminal() {
  if (terminal_.valid() && program_.exited() && !drain_.closed()) {
    terminal_watch_.Reset();
    leftovers_.Add(loop_, std::move(terminal_),
                   [this] { changed_(*this, {Change::kHeldUp}); });
  }
  DropTerminal();
}

void Session::LoseTerminal() {
  if (!running() || !terminal_.valid()) return;
  Log(Severity::kWarning, "session=", name_, " pid=", program_.pid(),
      " loses its terminal: whoever passed it has cleared O_NONBLOCK, or reads "
      "and writes there, and that made head wait");
  DropTerminal();
  input_.Clear();
  drain_.SetDrained();
  changed_(*this, {Change::kTerminalLost});
  // Not at once: a client that types may be on the stack.  Input is dropped
  // now.
  input_.ExpectOffer();
  WriteSoon();
}

void Session::WriteSoon() {
  if (soon_.pending()) return;
  soon_ = loop_.After(absl::ZeroDuration(),
                      [this] { OnTerminal({.writable = true}); });
}

void Session::Resume(Fd controller, Fd pidfd, const SessionState& state,
                     KeptLogs logs) {
  sizing_.Resume(controller.get());
  log_.Remember(state);
  if (logs.log.valid()) {
    log_.Resume(LogSink::Take(std::move(logs.log)), std::move(logs.log_spool),
                state, size());
  }
  log_file_.Resume(std::move(logs.file_spool), size());
  audience_.SetAnswered(state.answered);
  if (keeps_screen_ && state.painted > 0) {
    LiveScreen::Parked screen{state.painted, state.modes, {}};
    if (state.exact) screen.paint = state.paint;
    screen.lacks_picture = state.lacks_picture;
    screen_.Resume(size(), std::move(screen));
  } else if (keeps_screen_) {
    screen_.Resume(size());
  }
  const bool lost_terminal = state.controller < 0 && state.pidfd >= 0;
  program_.Resume(std::move(pidfd), controller.valid() || lost_terminal, state);
  input_.Restore(state.keystrokes);
  if (!state.left_how.empty()) {
    post_mortem_ = PostMortem{
        state.left, {state.left_rows, state.left_cols}, state.left_how};
  }
  if (program_.number() == 0) return;
  // It may be what a program that has ended left running, and may have been in
  // the middle of Repaint().
  TakeTerminal(std::move(controller));
  stopped_by_ = state.stopped_by;
  if (terminal_.valid()) (void)SetWindowSize(terminal_.get(), size());
  if (!running() || !terminal_.valid()) drain_.SetDrained();
  // The head before may have died when its end was noted, and not yet logged.
  if (!running()) return EndLog();
  // It may have had no log files.
  if (!log_file_.open()) log_file_.Begin(size());
}

SessionState Session::Save() {
  sizing_.EndStorm();
  ApplySize();
  SessionState state;
  state.name = name_;
  state.ring = ring_.fd();
  state.controller = terminal_.get();
  program_.Save(state);
  log_.Save(state);
  state.file_spool = log_file_.spool();
  // This may answer a query, which is typed then.
  if (auto screen = keeps_screen_ ? screen_.Park() : std::nullopt) {
    state.painted = screen->offset;
    state.modes = std::move(screen->modes);
    state.exact = screen->paint.has_value();
    state.lacks_picture = screen->lacks_picture;
    state.paint = std::move(screen->paint).value_or("");
  }
  state.keystrokes = std::string(input_.bytes());
  const SessionClient* const leader = audience_.leader();
  state.leader = leader == nullptr ? 0 : leader->id();
  state.writer = writer_.client() == nullptr ? 0 : writer_.client()->id();
  state.writer_before =
      writer_.before() == nullptr ? 0 : writer_.before()->id();
  state.answered = audience_.answered();
  state.stopped_by = stopped_by_;
  if (post_mortem_) {
    state.left = post_mortem_->paint;
    state.left_rows = post_mortem_->size.rows;
    state.left_cols = post_mortem_->size.cols;
    state.left_how = post_mortem_->how;
  }
  return state;
}

void Session::Readmit(SessionClient& client) {
  client.SetSession(this);
  audience_.AddAgain(client);
}

void Session::OnReadmitted(const SessionState& state) {
  const auto client_of = [this](uint64_t id) -> const SessionClient* {
    const auto found = absl::c_find_if(
        clients(), [id](const auto* client) { return client->id() == id; });
    return found == clients().end() ? nullptr : *found;
  };
  writer_.Restore(client_of(state.writer), client_of(state.writer_before));
  if (const auto* const leader = client_of(state.leader)) {
    audience_.Lead(*leader);
  }
  TellOfSizes();
  audience_.Await(ring_.state().clients);
  audience_.PumpAll();
  UpdateInterest();
}

}  // namespace deptyr
