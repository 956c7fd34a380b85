#include "lib/head/client.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/head/session.h"
#include "lib/sys/io.h"
#include "lib/wire/messages.h"

namespace deptyr {
namespace {

// A client that never reads while its program restarts again and again.
constexpr size_t kMostInserts = 32;
// An answer arrives in one piece, or nearly; what stays alone was typed.
constexpr absl::Duration kReplyTime = absl::Milliseconds(50);
// What is on its way to a terminal, and its answers on their way back.
constexpr absl::Duration kReplayTime = absl::Seconds(1);

// How long a program may leave unread what a client left behind.
constexpr absl::Duration kAbandonTime = absl::Seconds(60);

uint64_t last = 0;

}  // namespace

Client::Client(EventLoop& loop, int out_fd, Output output)
    : loop_(loop), id_(++last), out_fd_(out_fd), output_(output) {}

uint64_t Client::last_id() {
  return last;
}

void Client::GoOnAfter(uint64_t id) {
  last = std::max(last, id);
}

Client::~Client() {
  if (session_ != nullptr) session_->Detach(*this);
}

void Client::Add(Insert insert) {
  const auto after = std::upper_bound(
      inserts_.begin(), inserts_.end(), insert.offset,
      [](uint64_t at, const Insert& other) { return at < other.offset; });
  inserts_.insert(after, std::move(insert));
  // The first may be half written.
  if (inserts_.size() > kMostInserts) inserts_.erase(inserts_.begin() + 1);
}

void Client::GoDeaf() {
  deaf_ = true;
  inserts_.clear();
  if (session_ != nullptr) session_->Pump(*this);
}

void Client::LeaveWith(const Ring& ring, std::string text) {
  if (deaf_) return;
  KeepPacket(ring);
  inserts_.resize(insert_begun_ ? 1 : 0);
  inserts_.push_back({cursor_, std::move(text), false});
  leaving_ = true;
  waited_for_ = false;
}

void Client::BeginAt(uint64_t cursor, uint64_t answered) {
  cursor_ = cursor;
  answered_ = answered;
  replaying_ = cursor < answered;
  replayed_.Reset();
}

void Client::NoteReplayed() {
  if (!replaying_ || cursor_ < answered_ || replayed_.pending()) return;
  replayed_ = loop_.After(kReplayTime, [this] { replaying_ = false; });
}

ClientState Client::Save() const {
  ClientState state{.id = id_,
                    .since = absl::ToUnixMillis(since_),
                    .session = session_ == nullptr ? "" : session_->name(),
                    .cursor = cursor_,
                    .missed = missed_,
                    .deaf = deaf_,
                    .rows = size_ ? size_->rows : uint16_t{0},
                    .cols = size_ ? size_->cols : uint16_t{0},
                    .untyped = untyped_,
                    .held = replies_.held(),
                    .answered = answered_,
                    .replaying = replaying_,
                    .header = header_,
                    .packet_left = packet_left_,
                    .insert_begun = insert_begun_,
                    .inserts = {}};
  for (const Insert& insert : inserts_) {
    state.inserts.push_back({insert.offset, insert.text, insert.for_now});
  }
  return state;
}

void Client::Restore(const ClientState& state) {
  id_ = state.id;
  GoOnAfter(id_);
  since_ = absl::FromUnixMillis(state.since);
  missed_ = state.missed;
  deaf_ = state.deaf;
  if (state.rows != 0 || state.cols != 0) size_ = {state.rows, state.cols};
  untyped_ = state.untyped;
  header_ = state.header;
  packet_left_ = static_cast<size_t>(state.packet_left);
  insert_begun_ = state.insert_begun;
  for (const InsertState& insert : state.inserts) {
    inserts_.push_back({insert.offset, insert.text, insert.for_now});
  }
  BeginAt(state.cursor, state.answered);
  replaying_ = state.replaying;
  NoteReplayed();
  // It has been looked at, so all of it is held again.
  untyped_ += replies_.Feed(state.held);
  FlushRepliesLater();
  if (deaf_) WatchTyping();
}

void Client::Type(absl::string_view keystrokes) {
  if (session_ == nullptr || session_->PassInterrupt(*this, keystrokes)) return;
  flush_.Reset();
  if (!replaying_ && session_->Answers(*this)) {
    if (!IsReport(keystrokes)) session_->Lead(*this);
    untyped_ += replies_.Flush();
    untyped_.append(keystrokes.data(), keystrokes.size());
  } else {
    const std::string typed = replies_.Feed(keystrokes);
    if (!typed.empty() && !IsReport(typed)) session_->Lead(*this);
    untyped_ += typed;
    FlushRepliesLater();
  }
  TypeUntyped();
}

void Client::FlushRepliesLater() {
  if (!replies_.pending()) return;
  flush_ = loop_.After(kReplyTime, [this] {
    untyped_ += replies_.Flush();
    TypeUntyped();
    OnInputUnblocked();
  });
}

void Client::TypeUntyped() {
  if (untyped_.empty()) return;
  if (session_ == nullptr) {
    untyped_.clear();
    return;
  }
  const size_t taken = session_->Type(*this, untyped_);
  typed_ += taken;
  untyped_.erase(0, taken);
}

void Client::TypeOut() {
  if (!deaf_) GoDeaf();
  if (!abandon_.pending()) WatchTyping();
}

void Client::WatchTyping() {
  abandon_ = loop_.After(kAbandonTime, [this, typed = typed_] {
    if (typed == typed_) return OnAbandoned();
    WatchTyping();
  });
}

void Client::StartWindow() {
  taken_ = 0;
  queued_ = BytesQueued(out_fd_);
}

size_t Client::TakenInWindow() const {
  const size_t given = taken_ + queued_;
  const size_t still_queued = BytesQueued(out_fd_);
  return given > still_queued ? given - still_queued : 0;
}

uint64_t Client::Rejoin(const Ring& ring) {
  // Far enough ahead not to be lapped again by the next few reads.
  return ring.SafeStart(ring.end() - ring.capacity() / 4);
}

void Client::BeginPacket(size_t size) {
  packet_left_ = std::min(size, kLongestOutput);
  header_ = OutputHeader(packet_left_);
}

void Client::KeepPacket(const Ring& ring) {
  if (packet_left_ == 0) return;
  inserts_.push_front(
      {cursor_,
       absl::StrCat(header_, ring.From(cursor_).substr(0, packet_left_)),
       false});
  insert_begun_ = true;
  cursor_ += packet_left_;
  packet_left_ = 0;
  header_.clear();
}

Client::Pumped Client::WriteInsert() {
  std::string& text = inserts_[0].text;
  const IoResult wrote = WriteSome(out_fd_, text);
  if (wrote.state == IoState::kWouldBlock && !text.empty()) {
    return Pumped::kBlocked;
  }
  if (wrote.state == IoState::kEnd) return Pumped::kGone;
  if (wrote.state == IoState::kError) return OnWriteFailed();
  taken_ += wrote.bytes;
  insert_begun_ = wrote.bytes != text.size();
  if (!insert_begun_) {
    inserts_.pop_front();
  } else {
    text.erase(0, wrote.bytes);
  }
  return Pumped::kAll;
}

Client::Pumped Client::WriteStream(const Ring& ring, size_t most) {
  absl::string_view bytes = ring.From(cursor_).substr(0, most);
  if (output_ == Output::kPackets) {
    if (packet_left_ == 0) BeginPacket(bytes.size());
    bytes = bytes.substr(0, packet_left_);
  }
  const IoResult wrote = WriteSome(out_fd_, header_, bytes);
  if (wrote.state == IoState::kWouldBlock) return Pumped::kBlocked;
  if (wrote.state == IoState::kEnd) return Pumped::kGone;
  if (wrote.state == IoState::kError) return OnWriteFailed();
  taken_ += wrote.bytes;
  const size_t of_header = std::min(header_.size(), wrote.bytes);
  header_.erase(0, of_header);
  cursor_ += wrote.bytes - of_header;
  if (packet_left_ > 0) packet_left_ -= wrote.bytes - of_header;
  NoteReplayed();
  return Pumped::kAll;
}

Client::Pumped Client::Pump(const Ring& ring) {
  if (deaf_) {
    cursor_ = ring.end();
    return Pumped::kAll;
  }
  if (cursor_ < ring.begin() && !leaving_) {
    const auto first = inserts_.begin() + (insert_begun_ ? 1 : 0);
    inserts_.erase(
        std::remove_if(first, inserts_.end(),
                       [](const Insert& insert) { return insert.for_now; }),
        inserts_.end());
    const uint64_t start = Rejoin(ring);
    missed_ += start - cursor_;
    cursor_ = start;
  }
  while (owed(ring)) {
    const bool insert = leaving_ || (packet_left_ == 0 && !inserts_.empty() &&
                                     inserts_[0].offset <= cursor_);
    const Pumped pumped =
        insert ? WriteInsert()
               : WriteStream(ring, inserts_.empty()
                                       ? std::numeric_limits<size_t>::max()
                                       : inserts_[0].offset - cursor_);
    if (pumped == Pumped::kBlocked) return pumped;
    if (pumped == Pumped::kGone) {
      deaf_ = true;
      inserts_.clear();
      cursor_ = ring.end();
      return pumped;
    }
  }
  return Pumped::kAll;
}

}  // namespace deptyr
