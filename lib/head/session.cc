#include "lib/head/session.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/algorithm/container.h"

#include "lib/base/log.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

// Less room than this isn't worth a read; a PTY rarely gives more at once.
constexpr size_t kSmallestRead = 4096;
// More than a PTY can hold (its buffers end at 64 KiB and a bit).
constexpr size_t kMostUnread = 256 << 10;
// How long a supervisor may take to reap its child.  Until it does, the kernel
// doesn't tell anybody else how it ended.  daemontools' supervise reaps nothing
// in the first second after it started a program.
constexpr absl::Duration kReapTime = absl::Seconds(3);
// How long what a program left running may keep its old terminal once the next
// program has come.
constexpr absl::Duration kLeftoverTime = absl::Seconds(10);
constexpr absl::Duration kRepaintPause = absl::Milliseconds(50);

}  // namespace

Session::Session(EventLoop& loop, std::string name, uid_t owner, Ring ring,
                 SizePolicy size_policy,
                 absl::AnyInvocable<void(Session&)> changed,
                 WhenBehind when_behind)
    : loop_(loop),
      name_(std::move(name)),
      owner_(owner),
      ring_(std::move(ring)),
      size_policy_(size_policy),
      when_behind_(when_behind),
      changed_(std::move(changed)) {}

Session::~Session() {
  for (Client* client : clients_) client->session_ = nullptr;
}

Fd Session::ReleaseProcess() {
  pidfd_watch_.Reset();
  return std::move(pidfd_);
}

bool Session::IsAlive() {
  return running_ && !HasEnded(pidfd_.get());
}

uint64_t Session::history_start() const {
  return program_start_ >= ring_.begin() ? program_start_
                                         : ring_.SafeStart(ring_.begin());
}

std::string Session::State() const {
  if (running_) return absl::StrCat("runs, pid ", pid_);
  return programs_ == 0 ? "never started" : how_it_ended_;
}

void Session::Start(Incarnation program) {
  if (running_) {
    if (HasEnded(pidfd_.get())) {
      exited_ = true;
    } else {
      how_it_ended_ = "was replaced";
      status_settled_ = true;
    }
    // All that a PTY holds, even past a client that is being waited for: this
    // is the last chance.
    for (size_t i = 0; i <= kMostUnread / kSmallestRead && !drained_; ++i) {
      ReadOnce(kLargestRead);
    }
    AskForStatus();
    Finish();
  }
  LeaveController();
  ++programs_;
  program_start_ = ring_.end();
  pid_ = program.pid;
  argv_ = std::move(program.argv);
  started_ = Clock::now();
  size_ = program.size;
  is_child_ = program.is_child;
  running_ = true;
  exited_ = drained_ = status_settled_ = false;
  read_since_exit_ = 0;
  status_.reset();
  exec_failure_.clear();
  how_it_ended_.clear();
  terminal_closed_ = held_ = resized_ = false;
  pidfd_ = std::move(program.pidfd);
  controller_ = std::move(program.controller);
  controller_watch_ = loop_.Add(controller_.get(), Interest::kRead,
                                [this](Ready ready) { OnController(ready); });
  pidfd_watch_ = loop_.Add(pidfd_.get(), Interest::kRead,
                           [this](Ready ready) { OnPidfd(ready); });
  ApplySize();
  for (Client* client : clients_) client->OnProgramStarted();
  changed_(*this);
}

void Session::Attach(Client& client, uint64_t cursor) {
  client.session_ = this;
  client.BeginAt(cursor, answered_);
  client.waited_for_ = true;
  client.blocked_ = false;
  clients_.push_back(&client);
  if (client.size_) ApplySize();
  Pump(client);
}

void Session::Detach(Client& client) {
  std::erase(clients_, &client);
  client.session_ = nullptr;
  // What it typed isn't taken back by leaving.
  if (running_) keystrokes_.Append(client.untyped_);
  client.untyped_.clear();
  if (typist_ == &client) typist_ = nullptr;
  StopLeading(client);
  ApplySize();
  UpdateInterest();
}

void Session::Pump(Client& client) {
  AfterPump(client, client.Pump(ring_));
  if (held_) UpdateInterest();
}

