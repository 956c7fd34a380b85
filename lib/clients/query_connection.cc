#include "lib/clients/query_connection.h"

#include <array>
#include <utility>

#include "lib/sys/io.h"

namespace deptyr {

QueryConnection::QueryConnection(EventLoop& loop, Owner& owner,
                                 UserCounts& counts, Fd connection,
                                 PeerIdentity identity, std::string received)
    : loop_(loop),
      owner_(owner),
      connection_(std::move(connection)),
      identity_(std::move(identity)),
      place_(counts.Take(identity_.uid)),
      inbox_(kLongestQuestion, std::move(received)) {
  watch_ = loop.Add(connection_.get(), Interest::kRead,
                    [this](Ready ready) { OnReady(ready); });
}

AskerState QueryConnection::Save() const {
  return {.fd = connection_.get(),
          .inbox = std::string(inbox_.bytes()),
          .outbox = std::string(outbox_.bytes()),
          .input_closed = input_closed_,
          .listens = standing_.events.has_value(),
          .session = standing_.events.value_or(""),
          .upgrades = standing_.upgrade,
          .lists = standing_.listed.has_value(),
          .listed = standing_.listed.value_or("")};
}

void QueryConnection::Resume(const AskerState& state) {
  outbox_.Append(state.outbox);
  input_closed_ = state.input_closed;
  if (state.listens) standing_.events = state.session;
  if (state.lists) standing_.listed = state.listed;
}

void QueryConnection::Say(std::string encoded, BacklogQuota* quota) {
  outbox_.Add(std::move(encoded));
  Flush();
  if (quota == nullptr || is_over_ || outbox_.empty()) return;
  held_ = std::make_unique<BacklogQuota::Held>(
      *quota, identity_.uid, owed(), connection_.get(),
      [this] { owner_.OnStuck(*this); });
}

void QueryConnection::SayLater(std::string encoded) {
  outbox_.Add(std::move(encoded));
  if (owed() >= kLargestWrite) return Flush();
  if (flush_.pending()) return;
  flush_ = loop_.After(absl::ZeroDuration(), [this] { Flush(); });
}

void QueryConnection::Wait(BacklogQuota& quota) {
  in_line_ = quota.Queue(identity_.uid, [this] {
    in_line_.reset();
    Advance();
  });
}

void QueryConnection::Refuse(absl::string_view code, absl::string_view text) {
  Say(Encode(Refused{.code = std::string(code), .text = std::string(text)}));
}

void QueryConnection::End() {
  if (std::exchange(is_over_, true)) return;
  watch_.Reset();
  flush_.Reset();
  place_.reset();
  held_.reset();
  in_line_.reset();
  owner_.OnQueryDone(*this);
}

void QueryConnection::OnReady(Ready ready) {
  if (ready.writable && !outbox_.empty()) {
    Flush();
    return Advance();
  }
  if (!ready.readable) return;
  // A hang-up: nobody reads the answer.
  if (input_closed_ || in_line_ != nullptr) return End();
  if (outbox_.empty()) Receive();
}

void QueryConnection::Receive() {
  std::array<char, 4096> room;
  const IoResult got = ReadSome(connection_.get(), room);
  if (got.state == IoState::kWouldBlock) return;
  if (got.state == IoState::kError) return End();
  input_closed_ = got.state == IoState::kEnd;
  inbox_.Append({room.data(), got.bytes});
  Advance();
}

void QueryConnection::Advance() {
  const auto may_go_on = [this] {
    return !is_over_ && outbox_.empty() && in_line_ == nullptr;
  };
  while (may_go_on()) {
    if (owner_.SayMore(*this)) continue;
    const auto message = inbox_.First();
    if (message.ok() && !message->has_value()) break;
    if (!message.ok() || !std::holds_alternative<Ask>(**message)) {
      Refuse(kRefusedMalformed, message.ok()
                                    ? "a message that has no place here"
                                    : message.status().message());
      return End();
    }
    owner_.OnQuestion(*this, std::get<Ask>(**message));
    if (in_line_ == nullptr) inbox_.DropFirst();
  }
  if (!is_over_) UpdateInterest();
  if (input_closed_ && may_go_on()) End();
}

void QueryConnection::Flush() {
  while (!is_over_ && !outbox_.empty()) {
    const IoResult wrote =
        WriteSome(connection_.get(), outbox_.bytes().substr(0, kLargestWrite));
    if (wrote.state == IoState::kWouldBlock) break;
    if (wrote.state != IoState::kDone) return End();
    if (held_ != nullptr) held_->Wrote(wrote.bytes);
    outbox_.Consume(wrote.bytes);
  }
  if (is_over_) return;
  if (outbox_.empty()) held_.reset();
  UpdateInterest();
}

void QueryConnection::UpdateInterest() {
  watch_.Set(!outbox_.empty()                       ? Interest::kWrite
             : input_closed_ || in_line_ != nullptr ? Interest::kHangup
                                                    : Interest::kRead);
}

}  // namespace deptyr
