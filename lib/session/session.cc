#include "lib/session/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_join.h"

#include "lib/base/argv.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"

namespace deptyr {
namespace {

// Less room than this isn't worth a read; a PTY rarely gives more at once.
constexpr size_t kSmallestRead = 4096;
// Writing to so many takes longer than to gather what is written.
constexpr size_t kManyClients = 4;
// In so many turns in a row.
constexpr uint32_t kFloodTurns = 8;
// What another session's keystroke may have to wait for a flood.
constexpr Clock::duration kLongestTurn = std::chrono::microseconds(100);
constexpr Clock::duration kTurnPerClient = std::chrono::microseconds(2);
// Of one that looks for others all the while.
constexpr Clock::duration kLongestTurnAlone = std::chrono::microseconds(300);
// Beside other floods the next turn comes soon: what is gathered until then is
// written at once, for less than each alone.
constexpr size_t kGathered = 32 << 10;
constexpr absl::Duration kLongestGathering = absl::Milliseconds(5);
constexpr int kPatiencePauses = 4;
// More than a PTY can hold, which is some 18 KiB.
constexpr size_t kMostUnread = 64 << 10;

template <size_t size>
void CopyText(absl::string_view text, std::array<char, size>& kept) {
  kept = {};
  text.copy(kept.data(), kept.size() - 1);
}

}  // namespace

Session::Session(EventLoop& loop, std::string name, uid_t owner, Ring ring,
                 SessionOptions options,
                 absl::AnyInvocable<void(Session&, Change)> changed)
    : loop_(loop),
      name_(std::move(name)),
      owner_(owner),
      options_(options),
      ring_(std::move(ring)),
      changed_(std::move(changed)),
      screen_(loop, ring_) {
  ring_.state().owner = owner_;
  CopyText(name_, ring_.state().name);
}

Session::~Session() {
  for (Client* client : clients_) client->session_ = nullptr;
}

uint64_t Session::history_start() const {
  const uint64_t start = ring_.latest().begin;
  return start >= ring_.begin() ? start : ring_.SafeStart(ring_.begin());
}

void Session::SetArgv(const std::vector<std::string>& argv) {
  argv_ = JoinArgv(argv);
}

void Session::Start(Incarnation program) {
  if (running_) {
    if (HasEnded(pidfd_.get())) {
      exited_ = true;
    } else {
      replaced_ = true;
      status_settled_ = true;
    }
    // All that a PTY holds, even past a client that is being waited for: this
    // is the last chance.  A program that still writes isn't heard to no end.
    PumpAll();
    for (size_t all = 0; all < kMostUnread && !drained_;) {
      const size_t got = Read(kLargestRead);
      if (got == 0) break;
      all += got;
      if (RoomToRead() < kLargestRead) PumpAll();
    }
    PumpAll();
    AskForStatus();
    Finish();
  }
  LeaveController();
  // Where many are replaced at once, it is made when somebody asks, of what
  // the ring has by then.
  auto left = loop_.TurnIsLong() ? std::nullopt : TakePostMortem();
  post_mortem_ =
      left ? std::make_unique<PostMortem>(*std::move(left)) : nullptr;
  SetArgv(program.argv);
  CopyText(absl::StrJoin(program.argv, " "), ring_.state().command);
  CopyText("", ring_.state().exec_failure);
  size_ = program.size;
  RecordSize();
  ring_.Begin({.started = absl::ToUnixMillis(absl::Now()),
               .pid = program.pid,
               .rows = size_.rows,
               .cols = size_.cols});
  screen_.Begin(size_);
  ring_.RecordModes(ring_.end(), "");
  is_child_ = program.is_child;
  exited_ = drained_ = status_settled_ = false;
  read_since_exit_ = 0;
  status_.reset();
  replaced_ = not_executed_ = false;
  terminal_closed_ = held_ = resized_ = false;
  pidfd_ = std::move(program.pidfd);
  controller_ = SharedFd(std::move(program.controller));
  WatchProgram();
  ApplySize();
  for (Client* client : clients_) client->OnProgramStarted();
  changed_(*this, {Change::kStarted});
}

void Session::WatchProgram() {
  running_ = true;
  started_ = Clock::now() -
             absl::ToChronoNanoseconds(
                 absl::Now() - absl::FromUnixMillis(ring_.latest().started));
  pidfd_watch_ = loop_.Add(pidfd_.get(), Interest::kRead,
                           [this](Ready ready) { OnPidfd(ready); });
  if (controller_.valid()) WatchController();
}

void Session::WatchController() {
  controller_watch_ = loop_.Add(controller_.get(), Interest::kRead,
                                [this](Ready ready) { OnController(ready); });
}

void Session::Attach(Client& client, uint64_t cursor) {
  client.answered_ = answered_;
  client.BeginAt(cursor);
  client.lost_ = false;
  Admit(client);
}

void Session::Attach(Client& client) {
  client.answered_ = answered_;
  client.cursor_ = ring_.end();
  client.begun_ = false;
  client.lost_ = true;
  Admit(client);
}

void Session::Admit(Client& client) {
  client.session_ = this;
  client.waited_for_ = true;
  client.blocked_ = false;
  clients_.push_back(&client);
  const bool last_awaited =
      awaited_ > 0 && client.CameBack() && --awaited_ == 0;
  CountClients();
  if (client.size_) ApplySize();
  changed_(*this, {Change::kAttached, &client});
  Pump(client);
  if (!last_awaited) return;
  awaited_timer_.Reset();
  UpdateInterest();
}

void Session::Detach(Client& client) {
  std::erase(clients_, &client);
  client.session_ = nullptr;
  CountClients();
  client.in_line_.reset();
  // What it typed isn't taken back by leaving, once: many that come and are
  // made to leave would fill any memory.
  if (running_ && !keystrokes_.overfull()) {
    keystrokes_.Append(client.untyped_);
  }
  client.untyped_.clear();
  if (typist_ == &client) typist_ = nullptr;
  StopLeading(client);
  ApplySize();
  UpdateInterest();
  changed_(*this, {Change::kDetached, &client});
}

void Session::Pump(Client& client) {
  // Questions that others saw before it begins have been answered.
  if (!client.begun_) client.answered_ = answered_;
  AfterPump(client, client.Pump(ring_));
  if (held_) UpdateInterest();
}

void Session::PumpAll() {
  for (Client* client : clients_) {
    if (!client->blocked_) AfterPump(*client, client->Pump(ring_));
  }
}

void Session::AfterPump(Client& client, Client::Pumped pumped) {
  const bool waits = pumped == Client::Pumped::kWaits;
  const bool blocked = pumped == Client::Pumped::kBlocked;
  if (waits) client.waited_for_ = false;
  // A client that waited for its picture has its place now.
  const bool waits_no_more =
      blocked && !client.lost_ && options_.when_behind == WhenBehind::kBlock;
  if ((pumped == Client::Pumped::kAll || waits_no_more) && !client.leaving_) {
    client.waited_for_ = true;
  }
  if (!client.deaf() && !client.lost_) {
    answered_ = std::max(answered_, client.cursor_);
  }
  client.blocked_ = blocked || waits;
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
  if (options_.when_behind == WhenBehind::kBlock) return;
  if (!held_ || patience_timer_.pending()) return;  // the window isn't over
  for (Client* client : clients_) {
    if (client->waited_for_ && Lags(*client) &&
        client->TakenInWindow() < kLeastTaken) {
      PassOver(*client);
    }
  }
}

void Session::PassOver(Client& client) {
  client.waited_for_ = false;
  if (options_.when_behind == WhenBehind::kDrop) {
    client.Kick("it is too slow (--when-behind=drop)");
  }
}

// In pieces: of a machine that stood still, clients are charged with only one.
void Session::WaitForIdlers(int pauses) {
  patience_timer_ = loop_.After(kPatience / kPatiencePauses, [this, pauses] {
    if (pauses > 1) return WaitForIdlers(pauses - 1);
    UpdateInterest();
  });
}

void Session::UpdateInterest() {
  if (!controller_.valid()) return;
  const bool was_held = held_;
  if (RoomToRead() < kSmallestRead) PassOverIdlers();
  held_ = RoomToRead() < kSmallestRead;
  if (!held_) {
    patience_timer_.Reset();
  } else if (options_.when_behind != WhenBehind::kBlock &&
             !patience_timer_.pending()) {
    for (Client* client : clients_) client->StartWindow();
    WaitForIdlers(kPatiencePauses);
  }
  if (was_held && !held_) PumpAll();

  const bool read = MayRead();
  const bool write = !reading_stopped_ && !input_pause_.pending() &&
                     (!keystrokes_.empty() || input_was_full_);
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
  if (ready.readable && MayRead()) ReadTurn();
  UpdateInterest();
  FinishIfEnded();
}

void Session::ReadTurn() {
  const bool many = clients_.size() >= kManyClients;
  Clock::time_point end = Clock::now();
  end += many ? kLongestTurn +
                    static_cast<int64_t>(clients_.size()) * kTurnPerClient
              : kLongestTurnAlone;
  size_t room = RoomToRead();
  size_t got = 0;
  size_t all = 0;
  do {
    got = Read(room);
    all += got;
    room = RoomToRead();
  } while ((many || loop_.Alone()) && room >= kSmallestRead &&
           busy_poll_.MoreAfter(got, controller_.get(), many) &&
           Clock::now() < end);
  flood_turns_ =
      all < BusyPoll::kFlood ? 0 : std::min(flood_turns_ + 1, kFloodTurns);
  const bool floods = flood_turns_ == kFloodTurns;
  controller_watch_.SetFlood(floods);
  const bool may_gather = floods && !many && !clients_.empty() &&
                          room >= kSmallestRead &&
                          ring_.capacity() - room < kGathered;
  if (may_gather && !loop_.Alone()) {
    GatherMore();
  } else {
    gathering_.Reset();
    PumpAll();
  }
}

void Session::GatherMore() {
  if (gathering_.pending()) return;
  gathering_ = loop_.After(kLongestGathering, [this] {
    PumpAll();
    UpdateInterest();
  });
}

size_t Session::Read(size_t room) {
  if (room == 0) return 0;  // a read of nothing would look like the end
  room = std::min(room, kLargestRead);
  KeepPackets(room);
  const IoResult got = controller_.Read(ring_.Space(room));
  if (got.waited) {
    changed_(*this, {Change::kHeldUp});
    return 0;
  }
  if (got.state == IoState::kDone) {
    terminal_closed_ = false;
    ring_.Commit(got.bytes);
    if (options_.keeps_screen) {
      screen_.OnOutput();
      RecordModes();
    }
    if (exited_) read_since_exit_ += got.bytes;
    if (read_since_exit_ > kMostUnread) drained_ = true;
    return got.bytes;
  }
  terminal_closed_ = got.state != IoState::kWouldBlock;
  drained_ = exited_ || status_settled_;
  return 0;
}

// Often enough that the ring has what came after.
void Session::RecordModes() {
  if (ring_.end() - ring_.modes().offset < ring_.capacity() / 2) return;
  ring_.RecordModes(screen_.modes_offset(), screen_.Modes());
}

void Session::RecordSize() {
  RingState& state = ring_.state();
  state.rows = size_.rows;
  state.cols = size_.cols;
  state.resized = ring_.end();
  if (!running_) return;
  ring_.latest().rows = size_.rows;
  ring_.latest().cols = size_.cols;
}

// Reading this much may lap who isn't waited for.
void Session::KeepPackets(size_t room) {
  for (Client* client : clients_) {
    if (client->cursor_ + ring_.capacity() < ring_.end() + room) {
      client->KeepPacket(ring_);
    }
  }
}

void Session::StopReading() {
  reading_stopped_ = true;
  UpdateInterest();
}

}  // namespace deptyr
