// A client shows a session in a view, and people type into it there.  It is the
// user's terminal, or standard input and output that are something else.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/attach/stream.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

class View {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnTyped(absl::string_view bytes) = 0;
    // Nothing more will be typed.
    virtual void OnTypedAll() = 0;
    // The detach key was pressed.
    virtual void OnDetach() = 0;
    // The view has shown all that it was given.
    virtual void OnShown() = 0;
    // Nobody looks any more or, with an error, the output can't be written.
    virtual void OnViewGone(const absl::Status& why) = 0;
  };

  virtual ~View() = default;
  // Shows bytes of the stream, or those that paint the screen.
  virtual void Output(absl::string_view bytes) {
    if (sink_) sink_->Write(bytes);
  }
  // Clears the view for a picture, which is painted next.
  virtual void BeginPicture() {}
  // Shows a line of our own.
  virtual void Line(absl::string_view text) = 0;
  // A program starts or has ended, and may have left modes behind.
  virtual void ProgramChanged() {}
  // Whether it has shown all that it was given.
  bool idle() const { return !sink_ || sink_->empty(); }
  void PauseTyping(bool pause) {
    if (source_) source_->Pause(pause);
  }
  // Restores the terminal for others to use; from then on nothing is shown.
  virtual void GiveBack() {}
  // Takes the terminal again, after this process was stopped (StopSelf()).
  virtual void OnContinued() {}

 protected:
  View(EventLoop& loop, Listener& listener)
      : loop_(loop), listener_(listener) {}
  void OpenSink(int fd, Blocking blocking);
  virtual void OnWritten(absl::string_view bytes) { (void)bytes; }

  EventLoop& loop_;
  Listener& listener_;
  std::optional<Sink> sink_;
  std::optional<Source> source_;
};

// A terminal is given pictures of a whole screen and what changes there, or a
// stream that begins where the cursor is.
enum class Shown { kPictures, kStream };
// `detach_keys` are as ParseDetachKeys() makes them; "" for none.
absl::StatusOr<std::unique_ptr<View>> OpenTerminalView(
    EventLoop& loop, View::Listener& listener, const std::string& detach_keys,
    Shown shown = Shown::kPictures);
enum class Typing { kNo, kYes };
std::unique_ptr<View> OpenPipeView(EventLoop& loop, View::Listener& listener,
                                   Typing typing);

}  // namespace deptyr