void Session::PumpAll() {
  for (Client* client : clients_) {
    if (!client->blocked_) AfterPump(*client, client->Pump(ring_));
  }
}

void Session::AfterPump(Client& client, Client::Pumped pumped) {
  const bool blocked = pumped == Client::Pumped::kBlocked;
  if (pumped == Client::Pumped::kAll) client.waited_for_ = true;
  if (!client.deaf()) answered_ = std::max(answered_, client.cursor_);
  client.blocked_ = blocked;
  client.WaitForRoom(blocked);
  if (pumped == Client::Pumped::kGone) client.OnGone();
}

bool Session::Lags(const Client& client) const {
  return ring_.end() - client.cursor_ + kSmallestRead > ring_.capacity();
}

size_t Session::RoomToRead() {
  uint64_t oldest = ring_.end();
  for (const Client* client : clients_) {
    if (client->waited_for_) oldest = std::min(oldest, client->cursor_);
  }
  const uint64_t kept = ring_.end() - oldest;
  return kept > ring_.capacity() ? 0
                                 : static_cast<size_t>(ring_.capacity() - kept);
}

// The ring is full.  Whoever took too little since it has been is passed over.
void Session::PassOverIdlers() {
  if (when_behind_ == WhenBehind::kWait) return;
  if (!held_ || patience_timer_.pending()) return;  // the window isn't over
  for (Client* client : clients_) {
    if (client->waited_for_ && Lags(*client) &&
        client->TakenInWindow() < kLeastTaken) {
      client->waited_for_ = false;
    }
  }
}

void Session::UpdateInterest() {
  if (!controller_.valid()) return;
  const bool was_held = held_;
  if (RoomToRead() < kSmallestRead) PassOverIdlers();
  held_ = RoomToRead() < kSmallestRead;
  if (!held_) {
    patience_timer_.Reset();
  } else if (when_behind_ == WhenBehind::kPassOver &&
             !patience_timer_.pending()) {
    for (Client* client : clients_) client->StartWindow();
    patience_timer_ = loop_.After(kPatience, [this] { UpdateInterest(); });
  }
  if (was_held && !held_) PumpAll();

  const bool read = !held_ && !reading_stopped_;
  const bool write =
      !reading_stopped_ && (!keystrokes_.empty() || input_was_full_);
  const auto either = [&](Interest level, Interest edge) {
    controller_watch_.Set(terminal_closed_ ? edge : level);
  };
  if (read && write) {
    either(Interest::kReadWrite, Interest::kReadWriteEdge);
  } else if (read) {
    either(Interest::kRead, Interest::kReadEdge);
  } else if (write) {
    either(Interest::kWrite, Interest::kWriteEdge);
  } else {
    controller_watch_.Set(Interest::kNone);
  }
  // A child of the program may hold the terminal and be silent: then no event
  // tells that the last words are read, only a read that finds nothing.
  if (read && running_ && exited_ && !drained_ && !drain_timer_.pending()) {
    drain_timer_ = loop_.After(absl::ZeroDuration(),
                               [this] { OnController({.readable = true}); });
  }
}

void Session::OnController(Ready ready) {
  if (ready.writable) {
    WriteKeystrokes();
    OfferInputRoom();
  }
  if (ready.readable && !held_ && !reading_stopped_) ReadOnce(RoomToRead());
  UpdateInterest();
  FinishIfEnded();
}

void Session::ReadOnce(size_t room) {
  if (room == 0) return;  // a read of nothing would look like the end
  const IoResult got =
      ReadSome(controller_.get(), ring_.Space(std::min(room, kLargestRead)));
  if (got.state == IoState::kDone) {
    terminal_closed_ = false;
    ring_.Commit(got.bytes);
    if (exited_) read_since_exit_ += got.bytes;
    if (read_since_exit_ > kMostUnread) drained_ = true;
    PumpAll();
    return;
  }
  terminal_closed_ = got.state != IoState::kWouldBlock;
  drained_ = exited_ || status_settled_;
}

