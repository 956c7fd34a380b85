// What a client shows a session on, and is typed into: the user's terminal, or
// standard input and output that are something else.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/pty.h"

namespace deptyr {

class View {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnTyped(absl::string_view bytes) = 0;
    // Nothing is typed any more.
    virtual void OnTypedAll() = 0;
    // The detach key was pressed.
    virtual void OnDetach() = 0;
    // All that was given to it is shown.
    virtual void OnShown() = 0;
    // Nobody looks any more; or, an error, what is shown can't be kept.
    virtual void OnViewGone(const absl::Status& why) = 0;
  };

  virtual ~View() = default;
  // The next bytes of the stream.
  virtual void Output(absl::string_view bytes) = 0;
  // A part of what makes the screen what it is, whatever it was.
  virtual void Paint(absl::string_view bytes) = 0;
  // A program took over a terminal in whatever state; or one ended.
  virtual void ProgramChanged() = 0;
  // A line of our own.
  virtual void Line(absl::string_view text) = 0;
  // All of it is shown.
  virtual bool idle() const = 0;
  virtual void PauseTyping(bool pause) = 0;
  // Nothing, where there is no terminal: both 0.
  virtual WindowSize size() const = 0;
  // The terminal was somebody else's for a while, or will be (StopSelf()).
  virtual void OnContinued() {}
  virtual void BeforeStop() {}
  // As it was before; nothing is shown from then on.
  virtual void GiveBack() {}
};

// `detach_keys` end the visit; `listen`: what is typed is wanted.
absl::StatusOr<std::unique_ptr<View>> OpenTerminalView(
    EventLoop& loop, View::Listener& listener, const std::string& detach_keys);
enum class Typing { kNo, kYes };
std::unique_ptr<View> OpenPipeView(EventLoop& loop, View::Listener& listener,
                                   Typing typing);

}  // namespace deptyr
