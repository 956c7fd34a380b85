#include "lib/attach/attach_run.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/attach/notice.h"
#include "lib/attach/scrollback.h"
#include "lib/base/status.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

// After the last of a paint: what is said then isn't painted over.
constexpr absl::Duration kPaintPause = absl::Milliseconds(50);
// How long `deptyr ended` may take to tell what the kernel couldn't.
constexpr absl::Duration kStatusPatience = absl::Seconds(5);

}  // namespace

AttachRun::AttachRun(EventLoop& loop, AttachOptions options, std::string path)
    : loop_(loop),
      options_(std::move(options)),
      path_(std::move(path)),
      interactive_(OnTerminal()),
      session_(options_.session),
      reconnect_(loop, options_.wait, *this) {}

void AttachRun::OnSignal(int signal) {
  switch (signal) {
    case SIGWINCH:
      if (view_ != nullptr && head_ != nullptr) {
        const WindowSize size = view_->size();
        head_->Send(Resize{.rows = size.rows, .cols = size.cols});
      }
      return;
    case SIGTSTP:
      if (view_ != nullptr) view_->BeforeStop();
      return StopSelf();
    case SIGCONT:
      // What the terminal shows now is somebody else's: all of it anew.
      if (view_ == nullptr || !interactive_) return;
      view_->OnContinued();
      return Repaint();
    default:
      return OnDetach();
  }
}

absl::StatusOr<AttachResult> AttachRun::End() {
  head_.reset();
  if (view_ != nullptr) view_->GiveBack();
  if (options_.quiet && end_.ok()) end_->line.clear();
  return std::move(end_);
}

void AttachRun::OnMessage(HeadMessage message) {
  if (farewell_ || finished_) return;
  if (const auto* refused = std::get_if<Refused>(&message)) {
    const absl::Status why = RefusalError(*refused);
    return view_ != nullptr && MaySoonBeTaken(*refused) ? Lost(why) : Fail(why);
  }
  Take(message);
  if (!state_.empty() || say_only_looks_) {
    paint_pause_ = loop_.After(kPaintPause, [this] { SayWhatIsSo(); });
  }
  RepaintOnceCaughtUp();
  // Head is to know of a terminal that is slow.
  if (view_ != nullptr && !view_->idle()) head_->Pause(true);
}

void AttachRun::Take(const HeadMessage& message) {
  if (const auto* attached = std::get_if<Attached>(&message)) {
    const absl::Status taken = OnAttached(*attached);
    if (!taken.ok()) Fail(taken);
    return;
  }
  if (view_ == nullptr) return;
  const bool news = place_.Follow(message);
  if (const auto* output = std::get_if<Output>(&message)) {
    view_->Output(output->bytes);
  } else if (const auto* paint = std::get_if<Paint>(&message)) {
    view_->Paint(paint->bytes);
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    OnNotice(notice->fields, news);
  } else if (std::holds_alternative<Done>(message) && !options_.once) {
    OnDone();
  }
}

void AttachRun::SayWhatIsSo() {
  if (std::exchange(say_only_looks_, false)) {
    Line("is read-only for you, what you type is dropped");
  }
  if (state_.empty()) return;
  Line(absl::StrCat(std::exchange(state_, ""), "; waiting for the next start"));
}

absl::Status AttachRun::CheckNesting() const {
  const char* session = std::getenv("DEPTYR_SESSION");
  const char* socket = std::getenv("DEPTYR_SOCKET");
  if (session == nullptr || socket == nullptr || session != session_ ||
      !IsSameFile(socket, path_)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("this terminal is ", session_,
                   "'s own: it would be shown to itself; attach elsewhere"));
}

