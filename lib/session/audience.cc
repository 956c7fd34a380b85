#include "lib/session/audience.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"

#include "lib/base/step.h"

namespace deptyr {
namespace {

constexpr int kPatiencePauses = 4;
// Some of a client's longest pauses (lib/base/backoff.h): the machine may be
// busy.  A client that went away together with head costs so much, once.
constexpr absl::Duration kReturnTime = absl::Seconds(1);
constexpr absl::Duration kReturnTimeIfBlocking = absl::Seconds(5);

}  // namespace

void Audience::Add(SessionClient& client) {
  client.output().OnAttached();
  clients_.push_back(&client);
  if (awaited_ > 0 && client.CameBack() && --awaited_ == 0) {
    return_time_.Reset();
  }
  STEP(ring_.state().name.data(), "attached", client.CameBack(), returners());
  CountReturners();
}

void Audience::AddAgain(SessionClient& client) {
  const auto by_id = [](const SessionClient* a, const SessionClient* b) {
    return a->id() < b->id();
  };
  clients_.insert(absl::c_upper_bound(clients_, &client, by_id), &client);
}

void Audience::Remove(SessionClient& client) {
  std::erase(clients_, &client);
  if (writer_ == &client) writer_ = nullptr;
  StopLeading(client);
  STEP(ring_.state().name.data(), "left", 0, returners());
  CountReturners();
}

void Audience::Tell(Change::Kind change) {
  for (SessionClient* client : clients_) client->OnChange(change);
  PumpThisTurn();
}

void Audience::Pump(SessionClient& client) {
  const Pumped pumped = client.Pump(ring_);
  OutputCursor& cursor = client.output();
  cursor.OnPumped(pumped, when_behind_ == WhenBehind::kBlock);
  if (!cursor.stopped() && !cursor.lost() && !cursor.drawn()) {
    answered_ = std::max(answered_, cursor.offset());
  }
  client.WaitForRoom(pumped == Pumped::kBlocked);
  if (pumped == Pumped::kGone) client.OnGone();
}

void Audience::PumpAll() {
  for (SessionClient* client : clients_) {
    if (!client->output().blocked()) Pump(*client);
  }
}

// Begins where the turn before had to stop, so that the last ones aren't always
// the late ones.
void Audience::PumpThisTurn() {
  pump_.Reset();
  const size_t first = std::exchange(next_, 0);
  for (size_t i = 0; i < clients_.size(); ++i) {
    const size_t at = (first + i) % clients_.size();
    if (clients_[at]->output().blocked()) continue;
    Pump(*clients_[at]);
    if (i + 1 == clients_.size() || !loop_.TurnIsLong()) continue;
    next_ = at + 1;
    return PumpWithin(absl::ZeroDuration());
  }
}

void Audience::PumpWithin(absl::Duration time) {
  if (pump_.pending()) return;
  pump_ = loop_.After(time, [this] {
    PumpThisTurn();
    look_again_();
  });
}

size_t Audience::RoomToRead() const {
  uint64_t oldest = ring_.end();
  for (const SessionClient* client : clients_) {
    const OutputCursor& cursor = client->output();
    if (cursor.waited_for()) oldest = std::min(oldest, cursor.offset());
  }
  const uint64_t kept = ring_.end() - oldest;
  return kept > ring_.capacity() ? 0
                                 : static_cast<size_t>(ring_.capacity() - kept);
}

void Audience::KeepPackets(size_t room) {
  for (SessionClient* client : clients_) {
    if (client->output().offset() + ring_.capacity() < ring_.end() + room) {
      client->KeepPacket(ring_);
    }
  }
}

void Audience::UpdateHold() {
  const bool was_held = held_;
  if (RoomToRead() < kSmallestRead) PassOverIdlers();
  held_ = RoomToRead() < kSmallestRead;
  if (!held_) {
    patience_.Reset();
  } else if (when_behind_ != WhenBehind::kBlock && !patience_.pending()) {
    for (SessionClient* client : clients_) client->output().StartWindow();
    WaitForIdlers(kPatiencePauses);
  }
  if (was_held && !held_) PumpThisTurn();
}

void Audience::StopHold() {
  held_ = false;
  patience_.Reset();
}

// Whoever took too little since the ring was full is passed over.
void Audience::PassOverIdlers() {
  if (when_behind_ == WhenBehind::kBlock) return;
  if (!held_ || patience_.pending()) return;  // the window isn't over
  for (SessionClient* client : clients_) {
    OutputCursor& cursor = client->output();
    const uint64_t behind = ring_.end() - cursor.offset();
    if (!cursor.waited_for() || behind + kSmallestRead <= ring_.capacity() ||
        cursor.TakenInWindow() >= kLeastTaken) {
      continue;
    }
    cursor.PassOver();
    if (when_behind_ == WhenBehind::kDrop) {
      client->Kick("it is too slow (--when-behind=drop)");
    }
  }
}

// In pieces, so that a machine that stood still costs clients only one.
void Audience::WaitForIdlers(int pauses) {
  patience_ = loop_.After(kPatience / kPatiencePauses, [this, pauses] {
    if (pauses == 1) return look_again_();
    WaitForIdlers(pauses - 1);
  });
}

uint32_t Audience::returners() const {
  return static_cast<uint32_t>(absl::c_count_if(
      clients_,
      [](const SessionClient* client) { return client->ComesBack(); }));
}

void Audience::CountReturners() {
  if (!counts_) return;
  ring_.state().clients = awaited_ + returners();
  STEP(ring_.state().name.data(), "counted", ring_.state().clients);
}

void Audience::Await(uint32_t known) {
  awaited_ = std::max(known, returners()) - returners();
  STEP(ring_.state().name.data(), "awaits", awaited_);
  if (awaited_ == 0) return;
  const bool blocks = when_behind_ == WhenBehind::kBlock;
  return_time_ =
      loop_.After(blocks ? kReturnTimeIfBlocking : kReturnTime, [this] {
        awaited_ = 0;
        STEP(ring_.state().name.data(), "awaits", 0);
        CountReturners();
        look_again_();
      });
}

const SessionClient* Audience::LeadingTerminal() const {
  if (leader_ != nullptr && leader_->size()) return leader_;
  const auto latest =
      std::find_if(clients_.rbegin(), clients_.rend(),
                   [](const auto* client) { return client->size(); });
  return latest == clients_.rend() ? nullptr : *latest;
}

void Audience::SetWriter(const SessionClient* writer) {
  writer_ = writer;
  if (writer != nullptr) leader_ = writer;
}

bool Audience::TerminalAnswers() const {
  const SessionClient* const terminal = LeadingTerminal();
  return terminal != nullptr && terminal->answers() && Hears(*terminal);
}

bool Audience::Answers(const SessionClient& client) const {
  const SessionClient* answers = LeadingTerminal();
  if (answers == nullptr) answers = leader_;
  return answers == nullptr || answers == &client;
}

}  // namespace deptyr