void Session::OnPidfd(Ready ready) {
  if (!exited_) {
    if (!HasEnded(pidfd_.get())) return;
    exited_ = true;
    // Until it is reaped, its pidfd stays readable; reaping is a hang-up.
    pidfd_watch_.Set(Interest::kHangup);
    status_timer_ = loop_.After(kReapTime, [this] {
      status_settled_ = true;
      FinishIfEnded();
    });
    if (!held_ && !reading_stopped_) ReadOnce(RoomToRead());
    UpdateInterest();
  }
  AskForStatus();
  if (ready.hangup) status_settled_ = true;
  // Nothing else comes from it, and a hang-up is told for ever.
  if (status_settled_) pidfd_watch_.Set(Interest::kNone);
  FinishIfEnded();
}

void Session::AskForStatus() {
  if (status_settled_) return;
  if (is_child_) {
    status_ = ReapChild(pidfd_.get());
    status_settled_ = status_.has_value();
    return;
  }
  const ExitAnswer answer = AskExitStatus(pidfd_.get());
  status_settled_ = answer.state != ExitAnswer::kNotYet;
  if (answer.state == ExitAnswer::kKnown) status_ = answer.status;
}

void Session::FinishIfEnded() {
  if (running_ && exited_ && (drained_ || reading_stopped_) &&
      status_settled_) {
    Finish();
  }
  // What the program left running let go of the PTY at last.
  if (!running_ && terminal_closed_) DropController();
}

void Session::Finish() {
  running_ = false;
  status_timer_.Reset();
  pidfd_watch_.Reset();
  pidfd_.Reset();
  keystrokes_.Clear();
  OfferInputRoom();  // where input is dropped now
  if (!exec_failure_.empty()) {
    how_it_ended_ = absl::StrCat("could not be executed: ", exec_failure_);
  } else if (how_it_ended_.empty()) {
    how_it_ended_ = status_ ? absl::StrCat("ended: ", Describe(*status_))
                            : "ended (its supervisor knows how)";
  }
  Log(Severity::kInfo, "session=", name_, " pid=", pid_, " ", how_it_ended_,
      ", after ",
      absl::FormatDuration(absl::Trunc(
          absl::FromChrono(Clock::now() - started_), absl::Milliseconds(1))));
  for (Client* client : clients_) client->OnProgramEnded(how_it_ended_);
  changed_(*this);
}

void Session::DropController() {
  patience_timer_.Reset();
  drain_timer_.Reset();
  repaint_timer_.Reset();
  controller_watch_.Reset();
  controller_.Reset();
  held_ = false;
}

// Only the past program's children hold its terminal: what they still write is
// nobody's any more, but they may write it.  A program that was replaced is
// hung up.
void Session::LeaveController() {
  if (controller_.valid() && exited_ && !terminal_closed_) {
    controller_watch_.Reset();
    leftovers_.push_back(std::make_unique<Leftover>());
    Leftover& leftover = *leftovers_.back();
    leftover.controller = std::move(controller_);
    leftover.watch = loop_.Add(
        leftover.controller.get(), Interest::kRead, [&leftover](Ready) {
          std::array<char, kSmallestRead> scrap;
          const IoResult got = ReadSome(leftover.controller.get(), scrap);
          const bool closed =
              got.state == IoState::kEnd || got.state == IoState::kError;
          if (closed) leftover.watch.Set(Interest::kNone);
          if (closed) leftover.controller.Reset();
        });
    leftover.patience = loop_.After(kLeftoverTime, [this, &leftover] {
      std::erase_if(leftovers_, [&](const std::unique_ptr<Leftover>& one) {
        return one.get() == &leftover;
      });
    });
  }
  DropController();
}

bool Session::Answers(const Client& client) const {
  if (leader_ != nullptr && leader_->size_) return leader_ == &client;
  // A script that typed has no terminal that could answer; who has one does.
  const Client* answers = leader_;
  for (const Client* candidate : clients_) {
    if (candidate->size_) answers = candidate;
  }
  return answers == nullptr || answers == &client;
}

size_t Session::Type(Client& from, absl::string_view keystrokes) {
  if (!running_) return keystrokes.size();
  const absl::string_view taken = keystrokes.substr(0, keystrokes_.room());
  if (keystrokes_.empty()) {
    typist_ = &from;
  } else if (!taken.empty() && typist_ != &from) {
    typist_ = nullptr;
  }
  keystrokes_.Append(taken);
  WriteKeystrokes();
  if (taken.size() < keystrokes.size()) input_was_full_ = true;
  UpdateInterest();
  return taken.size();
}

