// The screen of a session as it is now, for whoever comes late.
//
//   LiveScreen screen(loop, ring);
//   screen.Begin({24, 80});
//   ring.Commit(got.bytes);
//   screen.OnOutput();
//   const LiveScreen::Picture picture = screen.Take({24, 80});
//
// The digest sees every byte at once, in OnOutput().  The model, a terminal of
// cells, follows in idle time, in short slices of work (not of bytes: three
// bytes can change a whole screen), never before I/O.  It may stay a
// millisecond's text behind, which is done when somebody asks.  A model that
// nobody needs now is parked: kept as the escape sequences that repaint it, and
// freed.
//
// A program that writes less than the model parses (16 MB/s and more) always
// has an exact screen.  A flood laps the model, which then starts again when
// the flood is over or somebody asks, from the last clear or from what the end
// of the ring has; the picture is approximate until the whole screen is cleared
// again. Whoever asks waits a few milliseconds, whatever was written: a model
// that is still behind then is shown as it is, and the stream goes on from
// there.
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

  // A program starts, with a clean screen; what the ring gets from now on is
  // its output.
  void Begin(WindowSize size);
  // Another head has seen what the ring has of the last program, and left the
  // modes there (Ring::RecordModes()).
  void Resume(WindowSize size);
  struct Parked {
    uint64_t offset = 0;               // the screen is of all before this
    std::string modes;                 // Modes() there
    std::optional<std::string> paint;  // nothing if it wasn't exact
  };
  // The other head has left its screen, too.
  void Resume(WindowSize size, Parked screen);
  // What the next head resumes from; nothing if the ring makes the same screen.
  std::optional<Parked> Park();
  // The ring has got more.  Call it before the ring has lost that again.
  void OnOutput();
  void Resize(WindowSize size);

  // The sequences that make a terminal show this screen, whatever it shows now.
  struct Picture {
    std::string paint;
    uint64_t from;  // the stream goes on from this offset
    bool exact;
  };
  // `room` is the terminal's size.
  Picture Take(WindowSize room);

  bool exact() const;
  // Where the last whole sequence ended, and the modes in force there, for
  // Resume().
  uint64_t modes_offset() const { return Whole(); }
  std::string Modes() const;
  const std::string& title() const { return digest_.modes().title(); }
  bool parked() const { return !screen_.has_value(); }
  // What the present model has cost (Screen::work()).
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
  uint64_t begin_ = 0;  // the offset of the digest's first byte
  Digest digest_;
  WindowSize size_;    // the model's
  bool whole_ = true;  // the terminal is no larger than the model
  // The model, or what it was parked as, is of all before this.
  uint64_t modelled_ = 0;
  Digest behind_;              // has seen what the model has
  bool asked_ = false;         // somebody got less than all
  uint64_t learned_from_ = 0;  // the model's first byte
  // Only a clear from here on makes the screen known.
  uint64_t sure_from_ = 0;
  std::optional<Screen> screen_;
  // The last picture that took long, for all who ask within the same moment.
  struct Again {
    Picture picture;
    WindowSize room;
  };
  std::optional<Again> again_;
  Clock::time_point again_until_;
  // What paints the model, unless it is empty; the model has been written the
  // first `unparked_` bytes of it.
  std::string parked_;
  size_t unparked_ = 0;
  Timer idle_work_;
  Timer quiet_;
  Timer park_;
};

// The sequences that make a terminal show what one of this size shows after
// `bytes`, whatever it shows now.
std::string PaintingOf(absl::string_view bytes, WindowSize size);

}  // namespace deptyr