absl::Status AttachRun::OnAttached(const Attached& attached) {
  session_ = attached.session;
  if (std::exchange(rights_, attached.rights) != rights_) {
    say_only_looks_ = !options_.read_only && !rights_.Has(Right::kType);
  }
  if (view_ != nullptr) RETURN_IF_ERROR(OnAttachedAgain(attached));
  (void)place_.Follow(attached);
  if (view_ != nullptr) return absl::OkStatus();
  if (!attached.running) state_ = attached.state;
  if (interactive_) {
    RETURN_IF_ERROR(CheckNesting());
    ASSIGN_OR_RETURN(view_,
                     OpenTerminalView(loop_, *this, options_.detach_keys));
    return ShowScrollback({attached.rows, attached.cols});
  }
  const bool types = !options_.read_only;
  if (types && !rights_.Has(Right::kType) && !IsTerminal(STDIN_FILENO)) {
    return MayNotType(session_);
  }
  if (types && !attached.running && !options_.once &&
      !IsTerminal(STDIN_FILENO)) {
    return absl::FailedPreconditionError(
        absl::StrCat("nothing was typed: ", session_, " ", attached.state));
  }
  view_ = OpenPipeView(loop_, *this, types ? Typing::kYes : Typing::kNo);
  return absl::OkStatus();
}

absl::Status AttachRun::ShowScrollback(WindowSize size) {
  if (options_.scrollback == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                   ReadScrollback(path_, session_, place_.offset(), size,
                                  options_.scrollback));
  for (const std::string& line : lines) {
    view_->Output(absl::StrCat(line, "\x1b[m\r\n"));
  }
  // Off the top, where the terminal keeps them: the screen is cleared next.
  const int rows = view_->size().rows;
  view_->Output(
      std::string(rows > 0 ? static_cast<size_t>(rows - 1) : 0, '\n'));
  return absl::OkStatus();
}

void AttachRun::OnNotice(const KeyValues& fields, bool news) {
  const absl::string_view event = ValueOf(fields, "event");
  // An end that was heard of is told again with its status, if that is known.
  if (event == "status" || (event == "ended" && !news)) return OnStatus(fields);
  if (!news) return;
  if (event == "started" || event == "ended") state_.clear();
  if (event == "started") {
    view_->ProgramChanged();
    Line(absl::StrCat("runs again, pid ", ValueOf(fields, "pid")));
  } else if (event == "ended") {
    OnEnded(fields);
  } else if (event == "missed" && !interactive_) {
    Line(absl::StrCat("was faster than its reader; ", ValueOf(fields, "bytes"),
                      " bytes were missed"));
  }
}

void AttachRun::OnEnded(const KeyValues& fields) {
  view_->ProgramChanged();
  const std::string how = HowOf(fields);
  if (!options_.once) {
    return Line(absl::StrCat(how, "; waiting for the next start"));
  }
  status_patience_ = loop_.After(kStatusPatience, [this, how] {
    Fail(absl::UnavailableError(
        absl::StrCat(session_, " ", how,
                     ", and nobody told the status; let its supervisor say "
                     "deptyr ended, see deptyr-ended(1)")));
  });
  OnStatus(fields);
}

void AttachRun::OnStatus(const KeyValues& fields) {
  const auto status = ExitStatusOf(fields);
  if (!status_patience_.pending() || !status) return;
  FinishAfterOutput(AttachResult{
      *status, absl::StrCat("[deptyr: ", session_, " ", HowOf(fields), "]")});
}

void AttachRun::OnDone() {
  if (!keys_may_be_lost_) return FinishAfterOutput(AttachResult());
  FinishAfterOutput(absl::UnavailableError(
      absl::StrCat("head went away meanwhile: ", session_,
                   " may lack some of what was typed before; look at it")));
}

void AttachRun::Say(absl::string_view text) {
  if (!options_.quiet) view_->Line(absl::StrCat("[deptyr: ", text, "]"));
}

void AttachRun::Line(absl::string_view text) {
  Say(absl::StrCat(session_, " ", text));
}

void AttachRun::OnDetach() {
  Finish(
      AttachResult{0, absl::StrCat("[deptyr: detached from ", session_, "]")});
}

void AttachRun::OnShown() {
  if (farewell_) return Finish(*farewell_);
  if (head_ != nullptr) head_->Pause(false);
}

void AttachRun::OnViewGone(const absl::Status& why) {
  if (why.ok()) return Finish(AttachResult());
  Fail(why);
}

void AttachRun::FinishAfterOutput(absl::StatusOr<AttachResult> farewell) {
  status_patience_.Reset();
  if (view_->idle()) return Finish(std::move(farewell));
  farewell_ = std::move(farewell);
}

void AttachRun::Finish(absl::StatusOr<AttachResult> farewell) {
  if (std::exchange(finished_, true)) return;
  end_ = std::move(farewell);
}

}  // namespace deptyr
