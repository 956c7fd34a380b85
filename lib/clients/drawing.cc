#include "lib/clients/drawing.h"

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

#include "lib/session/session.h"

namespace deptyr {
namespace {

// A terminal that is drawn on is drawn on no sooner again.
constexpr Clock::duration kFrame = std::chrono::milliseconds(25);

}  // namespace

LiveScreen::Picture Drawing::Begin(Session& session, WindowSize room,
                                   Border border) {
  viewport_ = std::make_unique<Viewport>(border);
  stale_ = false;
  client_.output().SetDrawn(true);
  LiveScreen::Picture picture = session.Draw(*viewport_, room);
  after_ = Clock::now() + kFrame;
  // Lines of the client's own may be written over it.
  viewport_->OnDefaced();
  return picture;
}

void Drawing::End() {
  viewport_.reset();
  stale_ = false;
  pump_.Reset();
  client_.output().SetDrawn(false);
}

bool Drawing::MayDraw() {
  // Each of them takes milliseconds, so a long turn leaves them to the next.
  if (loop_.TurnIsLong()) {
    PumpAt(Clock::now());
    return false;
  }
  const Clock::time_point first =
      std::max(after_, client_.session()->screen().draw_after());
  if (Clock::now() >= first) return true;
  PumpAt(first);
  return false;
}

LiveScreen::Picture Drawing::Draw(WindowSize room) {
  LiveScreen::Picture picture = client_.session()->Draw(*viewport_, room);
  after_ = Clock::now() + kFrame;
  return picture;
}

void Drawing::PumpAt(Clock::time_point when) {
  const auto wait = std::max(when - Clock::now(), Clock::duration::zero());
  pump_ = loop_.After(absl::FromChrono(wait), [this] {
    if (client_.session() != nullptr) client_.session()->Pump(client_);
  });
}

}  // namespace deptyr
