#include "lib/run/one_shot.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "lib/attach/view.h"
#include "lib/base/byte_queue.h"
#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/io.h"
#include "lib/sys/line_input.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

constexpr size_t kLargestRead = 64 << 10;
// This is more than a PTY holds.  Something that a program has left behind may
// write for ever.
constexpr size_t kMostAfterEnd = 256 << 10;
constexpr absl::Duration kEndPause = absl::Milliseconds(100);

class OneShot final : public View::Listener {
 public:
  OneShot(EventLoop& loop, OneShotOptions options)
      : loop_(loop),
        options_(std::move(options)),
        interactive_(options_.streams == Streams::kOnTerminal && OnTerminal()) {
  }

  absl::Status Begin() {
    if (options_.streams != Streams::kOurs) RETURN_IF_ERROR(OpenTerminal());
    RETURN_IF_ERROR(options_.before_start());
    ASSIGN_OR_RETURN(Child child, ForkChild([this] { return Program(); }));
    child_ = std::move(child);
    child_watch_ = loop_.Add(child_->pidfd.get(), Interest::kRead,
                             [this](Ready) { OnEnded(); });
    return absl::OkStatus();
  }

  void OnSignal(int signal) {
    if (signal == SIGWINCH || signal == SIGCONT) {
      if (view_ != nullptr && signal == SIGCONT) view_->OnContinued();
      const auto size = SizeOfOwnTerminal();
      if (pty_ && size.ok()) (void)SetWindowSize(pty_->controller.get(), *size);
      return;
    }
    // It may just have ended.
    (void)SignalGroup(*child_, signal);
  }

  bool finished() const { return finished_; }
  absl::StatusOr<int> End() {
    if (view_ != nullptr) view_->GiveBack();
    RETURN_IF_ERROR(view_error_);
    return *status_;
  }

 private:
  absl::Status OpenTerminal() {
    // The program's own, which may be the one that is shown on ours.
    term_ = TermForNewTerminal();
    WindowSize size = SizeOfOwnTerminal().value_or(WindowSize());
    if (size.rows == 0 || size.cols == 0) size = WindowSize();
    ASSIGN_OR_RETURN(pty_, OpenPty(size));
    if (!interactive_) {
      RETURN_IF_ERROR(MakeTransparent(pty_->terminal.get()));
      line_input_.emplace(pty_->controller.get());
    }
    const bool types = options_.streams == Streams::kOnTerminal;
    if (interactive_) {
      ASSIGN_OR_RETURN(view_,
                       OpenTerminalView(loop_, *this, "", Shown::kStream));
    } else {
      view_ = OpenPipeView(loop_, *this, types ? Typing::kYes : Typing::kNo);
    }
    controller_watch_ = loop_.Add(pty_->controller.get(), Interest::kRead,
                                  [this](Ready) { MoveBytes(); });
    return absl::OkStatus();
  }

  // The program's process.
  int Program() const {
    ResetSignals();
    absl::Status ready =
        pty_ ? BecomeTerminalProcess(pty_->terminal.get(), Fds())
             : StartSession();
    if (ready.ok()) ready = options_.before_exec();
    if (!ready.ok()) {
      OriginalStderr().Say(
          absl::StrCat(options_.caller, ": ", ready.message()));
      return kSystemError;
    }
    if (pty_) SetTerminalVariables(term_);
    return Execute(options_.caller, options_.program[0], options_.program);
  }

  // Those of the program that are its terminal.
  std::vector<int> Fds() const {
    if (options_.streams == Streams::kOutputOnTerminal) return {STDOUT_FILENO};
    std::vector<int> fds = {STDIN_FILENO, STDOUT_FILENO};
    if (interactive_ && IsSameTerminal(STDERR_FILENO)) {
      fds.push_back(STDERR_FILENO);
    }
    return fds;
  }

