#include "lib/session/input_queue.h"

#include "absl/algorithm/container.h"

#include "lib/sys/pty.h"

namespace deptyr {

size_t InputQueue::Take(const SessionClient& from,
                        absl::string_view keystrokes) {
  const absl::string_view taken = keystrokes.substr(0, room());
  if (keystrokes_.empty()) {
    typist_ = &from;
  } else if (!taken.empty() && typist_ != &from) {
    typist_ = nullptr;
  }
  keystrokes_.Append(taken);
  if (taken.size() < keystrokes.size()) was_full_ = true;
  return taken.size();
}

// Many that come and are made to leave would fill any memory.
void InputQueue::TakeLeft(const SessionClient& from,
                          absl::string_view keystrokes) {
  if (!keystrokes_.overfull()) keystrokes_.Append(keystrokes);
  if (typist_ == &from) typist_ = nullptr;
}

void InputQueue::TakeFromHead(absl::string_view keystrokes) {
  if (!takes_from_head()) return;
  keystrokes_.Append(keystrokes);
  typist_ = nullptr;
}

void InputQueue::Restore(absl::string_view keystrokes) {
  keystrokes_.Append(keystrokes);
  was_full_ = true;  // whoever waits is offered room
}

bool InputQueue::PassInterrupt(const SessionClient& from,
                               absl::string_view keystrokes,
                               const SharedFd& terminal) const {
  if (keystrokes.empty() || keystrokes_.empty() || typist_ == &from) {
    return false;
  }
  // Whoever means it may press it more than once.
  if (keystrokes.find_first_not_of(keystrokes[0]) != keystrokes.npos) {
    return false;
  }
  const int signal = SignalOf(terminal.get(), keystrokes[0]);
  return signal != 0 && SignalForeground(terminal.get(), signal).ok();
}

bool InputQueue::WriteTo(const SharedFd& terminal) {
  constexpr absl::Duration kPause = absl::Milliseconds(100);
  while (!keystrokes_.empty() && !pause_.pending()) {
    const size_t wanted = keystrokes_.bytes().size();
    const IoResult wrote = terminal.Write(keystrokes_.bytes());
    keystrokes_.Consume(wrote.bytes);
    if (wrote.waited) return false;
    if (wrote.state == IoState::kWouldBlock || wrote.bytes == wanted) break;
    if (wrote.state == IoState::kEnd) keystrokes_.Clear();
    if (wrote.state == IoState::kError) {
      pause_ = loop_.After(kPause, [this] { write_again_(); });
      break;
    }
  }
  return true;
}

void InputQueue::OfferRoom(const std::vector<SessionClient*>& clients) {
  if (!was_full_) return;
  for (size_t i = 0; i < clients.size() && room() > 0; ++i) {
    SessionClient& client = *clients[next_++ % clients.size()];
    if (!client.typed_all()) client.OnInputRoom();
  }
  // The first may have fitted in exactly, and the next still wait.
  was_full_ = absl::c_any_of(clients, [](const SessionClient* client) {
    return !client->typed_all();
  });
}

}  // namespace deptyr
