// A view on standard input and output that aren't a terminal: output is written
// as it is, and input is typed.  Lines of our own go to standard error.

#include <unistd.h>

#include <cstdio>
#include <optional>

#include "lib/attach/stream.h"
#include "lib/attach/view.h"
#include "lib/base/log.h"

namespace deptyr {
namespace {

class PipeView final : public View {
 public:
  PipeView(EventLoop& loop, Listener& listener, Typing typing)
      : sink_(
            loop, STDOUT_FILENO, Blocking::kYes,
            [&listener] { listener.OnShown(); },
            [&listener](const absl::Status& why) {
              listener.OnViewGone(why);
            }) {
    if (typing == Typing::kNo) return;
    source_.emplace(loop, STDIN_FILENO, [&listener](absl::string_view bytes) {
      if (bytes.empty()) {
        listener.OnTypedAll();
      } else {
        listener.OnTyped(bytes);
      }
    });
  }

  void Output(absl::string_view bytes) override { sink_.Write(bytes); }
  void Paint(absl::string_view) override {}
  void ProgramChanged() override {}
  void Line(absl::string_view text) override {
    std::fprintf(stderr, "%s\n", Printable(text).c_str());
  }
  bool idle() const override { return sink_.empty(); }
  void PauseTyping(bool pause) override {
    if (source_) source_->Pause(pause);
  }
  WindowSize size() const override { return {0, 0}; }

 private:
  Sink sink_;
  std::optional<Source> source_;
};

}  // namespace

std::unique_ptr<View> OpenPipeView(EventLoop& loop, View::Listener& listener,
                                   Typing typing) {
  return std::make_unique<PipeView>(loop, listener, typing);
}

}  // namespace deptyr
