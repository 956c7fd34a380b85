#include "lib/head/asker.h"

#include <array>
#include <utility>

#include "lib/sys/io.h"
#include "lib/sys/replace_self.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {

Asker::Asker(EventLoop& loop, Owner& owner, Fd connection,
             PeerIdentity identity, std::string received)
    : owner_(owner),
      connection_(std::move(connection)),
      identity_(std::move(identity)),
      inbox_(std::move(received)) {
  watch_ = loop.Add(connection_.get(), Interest::kRead,
                    [this](Ready ready) { OnReady(ready); });
}

Asker::Asker(EventLoop& loop, Owner& owner, const AskerState& state,
             PeerIdentity identity)
    : Asker(loop, owner, TakeOffered(state.fd), std::move(identity),
            state.inbox) {
  outbox_ = state.outbox;
  input_closed_ = state.input_closed;
}

AskerState Asker::Save() const {
  return {.fd = connection_.get(),
          .inbox = inbox_,
          .outbox = outbox_,
          .input_closed = input_closed_,
          .session = "",
          .listed = ""};
}

void Asker::Say(const HeadMessage& message) {
  Say(Encode(message));
}

void Asker::Say(absl::string_view encoded) {
  outbox_.append(encoded.data(), encoded.size());
  Flush();
}

void Asker::Refuse(absl::string_view code, absl::string_view text) {
  Say(Refused{.code = std::string(code), .text = std::string(text)});
}

void Asker::End() {
  if (std::exchange(is_over_, true)) return;
  watch_.Reset();
  owner_.OnAskerDone(*this);
}

void Asker::OnReady(Ready ready) {
  if (ready.writable && !outbox_.empty()) {
    Flush();
    return Advance();
  }
  if (!ready.readable) return;
  if (input_closed_) return End();  // a hang-up: nobody reads the answer
  if (outbox_.empty()) Receive();
}

void Asker::Receive() {
  std::array<char, 4096> room;
  const IoResult got = ReadSome(connection_.get(), room);
  if (got.state == IoState::kWouldBlock) return;
  if (got.state == IoState::kError) return End();
  input_closed_ = got.state == IoState::kEnd;
  inbox_.append(room.data(), got.bytes);
  Advance();
}

// The next question when the answer to the one before is taken: so nothing
// grows that somebody doesn't read.
void Asker::Advance() {
  while (!is_over_ && outbox_.empty()) {
    if (owner_.SayMore(*this)) continue;
    absl::string_view rest = inbox_;
    auto message = TakeMessage(rest);
    const bool is_ask = message.ok() && message->has_value() &&
                        std::holds_alternative<Ask>(**message);
    if (message.ok() && !message->has_value()) break;
    if (!is_ask) {
      Refuse(kRefusedMalformed, message.ok()
                                    ? "a message that has no place here"
                                    : message.status().message());
      return End();
    }
    inbox_.erase(0, inbox_.size() - rest.size());
    owner_.OnQuestion(*this, std::get<Ask>(**message));
  }
  if (input_closed_ && outbox_.empty()) End();
}

void Asker::Flush() {
  while (!is_over_ && !outbox_.empty()) {
    const IoResult wrote = WriteSome(connection_.get(), outbox_);
    if (wrote.state == IoState::kWouldBlock) break;
    if (wrote.state != IoState::kDone) return End();
    outbox_.erase(0, wrote.bytes);
  }
  if (is_over_) return;
  watch_.Set(!outbox_.empty() ? Interest::kWrite
             : input_closed_  ? Interest::kHangup
                              : Interest::kRead);
}

}  // namespace deptyr
