// The screen of a session as it is now, for whoever comes late.
//
//   OnOutput() sees every byte with the digest, at once;
//   the model follows in idle time, in short slices of work (not of bytes:
//   three of them can be a whole screen's), never before I/O, and a
//   millisecond's text behind: that is done when somebody asks;
//   a model that nobody needs now is parked: kept as the escape sequences that
//   repaint it, and freed.
//
// A program that writes less than the model parses (16 MB/s and more) has an
// exact screen, always.  One that floods laps it: then the model starts again
// when the flood is over or somebody asks, from the last clear or from what the
// ring's end has, and the picture is approximate until all is cleared again.
// Who asks waits for a few milliseconds, whatever was written: a model that is
// still behind then is shown as it is, and the stream goes on from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/session/ring.h"
#include "lib/sys/event_loop.h"
#include "lib/term/digest.h"
#include "lib/term/screen.h"

namespace deptyr {

class LiveScreen {
 public:
  LiveScreen(EventLoop& loop, const Ring& ring) : loop_(loop), ring_(ring) {}
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // A program that starts has a clean screen; what the ring gets from now on is
  // its.
  void Begin(WindowSize size);
  // What the ring has of the last program was seen by another head, which left
  // its modes there (Ring::RecordModes), and maybe the screen.
  void Resume(WindowSize size);
  struct Parked {
    uint64_t offset = 0;               // it is of all before
    std::string modes;                 // that were in force there, Modes()
    std::optional<std::string> paint;  // nothing if it wasn't exact
  };
  void Resume(WindowSize size, Parked screen);
  // For that.  Nothing if the ring alone makes it as well.
  std::optional<Parked> Park();
  // The ring has more.  To be called before it has lost what is new.
  void OnOutput();
  void Resize(WindowSize size);

  // What makes any terminal, whatever it shows, show this screen.
  struct Picture {
    std::string paint;
    uint64_t from;  // the offset from where on the stream goes on
    bool exact;
  };
  // For a terminal of `room`.
  Picture Take(WindowSize room);

  bool exact() const;
  // For Resume(): the modes in force where the last whole sequence ended.
  uint64_t modes_offset() const { return Whole(); }
  std::string Modes() const;
  const std::string& title() const { return digest_.modes().title(); }
  bool parked() const { return !screen_.has_value(); }
  // What the model has cost that there is now (lib/term/screen.h).
  uint64_t work() const { return screen_ ? screen_->work() : 0; }

 private:
  uint64_t Whole() const { return begin_ + digest_.whole(); }
  bool lapped() const { return modelled_ < ring_.begin(); }
  bool ClearedAt(uint64_t first) const;
  bool IsBehind() const;
  uint64_t Shown() const;
  void FollowSoon();
  void Advance(uint64_t most);
  void AwaitQuiet();
  void StartAgain(bool at_once);
  bool CatchUp(uint64_t most, bool needs_model);
  Picture Make(WindowSize room, uint64_t most);
  std::string PaintFor(WindowSize room, bool& all);
  void Forget();
  void ForgetParked();
  void Unpark();
  void ParkLater();
  void ParkNow();

  EventLoop& loop_;
  const Ring& ring_;
  uint64_t begin_ = 0;  // the digest's first byte
  Digest digest_;
  WindowSize size_;    // that of the model
  bool whole_ = true;  // which is the terminal's
  // The model has all before this; it, or what it was parked as, which then is
  // of all before this.
  uint64_t modelled_ = 0;
  Digest behind_;       // has seen what the model has
  bool asked_ = false;  // somebody got less than all
  uint64_t learned_from_ = 0;
  // Only a clear from here on makes the screen known.
  uint64_t sure_from_ = 0;
  std::optional<Screen> screen_;
  // The last picture that took long, for who asks within the same moment.
  struct Again {
    Picture picture;
    WindowSize room;
  };
  std::optional<Again> again_;
  Clock::time_point again_until_;
  // If not empty, what paints the model, which has its first bytes.
  std::string parked_;
  size_t unparked_ = 0;
  Timer idle_work_;
  Timer quiet_;
  Timer park_;
};

// What makes any terminal, whatever it shows, show what a terminal of this size
// shows after these bytes.
std::string PaintingOf(absl::string_view bytes, WindowSize size);

}  // namespace deptyr
