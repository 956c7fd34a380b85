// A client's place in a session's ring, and how well it keeps up.  The client
// moves it; the audience reads it to decide how far the ring may go on
// (audience.h has the rule).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lib/sys/io.h"

namespace deptyr {

// The outcome of an attempt to write everything that a client is owed.
enum class Pumped {
  kAll,      // it has everything
  kBlocked,  // its descriptor takes no more now
  kWaits,    // it gets a picture in its turn, and is pumped when that comes
  kGone,     // it can't be written to any more
};

class OutputCursor {
 public:
  // Bytes that are still queued in `fd` count as not taken yet.  The descriptor
  // stays the client's.
  explicit OutputCursor(int fd) : fd_(fd) {}

  int fd() const { return fd_; }
  uint64_t offset() const { return offset_; }
  uint64_t missed() const { return missed_; }
  // The client has, or had, a place in the stream.
  bool begun() const { return begun_; }
  // Its offset is no place to go on from: the client needs a picture first.
  bool lost() const { return lost_; }
  // Nothing is written for it any more, and it holds up nobody.
  bool stopped() const { return stopped_; }
  // It gets one last text, and nothing more of the stream.
  bool leaving() const { return leaving_; }
  // The ring must not overwrite what this client hasn't taken yet.
  bool waited_for() const { return waited_for_; }
  // It isn't pumped until its descriptor has room, or its turn has come.
  bool blocked() const { return blocked_; }

  void BeginAt(uint64_t offset) {
    Restore(offset, missed_, /*begun=*/true, /*lost=*/false);
  }
  // It begins with a picture that is taken at `offset` or later.
  void BeginWithPicture(uint64_t offset) {
    Restore(offset, missed_, /*begun=*/false, /*lost=*/true);
  }
  // Makes it what it was in the program that handed it over.
  void Restore(uint64_t offset, uint64_t missed, bool begun, bool lost) {
    offset_ = offset;
    missed_ = missed;
    begun_ = begun;
    lost_ = lost;
  }
  void Advance(size_t bytes) { offset_ += bytes; }
  // The client goes on there, and misses everything between.  That may be
  // before its place, at the beginning of a sequence that isn't whole.
  void SkipTo(uint64_t offset) {
    missed_ += offset - std::min(offset, offset_);
    offset_ = offset;
    lost_ = false;
  }
  void Lose() { lost_ = true; }
  void Stop() { stopped_ = true; }
  // A cursor that is stopped pretends to have everything up to `end`.
  void PassTo(uint64_t end) { offset_ = end; }
  void Leave() {
    leaving_ = true;
    waited_for_ = false;
  }

  // The client is shown the screen in place of the stream, and nobody waits for
  // it; or it isn't any more.
  void SetDrawn(bool drawn) {
    drawn_ = drawn;
    if (drawn) waited_for_ = false;
  }
  bool drawn() const { return drawn_; }

  // The client was attached, and is waited for from now on.
  void OnAttached() {
    waited_for_ = !drawn_;
    blocked_ = false;
  }
  void PassOver() { waited_for_ = false; }
  // With `always`, a client that is behind is waited for, too.
  void OnPumped(Pumped pumped, bool always) {
    blocked_ = pumped == Pumped::kBlocked || pumped == Pumped::kWaits;
    if (pumped == Pumped::kWaits) waited_for_ = false;
    // A client that waited for its picture has its place now.
    const bool placed = pumped == Pumped::kBlocked && !lost_ && always;
    if ((pumped == Pumped::kAll || placed) && !leaving_ && !drawn_) {
      waited_for_ = true;
    }
  }

  // Its descriptor took this many bytes, of whatever kind.
  void NoteTaken(size_t bytes) { taken_ += bytes; }
  void StartWindow() {
    taken_ = 0;
    queued_ = BytesQueued(fd_);
  }
  // How much the client itself took in the present window.  The bytes that its
  // descriptor took would say too little: a socket says that it has room only
  // when half of what it holds is gone.
  size_t TakenInWindow() const {
    const size_t given = taken_ + queued_;
    const size_t still_queued = BytesQueued(fd_);
    return given > still_queued ? given - still_queued : 0;
  }

 private:
  const int fd_;
  bool begun_ = false;
  bool lost_ = false;
  bool stopped_ = false;
  bool leaving_ = false;
  bool drawn_ = false;
  bool waited_for_ = true;
  bool blocked_ = false;
  uint64_t offset_ = 0;
  uint64_t missed_ = 0;
  size_t taken_ = 0;   // since the window began
  size_t queued_ = 0;  // in the descriptor when it began
};

}  // namespace deptyr
