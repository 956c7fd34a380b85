// Of a session: how another head goes on with it, after this one's death or in
// its place.
#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"

#include "lib/base/argv.h"
#include "lib/session/session.h"
#include "lib/sys/pty.h"
#include "lib/sys/replace_self.h"

namespace deptyr {
namespace {

// Some of a client's longest pauses (lib/attach/reconnect.cc): the machine may
// be busy.  A client that went away together with head costs so much, once.
constexpr absl::Duration kReturnTime = absl::Seconds(1);
constexpr absl::Duration kReturnTimeIfBlocking = absl::Seconds(5);

}  // namespace

void Session::Resume(Fd controller, Fd pidfd,
                     std::optional<LiveScreen::Parked> screen,
                     bool lost_terminal) {
  const RingState& state = ring_.state();
  argv_ = state.command.data();
  size_ = {state.rows, state.cols};
  resized_ = state.resized > ring_.latest().begin;
  // Every byte of it was seen by some client, if there was one.
  answered_ = ring_.end();
  if (options_.keeps_screen && screen) {
    screen_.Resume(size_, *std::move(screen));
  } else if (options_.keeps_screen) {
    screen_.Resume(size_);
  }
  if (programs() == 0) return;
  pidfd_ = std::move(pidfd);
  controller_ = SharedFd(std::move(controller));
  // It may have been in the middle of Repaint().
  if (controller_.valid()) (void)SetWindowSize(controller_.get(), size_);
  if (ring_.latest().outcome == Outcome::kRuns) {
    if (pidfd_.valid() && (controller_.valid() || lost_terminal)) {
      drained_ = !controller_.valid();
      return WatchProgram();
    }
    Record();
  }
  exited_ = drained_ = status_settled_ = true;
  if (controller_.valid()) WatchController();  // what it left running
}

void Session::AwaitClients() {
  const uint32_t here = CountReturners();
  const uint32_t known = running_ ? ring_.state().clients : 0;
  awaited_ = std::max(known, here) - here;
  if (awaited_ == 0) return;
  const bool blocks = options_.when_behind == WhenBehind::kBlock;
  const absl::Duration time = blocks ? kReturnTimeIfBlocking : kReturnTime;
  awaited_timer_ = loop_.After(time, [this] {
    awaited_ = 0;
    CountClients();
    UpdateInterest();
  });
  UpdateInterest();
}

void Session::CountClients() {
  if (reading_stopped_) return;  // head ends: those who leave now come back
  ring_.state().clients = awaited_ + CountReturners();
}

uint32_t Session::CountReturners() const {
  return static_cast<uint32_t>(absl::c_count_if(
      clients_, [](const Client* client) { return client->ComesBack(); }));
}

void Session::Resume(const SessionState& state) {
  std::optional<LiveScreen::Parked> screen;
  if (state.painted > 0) {
    screen = {.offset = state.painted, .modes = state.modes, .paint = {}};
    if (state.exact) screen->paint = state.paint;
  }
  Resume(TakeOffered(state.controller), TakeOffered(state.pidfd),
         std::move(screen), state.controller < 0 && state.pidfd >= 0);
  if (!state.argv.empty()) SetArgv(state.argv);
  keystrokes_.Append(state.keystrokes);
  input_was_full_ = true;  // to whoever waits, room is offered
  answered_ = state.answered;
  not_executed_ = state.not_executed;
  if (running_ && state.status_told) status_ = {state.code, state.signal};
  if (!state.left_how.empty()) {
    post_mortem_ = std::make_unique<PostMortem>(
        PostMortem{.paint = state.left,
                   .size = {state.left_rows, state.left_cols},
                   .how = state.left_how});
  }
}

SessionState Session::Save() {
  resize_pause_.Reset();
  ApplySize();
  SessionState state{.name = name_,
                     .ring = ring_.fd(),
                     .controller = controller_.get(),
                     .pidfd = pidfd_.get(),
                     .argv = SplitArgv(argv_),
                     .keystrokes = std::string(keystrokes_.bytes()),
                     .leader = leader_ == nullptr ? 0 : leader_->id(),
                     .paint = "",
                     .modes = "",
                     .answered = answered_,
                     .not_executed = not_executed_,
                     .left = "",
                     .left_how = ""};
  if (status_) {
    state.status_told = true;
    state.code = status_->code;
    state.signal = status_->signal;
  }
  if (post_mortem_) {
    state.left = post_mortem_->paint;
    state.left_rows = post_mortem_->size.rows;
    state.left_cols = post_mortem_->size.cols;
    state.left_how = post_mortem_->how;
  }
  if (auto screen = options_.keeps_screen ? screen_.Park() : std::nullopt) {
    state.painted = screen->offset;
    state.modes = std::move(screen->modes);
    state.exact = screen->paint.has_value();
    state.paint = std::move(screen->paint).value_or("");
  }
  return state;
}

void Session::Readmit(Client& client) {
  client.session_ = this;
  // In the order they came, which says whose size is next (ApplySize()).
  clients_.insert(absl::c_upper_bound(clients_, &client,
                                      [](const Client* a, const Client* b) {
                                        return a->id() < b->id();
                                      }),
                  &client);
  client.ChargePictures();  // before others ask for one
}

void Session::OnReadmitted(uint64_t leader) {
  for (Client* client : clients_) {
    if (client->id() == leader) leader_ = client;
  }
  AwaitClients();  // of a head that died before the one that handed over
  PumpAll();
  UpdateInterest();
}

}  // namespace deptyr
