#include "lib/attach/view.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/fd.h"
#include "lib/sys/pty.h"
#include "lib/sys/terminal.h"
#include "lib/term/command_keys.h"
#include "lib/term/undo.h"

namespace deptyr {
namespace {

// To be restored, a terminal has to take what it was flooded with; but one that
// is stopped (^S) must not keep a person here.
constexpr absl::Duration kGiveBackPatience = absl::Milliseconds(500);

// The terminal is raw, and is restored on every way out.
class TerminalView final : public View {
 public:
  TerminalView(EventLoop& loop, Listener& listener, Terminal terminal,
               const std::string& detach_keys, Shown shown)
      : View(loop, listener),
        cursor_(shown == Shown::kPictures ? Terminal::Cursor::kBelow
                                          : Terminal::Cursor::kStays),
        keys_(detach_keys, CommandKeys::Alone::kCommands) {
    Open(std::move(terminal));
  }
  ~TerminalView() override { GiveBack(); }

  void Output(absl::string_view bytes) override {
    queued_.Note(bytes);
    View::Output(bytes);
  }
  // The first one finds what the user's shell has shown, which goes off the top
  // of the screen, where the terminal keeps it.
  void BeginPicture() override {
    Reset();
    Output(std::exchange(fresh_, false) ? ScrollOff(Size().rows)
                                        : kClearScreen);
  }
  void Line(absl::string_view text) override {
    Output(IsDumbTerminal() ? absl::StrCat("\r\n", Printable(text), "\r\n")
                            : absl::StrCat("\r\n\x1b[7m", Printable(text),
                                           "\x1b[m\x1b[K\r\n"));
  }
  void ProgramChanged() override { Reset(); }
  void OnContinued() override {
    if (terminal_) {
      (void)terminal_->MakeRaw();
      return;
    }
    absl::StatusOr<Terminal> terminal = Terminal::Take();
    if (!terminal.ok()) return listener_.OnViewGone(absl::OkStatus());
    Open(*std::move(terminal));
  }

  void GiveBack() override {
    patience_.Reset();
    source_.reset();
    sink_.reset();
    if (!terminal_) return;
    const auto late = shown_.expects_input() ? Terminal::LateInput::kDropped
                                             : Terminal::LateInput::kKept;
    terminal_->GiveBack(shown_.Sequences(Size().cols), kGiveBackPatience, late,
                        cursor_);
    terminal_.reset();
  }

 private:
  void Open(Terminal terminal) {
    terminal_.emplace(std::move(terminal));
    queued_ = shown_ = {};
    fresh_ = true;
    OpenSink(terminal_->fd(), Blocking::kNo);
    // epoll takes a descriptor only once, so the keyboard has one of its own.
    keyboard_ = Duplicate(terminal_->fd());
    source_.emplace(loop_, keyboard_.get(), [this](absl::string_view bytes) {
      if (bytes.empty()) return listener_.OnViewGone(absl::OkStatus());
      Take(keys_.Feed(bytes));
    });
  }

  void Take(const std::vector<Typed>& all) {
    patience_.Reset();
    for (const Typed& typed : all) {
      const auto* keystrokes = std::get_if<Keystrokes>(&typed);
      if (keystrokes == nullptr) return listener_.OnDetach();
      listener_.OnTyped(keystrokes->bytes);
    }
    if (keys_.patience() > absl::ZeroDuration()) {
      patience_ =
          loop_.After(keys_.patience(), [this] { Take(keys_.TimeIsUp()); });
    }
  }

  // While others have the terminal, it has none.
  WindowSize Size() const {
    if (!terminal_) return {};
    return GetWindowSize(terminal_->fd()).value_or(WindowSize());
  }
  void Reset() {
    Output(queued_.Sequences(Size().cols));
    if (HasTitle()) Output(kKeepTitle);
  }
  void OnWritten(absl::string_view bytes) override { shown_.Note(bytes); }

  const Terminal::Cursor cursor_;
  CommandKeys keys_;
  std::optional<Terminal> terminal_;
  Undo queued_;  // what is done by all that was given to the terminal,
  Undo shown_;   // and by what it has taken
  bool fresh_ = true;
  Fd keyboard_;
  Timer patience_;
};

// Standard input and output are used as they are; lines of our own go to
// standard error.
class PipeView final : public View {
 public:
  PipeView(EventLoop& loop, Listener& listener, Typing typing)
      : View(loop, listener) {
    OpenSink(STDOUT_FILENO, Blocking::kYes);
    if (typing == Typing::kNo) return;
    source_.emplace(loop, STDIN_FILENO, [&listener](absl::string_view bytes) {
      bytes.empty() ? listener.OnTypedAll() : listener.OnTyped(bytes);
    });
  }

  void Line(absl::string_view text) override {
    std::fprintf(stderr, "%s\n", Printable(text).c_str());
  }
};

}  // namespace

void View::OpenSink(int fd, Blocking blocking) {
  sink_.emplace(
      loop_, fd, blocking, [this] { listener_.OnShown(); },
      [this](const absl::Status& why) { listener_.OnViewGone(why); },
      [this](absl::string_view bytes) { OnWritten(bytes); });
}

absl::StatusOr<std::unique_ptr<View>> OpenTerminalView(
    EventLoop& loop, View::Listener& listener, const std::string& detach_keys,
    Shown shown) {
  ASSIGN_OR_RETURN(Terminal terminal, Terminal::Take());
  return std::make_unique<TerminalView>(loop, listener, std::move(terminal),
                                        detach_keys, shown);
}

std::unique_ptr<View> OpenPipeView(EventLoop& loop, View::Listener& listener,
                                   Typing typing) {
  return std::make_unique<PipeView>(loop, listener, typing);
}

}  // namespace deptyr