bool Session::PassInterrupt(Client& from, absl::string_view keystrokes) {
  if (!running_ || keystrokes.empty() || keystrokes_.empty() ||
      typist_ == &from) {
    return false;
  }
  // Whoever means it may press it more than once.
  if (keystrokes.find_first_not_of(keystrokes[0]) != keystrokes.npos) {
    return false;
  }
  const int signal = SignalOf(controller_.get(), keystrokes[0]);
  if (signal == 0 || !SignalForeground(controller_.get(), signal).ok()) {
    return false;
  }
  Lead(from);
  return true;
}

void Session::WriteKeystrokes() {
  while (!keystrokes_.empty()) {
    const IoResult wrote = WriteSome(controller_.get(), keystrokes_.bytes());
    if (wrote.state == IoState::kWouldBlock) return;
    if (wrote.state != IoState::kDone) {
      keystrokes_.Clear();
      return;
    }
    keystrokes_.Consume(wrote.bytes);
  }
}

// Who is first to fill the queue is last the next time.
void Session::OfferInputRoom() {
  if (!input_was_full_) return;
  for (size_t i = 0; i < clients_.size() && keystrokes_.room() > 0; ++i) {
    Client& client = *clients_[next_to_type_++ % clients_.size()];
    if (client.typed_all()) continue;
    client.TypeUntyped();
    if (!client.input_blocked()) client.OnInputUnblocked();
  }
  // Who was first may have fitted in exactly, and the next still wait.
  input_was_full_ = absl::c_any_of(
      clients_, [](const Client* client) { return !client->typed_all(); });
}

void Session::Lead(Client& client) {
  if (leader_ == &client) return;
  leader_ = &client;
  if (size_policy_ == SizePolicy::kLatest) ApplySize();
}

void Session::SetClientSize(Client& client, WindowSize size) {
  client.size_ = size;
  leader_ = &client;
  ApplySize();
}

// Without a client that has a size, it stays as it is.
void Session::ApplySize() {
  std::optional<WindowSize> size;
  switch (size_policy_) {
    case SizePolicy::kFixed:
      return;
    case SizePolicy::kLatest:
      if (leader_ != nullptr) size = leader_->size_;
      // Whoever led has left: the latest to come of the others.
      for (auto client = clients_.rbegin(); !size && client != clients_.rend();
           ++client) {
        size = (*client)->size_;
      }
      break;
    case SizePolicy::kSmallest:
    case SizePolicy::kLargest:
      for (const Client* client : clients_) {
        if (!client->size_) continue;
        if (!size) size = client->size_;
        const auto pick = [&](uint16_t a, uint16_t b) {
          return size_policy_ == SizePolicy::kSmallest ? std::min(a, b)
                                                       : std::max(a, b);
        };
        size = WindowSize{pick(size->rows, client->size_->rows),
                          pick(size->cols, client->size_->cols)};
      }
      break;
  }
  if (!size || *size == size_) return;
  resized_ = resized_ || ring_.end() > program_start_;
  Resize(*size);
}

absl::Status Session::Signal(int number) {
  if (!running_) return absl::UnavailableError("no program runs");
  absl::Status sent = SendSignal(pidfd_.get(), number);
  // To another user's program the terminal's own signals can be sent.
  if (sent.ok() || !SignalForeground(controller_.get(), number).ok()) {
    return sent;
  }
  return absl::OkStatus();
}

void Session::Resize(WindowSize size) {
  size_ = size;
  repaint_timer_.Reset();
  if (controller_.valid()) (void)SetWindowSize(controller_.get(), size);
}

void Session::Repaint() {
  if (!running_ || repaint_timer_.pending()) return;
  WindowSize other = size_;
  other.rows = static_cast<uint16_t>(other.rows == UINT16_MAX ? other.rows - 1
                                                              : other.rows + 1);
  (void)SetWindowSize(controller_.get(), other);
  repaint_timer_ = loop_.After(kRepaintPause, [this] { Resize(size_); });
}

void Session::StopReading() {
  reading_stopped_ = true;
  UpdateInterest();
}

}  // namespace deptyr
