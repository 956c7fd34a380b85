// Draws the screen on a client's terminal, in place of the stream, where that
// terminal has another size than the program's (lib/term/viewport.h).  It does
// so at the terminal's own pace: the next drawing is made when the terminal has
// taken the one before, 25 ms after that was made, and when drawing has had its
// share of the time (LiveScreen::draw_after()).  Nobody waits for such a
// client.
//
//   Drawing drawing(loop, client);
//   Session::Picture first = drawing.Begin(session, {50, 132}, Border::kLines);
//   if (drawing.MayDraw()) Session::Picture next = drawing.Draw({50, 132});
#pragma once

#include <memory>
#include <utility>

#include "lib/base/window_size.h"
#include "lib/session/live_screen.h"
#include "lib/session/session_client.h"
#include "lib/sys/event_loop.h"
#include "lib/term/viewport.h"

namespace deptyr {

class Drawing {
 public:
  Drawing(EventLoop& loop, SessionClient& client)
      : loop_(loop), client_(client) {}

  // From now on the client is drawn on.  Returns the whole screen, for a
  // terminal of this size that may show anything; `border` shows the edge of a
  // screen that is smaller.
  LiveScreen::Picture Begin(Session& session, WindowSize room, Border border);
  // The client gets the stream, or leaves its session.
  void End();
  bool begun() const { return client_.output().drawn(); }

  // Whether a drawing may be made now; if not, the client is pumped when it
  // may.
  bool MayDraw();
  // Returns the parts of the screen that the terminal doesn't show yet.
  LiveScreen::Picture Draw(WindowSize room);
  // The terminal is reset.
  void OnReset() {
    if (viewport_ != nullptr) viewport_->OnReset();
  }

  // The terminal may show something wrong, so the client is to get another
  // picture in its turn.
  void SetStale() { stale_ = true; }
  bool stale() const { return stale_; }
  bool TakeStale() { return std::exchange(stale_, false); }
  // The client is pumped when its next drawing would be due.
  void PumpSoon() { PumpAt(after_); }

 private:
  void PumpAt(Clock::time_point when);

  EventLoop& loop_;
  SessionClient& client_;
  std::unique_ptr<Viewport> viewport_;  // what the terminal shows, if drawn
  bool stale_ = false;
  Clock::time_point after_;  // no drawing is made before that
  Timer pump_;
};

}  // namespace deptyr
