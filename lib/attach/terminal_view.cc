// A view on the user's terminal, which is raw, and is restored on every way
// out.

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/attach/stream.h"
#include "lib/attach/view.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/fd.h"
#include "lib/sys/terminal.h"
#include "lib/term/command_keys.h"

namespace deptyr {
namespace {

// To be restored, a terminal has to take what it was flooded with; but one that
// is stopped (^S) must not keep a person here.
constexpr absl::Duration kGiveBackPatience = absl::Milliseconds(500);

class TerminalView final : public View {
 public:
  TerminalView(EventLoop& loop, Listener& listener, Terminal terminal,
               const std::string& detach_keys)
      : loop_(loop),
        listener_(listener),
        keys_(detach_keys, CommandKeys::Alone::kCommands) {
    terminal_.emplace(std::move(terminal));
    Open();
  }

  void Output(absl::string_view bytes) override { Write(bytes); }
  void Paint(absl::string_view bytes) override { Write(bytes); }
  void ProgramChanged() override {
    Write(absl::StrCat(kLeaveAlternateScreen, ResetModesInPlace()));
  }
  void Line(absl::string_view text) override {
    Write(absl::StrCat("\r\n\x1b[7m", Printable(text), "\x1b[m\x1b[K\r\n"));
  }
  bool idle() const override { return !sink_ || sink_->empty(); }
  void PauseTyping(bool pause) override {
    if (source_) source_->Pause(pause);
  }
  WindowSize size() const override {
    const auto size =
        terminal_ ? GetWindowSize(terminal_->fd()) : WindowSize{0, 0};
    return size.ok() ? *size : WindowSize{0, 0};
  }
  void OnContinued() override;
  void GiveBack() override;

 private:
  void Open();
  void Write(absl::string_view bytes) {
    if (sink_) sink_->Write(bytes);
  }
  void Take(const std::vector<Typed>& all);

  EventLoop& loop_;
  Listener& listener_;
  CommandKeys keys_;
  std::optional<Terminal> terminal_;
  Fd keyboard_;
  std::optional<Sink> sink_;
  std::optional<Source> source_;
  Timer patience_;
};

void TerminalView::Open() {
  sink_.emplace(
      loop_, terminal_->fd(), Blocking::kNo, [this] { listener_.OnShown(); },
      [this](const absl::Status& why) { listener_.OnViewGone(why); });
  // epoll takes a descriptor only once, so the keyboard has one of its own.
  keyboard_ = Duplicate(terminal_->fd());
  source_.emplace(loop_, keyboard_.get(), [this](absl::string_view bytes) {
    if (bytes.empty()) return listener_.OnViewGone(absl::OkStatus());
    Take(keys_.Feed(bytes));
  });
}

void TerminalView::Take(const std::vector<Typed>& all) {
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

void TerminalView::OnContinued() {
  if (terminal_) {
    (void)terminal_->MakeRaw();
    return;
  }
  absl::StatusOr<Terminal> terminal = Terminal::Take();
  if (!terminal.ok()) return listener_.OnViewGone(absl::OkStatus());
  terminal_.emplace(*std::move(terminal));
  Open();
}

void TerminalView::GiveBack() {
  patience_.Reset();
  source_.reset();
  sink_.reset();
  if (terminal_) terminal_->GiveBack(kGiveBackPatience);
  terminal_.reset();
}

}  // namespace

absl::StatusOr<std::unique_ptr<View>> OpenTerminalView(
    EventLoop& loop, View::Listener& listener, const std::string& detach_keys) {
  ASSIGN_OR_RETURN(Terminal terminal, Terminal::Take());
  return std::unique_ptr<View>(std::make_unique<TerminalView>(
      loop, listener, std::move(terminal), detach_keys));
}

}  // namespace deptyr
