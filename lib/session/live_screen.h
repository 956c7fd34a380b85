// The screen of a session as it is now, for whoever comes late.
//
//   LiveScreen screen(loop, ring);
//   screen.OnStart({.rows = 24, .cols = 80});
//   ... ring.Commit(count); screen.OnOutput(); ...
//   LiveScreen::Picture picture = screen.Take({.rows = 24, .cols = 80});
//
// The digest sees every byte at once, in OnOutput().  The model of the screen
// follows in idle time, never before I/O, in short slices of work (not of
// bytes: three of them can be a whole screen's work).  It stays up to a
// millisecond's text behind, which is done when somebody asks.  A model that
// nobody needs now is parked: kept as the escape sequences that repaint it, and
// freed.
//
// A program that writes less than the model parses (16 MB/s and more) always
// has an exact screen.  A program that floods laps the model.  Then the model
// starts again when the flood is over or somebody asks, from the last clear or
// from the end of the ring, and the picture is approximate until all that is
// shown has been written since: cleared, or scrolled in.  Whoever asks waits
// for a few milliseconds, whatever was written: a model that is still behind
// then is shown as it is, and the stream goes on from there.
//
// A program that asks where its cursor is waits, too: the model goes on to that
// place at once, or in idle time if that takes longer than a slice.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/session/observer.h"
#include "lib/session/query_answers.h"
#include "lib/session/ring.h"
#include "lib/sys/event_loop.h"
#include "lib/term/digest.h"
#include "lib/term/screen.h"
#include "lib/term/viewport.h"

namespace deptyr {

class LiveScreen final : public Observer {
 public:
  // Shows `answers`, if there is one, the queries of the program.
  LiveScreen(EventLoop& loop, Ring& ring, QueryAnswers* answers = nullptr)
      : loop_(loop), ring_(ring), answers_(answers) {}
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // A program that starts has a clean screen; the screen of one that is adopted
  // isn't known.
  void OnStart(WindowSize size) override;
  // Another head saw what the ring has of the last program; it left the modes
  // there (Ring::RecordModes), and maybe the screen.
  void Resume(WindowSize size);
  struct Parked {
    uint64_t offset = 0;               // it shows everything before this
    std::string modes;                 // the Modes() in force there
    std::optional<std::string> paint;  // nothing if it wasn't exact
    bool lacks_picture = false;        // all but a picture is in the paint
  };
  // The other head has left its screen, too.
  void Resume(WindowSize size, Parked screen);
  // Returns the screen with which the next head resumes, or nothing if that can
  // make the same from the ring alone.
  std::optional<Parked> Park();
  void OnOutput() override;
  void OnResize(WindowSize size) override;

  // Makes a terminal that is blank and has been reset show this screen.
  struct Picture {
    // The same for any terminal, whatever it shows.  Without a paint it is
    // left as it is.
    std::string ForAnyTerminal() const;

    std::string paint;
    uint64_t from;  // the stream goes on from this offset
    bool exact;
  };
  // `room` is the terminal's size.
  Picture Take(WindowSize room);
  // The same by `view`, for a terminal of another size: the picture has only
  // what that doesn't show yet.  It is of an earlier offset than the ring's end
  // if the model couldn't follow in time.
  Picture Draw(Viewport& view, WindowSize room);
  // Until then no more should be drawn, so that drawing takes only a small part
  // of the time, however large the screen and however many look at it.
  Clock::time_point draw_after() const { return draw_after_; }

  bool exact() const;
  // The modes in force where the last whole sequence ended: OnOutput() records
  // them in the ring now and then.
  uint64_t modes_offset() const { return Whole(); }
  std::string Modes() const;
  bool reports_size() const { return digest_.modes().reports_size(); }
  const std::string& title() const { return digest_.modes().title(); }
  bool parked() const { return screen_ == nullptr; }
  // The offset after the last BEL that rings; 0 if there was none.
  uint64_t last_bell() const {
    return digest_.last_bell() == 0 ? 0 : begin_ + digest_.last_bell();
  }
  // How much work the present model has taken (lib/term/screen.h).
  uint64_t work() const { return screen_ ? screen_->work() : 0; }

 private:
  void Begin(WindowSize size);
  void RecordModes();
  uint64_t Whole() const { return begin_ + digest_.whole(); }
  bool lapped() const { return modelled_ < ring_.begin(); }
  bool ClearedAt(uint64_t first) const;
  bool HasText() const;
  bool IsBehind() const;
  bool IsAwaited() const { return answers_ != nullptr && answers_->waits(); }
  uint64_t Shown() const;
  const Digest& ShownDigest() const;
  void FollowSoon();
  void Advance(uint64_t most);
  void AnswerWithCursor();
  void AnswerNow();
  void AwaitQuiet();
  void ResizeModel(WindowSize modelled);
  void StartAgain(bool at_once);
  bool CatchUp(uint64_t most, bool needs_model);
  Picture Make(WindowSize room, uint64_t most);
  std::string PaintFor(WindowSize room, bool& all);
  void Doubt();
  void Forget();
  void ForgetParked();
  void Unpark();
  void ParkLater();
  void ParkNow();

  EventLoop& loop_;
  Ring& ring_;
  QueryAnswers* const answers_;
  uint64_t begin_ = 0;  // the digest's first byte
  Digest digest_;
  WindowSize terminal_size_;
  WindowSize size_;     // of the model, which is no larger
  bool asked_ = false;  // somebody got less than all
  // The model, or what it was parked as, shows everything before this.
  uint64_t modelled_ = 0;
  Digest behind_;  // it has seen as much as the model has
  uint64_t learned_from_ = 0;
  // Only a clear from here on makes the screen known, or the model itself finds
  // that nothing is left of what it doesn't know.
  uint64_t sure_from_ = 0;
  bool known_ = false;
  std::unique_ptr<Screen> screen_;  // none while it is parked
  // The last picture that took long, for others who ask within a moment.
  struct Again {
    Picture picture;
    WindowSize room;
  };
  std::unique_ptr<Again> again_;
  Clock::time_point again_until_;
  Clock::time_point draw_after_;
  // If not empty, this paints the model, which has its first `unparked_` bytes.
  std::string parked_;
  size_t unparked_ = 0;
  Timer idle_work_;
  Timer quiet_;
  Timer park_;
};

// Makes a terminal that is blank and has been reset show what a terminal of
// this size shows after these bytes.
std::string PaintingOf(absl::string_view bytes, WindowSize size);

}  // namespace deptyr