  // Reads no more than the view has shown, and writes no more than the
  // program's terminal takes.
  void MoveBytes() {
    if (!pty_) return FinishIfDone(/*read_all=*/true);
    const int controller = pty_->controller.get();
    if (!typed_.empty()) {
      typed_.Consume(WriteSome(controller, typed_.bytes()).bytes);
      if (!input_ended_) view_->PauseTyping(!typed_.empty());
    }
    bool read_all = false;
    if (view_->idle()) {
      std::array<char, kLargestRead> room;
      const IoResult got = ReadSome(controller, room);
      read_all = got.state != IoState::kDone;
      if (!read_all) {
        after_end_ += status_ ? got.bytes : 0;
        view_->Output({room.data(), got.bytes});
      }
    }
    if (!pty_) return;  // the view has gone
    controller_watch_.Set(InterestIn(view_->idle(), !typed_.empty()));
    FinishIfDone(read_all);
  }

  void FinishIfDone(bool read_all) {
    if (!status_ || finished_) return;
    const bool shown = !pty_ || view_->idle();
    finished_ = shown && (read_all || after_end_ > kMostAfterEnd);
    if (!finished_ && shown) {
      more_ = loop_.After(absl::ZeroDuration(), [this] { MoveBytes(); });
    }
  }

  void OnEnded() {
    const auto end = ReapChild(child_->pidfd.get());
    if (end.ok() && !end->has_value()) return;
    child_watch_.Reset();
    status_ = ExitCodeOf(end.value_or(std::nullopt));
    MoveBytes();
  }

  void OnTyped(absl::string_view bytes) override {
    if (!pty_) return;
    if (line_input_) {
      typed_.Append(line_input_->Quote(bytes));
    } else {
      typed_.Append(bytes);
    }
    MoveBytes();
  }

  // An end of file is for one read, and the program, or one that it starts, may
  // read again.
  void OnTypedAll() override {
    input_ended_ = true;
    TypeEnd();
  }
  void TypeEnd() {
    if (!pty_ || status_) return;
    if (typed_.empty() && (!std::exchange(end_typed_, true) ||
                           AwaitsLine(pty_->terminal.get()))) {
      typed_.Append(line_input_->End());
      MoveBytes();
    }
    until_end_ = loop_.After(kEndPause, [this] { TypeEnd(); });
  }

  void OnDetach() override {}
  void OnShown() override {
    if (!pty_) return;
    controller_watch_.Set(InterestIn(true, !typed_.empty()));
    FinishIfDone(/*read_all=*/false);
  }

  // Nobody sees the program's terminal any more, so it is hung up.
  void OnViewGone(const absl::Status& why) override {
    view_error_ = why;
    controller_watch_.Reset();
    pty_.reset();
    FinishIfDone(/*read_all=*/true);
  }

  EventLoop& loop_;
  OneShotOptions options_;
  const bool interactive_;
  std::string term_;
  std::optional<Pty> pty_;
  std::unique_ptr<View> view_;
  std::optional<LineInput> line_input_;  // of what isn't a terminal's
  ByteQueue typed_{kLargestRead};
  bool input_ended_ = false;
  bool end_typed_ = false;
  size_t after_end_ = 0;  // bytes that were read after the program's end
  std::optional<Child> child_;
  std::optional<int> status_;
  absl::Status view_error_;
  bool finished_ = false;
  Watch controller_watch_;
  Watch child_watch_;
  Timer until_end_;
  Timer more_;
};

}  // namespace

absl::StatusOr<int> RunOneShot(OneShotOptions options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(
      Signals signals,
      Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCONT, SIGWINCH}));
  OneShot run(*loop, std::move(options));
  RETURN_IF_ERROR(run.Begin());
  RETURN_IF_ERROR(RunWithSignals(
      *loop, signals, [&run](int signal) { run.OnSignal(signal); },
      [&run] { return run.finished(); }));
  return run.End();
}

}  // namespace deptyr
