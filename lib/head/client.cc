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

uint64_t NextId() {
  static uint64_t last = 0;
  return ++last;
}

}  // namespace

Client::Client(EventLoop& loop, int out_fd, Output output)
    : loop_(loop), id_(NextId()), out_fd_(out_fd), output_(output) {}

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
    if (replies_.pending()) {
      flush_ = loop_.After(kReplyTime, [this] {
        untyped_ += replies_.Flush();
        TypeUntyped();
        OnInputUnblocked();
      });
    }
  }
  TypeUntyped();
}

void Client::TypeUntyped() {
  if (untyped_.empty()) return;
  if (session_ == nullptr) {
    untyped_.clear();
    return;
  }
  untyped_.erase(0, session_->Type(*this, untyped_));
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
  if (wrote.state == IoState::kEnd || wrote.state == IoState::kError) {
    return Pumped::kGone;
  }
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
  if (wrote.state != IoState::kDone) return Pumped::kGone;
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
  if (cursor_ < ring.begin()) {
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
    const bool insert =
        packet_left_ == 0 && !inserts_.empty() && inserts_[0].offset <= cursor_;
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
