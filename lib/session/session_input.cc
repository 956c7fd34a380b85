// Of a session: what goes to the program.  Keystrokes, sizes, signals.
#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"

#include "lib/session/session.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr absl::Duration kRepaintPause = absl::Milliseconds(50);
// A program is given so many sizes in so long: a window that is dragged has
// 60 in a second, a client that means ill 100,000.
constexpr int kMostResizes = 4;
constexpr absl::Duration kResizePause = absl::Milliseconds(80);
constexpr absl::Duration kInputPause = absl::Milliseconds(100);

}  // namespace

bool Session::Answers(const SessionClient& client) const {
  if (leader_ != nullptr && leader_->size()) return leader_ == &client;
  // A script that typed has no terminal that could answer; who has one does.
  const SessionClient* answers = leader_;
  for (const SessionClient* candidate : clients_) {
    if (candidate->size()) answers = candidate;
  }
  return answers == nullptr || answers == &client;
}

size_t Session::Type(SessionClient& from, absl::string_view keystrokes) {
  if (!running_ || !controller_.valid()) return keystrokes.size();
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

bool Session::PassInterrupt(SessionClient& from, absl::string_view keystrokes) {
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
  if (input_pause_.pending()) return;
  while (!keystrokes_.empty()) {
    const size_t wanted = keystrokes_.bytes().size();
    const IoResult wrote = controller_.Write(keystrokes_.bytes());
    keystrokes_.Consume(wrote.bytes);
    if (wrote.waited) return changed_(*this, {Change::kHeldUp});
    if (wrote.state == IoState::kWouldBlock || wrote.bytes == wanted) return;
    if (wrote.state == IoState::kError) {  // the kernel lacked memory
      input_pause_ = loop_.After(kInputPause,
                                 [this] { OnController({.writable = true}); });
      return;
    }
    if (wrote.state != IoState::kDone) {
      keystrokes_.Clear();
      return;
    }
  }
}

// Who is first to fill the queue is last the next time.
void Session::OfferInputRoom() {
  if (!input_was_full_) return;
  for (size_t i = 0; i < clients_.size() && keystrokes_.room() > 0; ++i) {
    SessionClient& client = *clients_[next_to_type_++ % clients_.size()];
    if (client.typed_all()) continue;
    client.OnInputRoom();
  }
  // Who was first may have fitted in exactly, and the next still wait.
  input_was_full_ = absl::c_any_of(clients_, [](const SessionClient* client) {
    return !client->typed_all();
  });
}

void Session::Lead(SessionClient& client) {
  if (leader_ == &client) return;
  leader_ = &client;
  if (options_.size_policy == SizePolicy::kLatest) ApplySize();
}

void Session::SetClientSize(SessionClient& client, WindowSize size) {
  client.SetSize(size);
  leader_ = &client;
  ApplySize();
}

// Without a client that has a size, it stays as it is.  Of too many only the
// last is applied.
void Session::ApplySize() {
  std::optional<WindowSize> size;
  switch (options_.size_policy) {
    case SizePolicy::kFixed:
      return;
    case SizePolicy::kLatest:
      if (leader_ != nullptr) size = leader_->size();
      // Whoever led has left: the latest to come of the others.
      for (auto client = clients_.rbegin(); !size && client != clients_.rend();
           ++client) {
        size = (*client)->size();
      }
      break;
    case SizePolicy::kSmallest:
    case SizePolicy::kLargest:
      for (const SessionClient* client : clients_) {
        if (!client->size()) continue;
        if (!size) size = client->size();
        const auto pick = [&](uint16_t a, uint16_t b) {
          return options_.size_policy == SizePolicy::kSmallest ? std::min(a, b)
                                                               : std::max(a, b);
        };
        size = WindowSize{pick(size->rows, client->size()->rows),
                          pick(size->cols, client->size()->cols)};
      }
      break;
  }
  if (!size || *size == size_) return;
  if (!resize_pause_.pending()) {
    resizes_ = 0;
    resize_pause_ = loop_.After(kResizePause, [this] { ApplySize(); });
  }
  if (++resizes_ > kMostResizes) return;
  resized_ = resized_ || ring_.end() > ring_.latest().begin;
  Resize(*size);
}

absl::Status Session::Signal(int number,
                             const std::optional<PeerIdentity>& who) {
  if (!running_) return absl::UnavailableError("no program runs");
  const uid_t sender = who && who->uid == 0 ? 0 : owner_;
  absl::Status sent = SendSignalFor(sender, pidfd_.get(), number);
  // The terminal's own signals could be typed to any program.
  if (sent.ok() || !SignalForeground(controller_.get(), number).ok()) {
    return sent;
  }
  return absl::OkStatus();
}

void Session::Resize(WindowSize size) {
  size_ = size;
  RecordSize();
  repaint_timer_.Reset();
  screen_.Resize(size);
  if (controller_.valid()) (void)SetWindowSize(controller_.get(), size);
  for (SessionClient* client : clients_) client->OnResized(size);
  changed_(*this, {Change::kResized});
}

void Session::Repaint() {
  if (!running_ || repaint_timer_.pending()) return;
  WindowSize other = size_;
  other.rows = static_cast<uint16_t>(other.rows == UINT16_MAX ? other.rows - 1
                                                              : other.rows + 1);
  (void)SetWindowSize(controller_.get(), other);
  repaint_timer_ = loop_.After(
      kRepaintPause, [this] { (void)SetWindowSize(controller_.get(), size_); });
}

}  // namespace deptyr
