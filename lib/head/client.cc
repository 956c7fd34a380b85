#include "lib/head/client.h"

#include <algorithm>
#include <utility>

#include "lib/head/session.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

// A client that never reads while its program restarts again and again.
constexpr size_t kMostInserts = 32;
// An answer arrives in one piece, or nearly; what stays alone was typed.
constexpr absl::Duration kReplyTime = absl::Milliseconds(50);
// What is on its way to a terminal, and its answers on their way back.
constexpr absl::Duration kReplayTime = absl::Seconds(1);

}  // namespace

Client::~Client() {
  if (session_ != nullptr) session_->Detach(*this);
}

void Client::InsertAt(uint64_t offset, std::string text) {
  inserts_.push_back({offset, std::move(text)});
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

Client::Pumped Client::Pump(const Ring& ring) {
  if (deaf_) {
    cursor_ = ring.end();
    return Pumped::kAll;
  }
  if (cursor_ < ring.begin()) {
    // Far enough ahead not to be lapped again by the next few reads.
    const uint64_t start = ring.SafeStart(ring.end() - ring.capacity() / 4);
    missed_ += start - cursor_;
    cursor_ = start;
    OnMissed();
  }
  while (owed(ring)) {
    const bool insert = !inserts_.empty() && inserts_[0].offset <= cursor_;
    absl::string_view bytes = insert ? inserts_[0].text : ring.From(cursor_);
    if (!insert && !inserts_.empty()) {
      bytes = bytes.substr(0, inserts_[0].offset - cursor_);
    }
    const IoResult wrote = WriteSome(out_fd_, bytes);
    switch (wrote.state) {
      case IoState::kDone:
        break;
      case IoState::kWouldBlock:
        if (!bytes.empty()) return Pumped::kBlocked;
        break;
      case IoState::kEnd:
      case IoState::kError:
        deaf_ = true;
        inserts_.clear();
        cursor_ = ring.end();
        return Pumped::kGone;
    }
    taken_ += wrote.bytes;
    if (!insert) {
      cursor_ += wrote.bytes;
      NoteReplayed();
    } else if (wrote.bytes == inserts_[0].text.size()) {
      inserts_.pop_front();
    } else {
      inserts_[0].text.erase(0, wrote.bytes);
    }
  }
  return Pumped::kAll;
}

}  // namespace deptyr
