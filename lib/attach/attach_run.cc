#include "lib/attach/attach_run.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
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

// The pause before checking again whether head has all that was typed.
constexpr absl::Duration kRepaintPause = absl::Milliseconds(50);
// How long `deptyr ended` may take to tell what the kernel couldn't.
constexpr absl::Duration kStatusPatience = absl::Seconds(5);

constexpr char kWaiting[] = "; waiting for the next start";

// A session that is shown on its own terminal would be shown what it shows.
absl::Status CheckNesting(const std::string& session, const std::string& path) {
  const char* own_session = std::getenv("DEPTYR_SESSION");
  const char* own_head = std::getenv("DEPTYR_SOCKET");
  if (own_session == nullptr || own_head == nullptr || own_session != session ||
      !IsSameFile(own_head, path)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("this terminal is ", session,
                   "'s own: it would be shown to itself; attach elsewhere"));
}

}  // namespace

AttachRun::AttachRun(EventLoop& loop, AttachOptions options)
    : loop_(loop),
      options_(std::move(options)),
      interactive_(OnTerminal()),
      head_(loop, options_.wait, *this),
      keys_(head_),
      announcer_(loop, [this](absl::string_view line) { Show(line); }) {}

absl::StatusOr<Attach> AttachRun::Wish() {
  WindowSize size{0, 0};
  if (view_ != nullptr) {
    size = view_->size();
  } else if (interactive_) {
    ASSIGN_OR_RETURN(size, GetWindowSize(STDOUT_FILENO));
  }
  return Attach{.session = options_.where.session,
                .rows = size.rows,
                .cols = size.cols,
                .from = interactive_ ? From::kScreen : From::kNow,
                .read_only = options_.read_only,
                .kick = options_.kick};
}

void AttachRun::OnSignal(int signal) {
  switch (signal) {
    case SIGWINCH:
      if (view_ != nullptr) {
        const WindowSize size = view_->size();
        head_.Send(Resize{.rows = size.rows, .cols = size.cols});
      }
      return;
    case SIGTSTP:
      if (view_ != nullptr) view_->GiveBack();
      return StopSelf();
    case SIGCONT:
      // Others have written to the terminal.
      if (view_ == nullptr || !interactive_) return;
      view_->OnContinued();
      return Repaint();
    default:
      return OnDetach();
  }
}

void AttachRun::OnAttached(const Attached& attached, Attachment::Joined how) {
  if (std::exchange(rights_, attached.rights) != rights_) {
    const bool only_looks = !options_.read_only && !rights_.Has(Right::kType);
    announcer_.SayOncePainted(
        Announcer::kRights,
        only_looks
            ? AboutSession("is read-only for you, what you type is dropped")
            : "");
  }
  const absl::Status status =
      view_ == nullptr ? OpenView(attached) : GoOn(attached, how);
  if (!status.ok()) return Finish(status);
  AfterMessage();
}

absl::Status AttachRun::OpenView(const Attached& attached) {
  SayState(attached);
  if (interactive_) {
    RETURN_IF_ERROR(CheckNesting(head_.session(), head_.path()));
    ASSIGN_OR_RETURN(view_,
                     OpenTerminalView(loop_, *this, options_.detach_keys));
    return ShowScrollback(attached);
  }
  const bool types = !options_.read_only;
  if (types && !IsTerminal(STDIN_FILENO)) {
    if (!rights_.Has(Right::kType)) return MayNotTypeError(head_.session());
    if (!attached.running && !options_.once) {
      return NotTypedError(head_.session(), attached.state);
    }
  }
  view_ = OpenPipeView(loop_, *this, types ? Typing::kYes : Typing::kNo);
  return absl::OkStatus();
}

absl::Status AttachRun::ShowScrollback(const Attached& attached) {
  if (options_.scrollback == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const std::vector<std::string> lines,
      ReadScrollback(head_.path(), head_.session(), attached.offset,
                     {attached.rows, attached.cols}, options_.scrollback));
  for (const std::string& line : lines) {
    view_->Output(absl::StrCat(line, "\x1b[m\r\n"));
  }
  // The screen is cleared next, so they go off its top, where the terminal
  // keeps them.
  const int rows = view_->size().rows;
  view_->Output(
      std::string(rows > 0 ? static_cast<size_t>(rows - 1) : 0, '\n'));
  return absl::OkStatus();
}

absl::Status AttachRun::GoOn(const Attached& attached, Attachment::Joined how) {
  const StreamPosition& before = head_.position();
  const bool same = attached.stream == before.stream();
  if (!same && options_.once && before.running()) {
    return absl::UnavailableError(
        absl::StrCat("head went away, and ", head_.session(),
                     "'s program with it; ask its supervisor how it ended"));
  }
  if (!same) {
    view_->ProgramChanged();
    // A person typed for the program that has gone; a pipe types for any.
    if (interactive_) keys_.ForgetWaiting();
  }
  const bool gapless = how == Attachment::Joined::kBack && same &&
                       attached.offset == before.offset();
  if (!gapless) SayState(attached);
  if (std::exchange(told_of_absence_, false) && interactive_) {
    announcer_.Say("head is back");
  }
  // Head paints the screen of a client that doesn't go on without a gap.
  if (std::exchange(defaced_, false) && gapless && interactive_) {
    caught_up_ = attached.end;
  }
  keys_.SendWaiting();
  UpdateTyping();
  return absl::OkStatus();
}

void AttachRun::SayState(const Attached& attached) {
  announcer_.SayOncePainted(
      Announcer::kState,
      attached.running ? ""
                       : AboutSession(absl::StrCat(attached.state, kWaiting)));
}

void AttachRun::OnMessage(const HeadMessage& message) {
  if (const auto* output = std::get_if<Output>(&message)) {
    view_->Output(output->bytes);
  } else if (const auto* paint = std::get_if<Paint>(&message)) {
    view_->Paint(paint->bytes);
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    OnNotice(notice->fields);
  } else if (std::holds_alternative<Done>(message) && !options_.once) {
    OnDone();
  }
  AfterMessage();
}

void AttachRun::AfterMessage() {
  announcer_.OnMessage();
  RepaintOnceCaughtUp();
  // Head has to notice that a view is slow.
  if (!view_->idle()) head_.Pause(true);
}

void AttachRun::OnNotice(const KeyValues& fields) {
  const absl::string_view event = ValueOf(fields, "event");
  if (event == "started" || event == "ended") {
    announcer_.SayOncePainted(Announcer::kState, "");
    view_->ProgramChanged();
  }
  if (event == "started") {
    Say(absl::StrCat("runs again, pid ", ValueOf(fields, "pid")));
  } else if (event == "ended") {
    OnEnded(fields);
  } else if (event == "status") {
    OnStatus(fields);
  } else if (event == "missed" && !interactive_) {
    Say(absl::StrCat("was faster than its reader; ", ValueOf(fields, "bytes"),
                     " bytes were missed"));
  }
}

// The next head may know the status of an end that the last one told.
void AttachRun::OnOldNotice(const KeyValues& fields) {
  if (ValueOf(fields, "event") == "ended") OnStatus(fields);
}

void AttachRun::OnEnded(const KeyValues& fields) {
  const std::string how = HowOf(fields);
  if (!options_.once) {
    return Say(absl::StrCat(how, kWaiting));
  }
  status_patience_ = loop_.After(kStatusPatience, [this, how] {
    Finish(absl::UnavailableError(
        AboutSession(absl::StrCat(how,
                                  ", and nobody reported its status; have its "
                                  "supervisor call deptyr ended, "
                                  "see deptyr-ended(1)"))));
  });
  OnStatus(fields);
}

void AttachRun::OnStatus(const KeyValues& fields) {
  const auto status = ExitStatusOf(fields);
  if (!status_patience_.pending() || !status) return;
  FinishOnceShown(AttachResult{*status, OwnLine(AboutSession(HowOf(fields)))});
}

void AttachRun::OnDone() {
  if (!keys_.may_be_lost()) return FinishOnceShown(AttachResult());
  FinishOnceShown(absl::UnavailableError(
      absl::StrCat("head went away: ", head_.session(),
                   " may lack some of what was typed before; look at it")));
}

void AttachRun::OnAway() {
  caught_up_.reset();
  repaint_.Reset();
  keys_.OnAway();
  UpdateTyping();
}

void AttachRun::OnHeadMissed() {
  if (options_.quiet) return;
  announcer_.Say(kHeadMissed);
  told_of_absence_ = defaced_ = true;
}

void AttachRun::Repaint() {
  caught_up_.reset();
  defaced_ = true;
  head_.Reopen();
}

void AttachRun::RepaintOnceCaughtUp() {
  if (!caught_up_ || head_.position().offset() < *caught_up_ ||
      repaint_.pending()) {
    return;
  }
  repaint_ = loop_.After(absl::ZeroDuration(), [this] {
    // Keys that head hasn't got would be lost with the connection.
    if (head_.unsent() == 0) return Repaint();
    repaint_ = loop_.After(kRepaintPause, [this] { RepaintOnceCaughtUp(); });
  });
}

void AttachRun::OnTyped(absl::string_view bytes) {
  if (options_.read_only) return;
  keys_.Type(bytes);
  UpdateTyping();
}

void AttachRun::OnTypedAll() {
  if (!options_.once) keys_.End();
}

// A terminal is read while head is away, for the detach key.
void AttachRun::UpdateTyping() {
  if (view_ == nullptr) return;
  view_->PauseTyping(keys_.full() || (head_.away() && !interactive_));
}

void AttachRun::Show(absl::string_view line) {
  if (!options_.quiet) view_->Line(line);
}

void AttachRun::Say(absl::string_view text) {
  announcer_.Say(AboutSession(text));
}

std::string AttachRun::AboutSession(absl::string_view text) const {
  return absl::StrCat(head_.session(), " ", text);
}

void AttachRun::OnDetach() {
  const absl::string_view session =
      head_.session().empty() ? options_.where.session : head_.session();
  Finish(AttachResult{0, OwnLine(absl::StrCat("detached from ", session))});
}

void AttachRun::OnShown() {
  if (result_) return Finish(*std::move(result_));
  head_.Pause(false);
}

void AttachRun::OnViewGone(const absl::Status& why) {
  if (why.ok()) return Finish(AttachResult());
  Finish(why);
}

void AttachRun::FinishOnceShown(absl::StatusOr<AttachResult> result) {
  status_patience_.Reset();
  if (view_->idle()) return Finish(std::move(result));
  head_.Close();
  result_ = std::move(result);
}

void AttachRun::Finish(absl::StatusOr<AttachResult> result) {
  if (finished()) return;
  head_.Close();
  end_ = std::move(result);
}

absl::StatusOr<AttachResult> AttachRun::End() {
  head_.Close();
  if (view_ != nullptr) view_->GiveBack();
  if (options_.quiet && end_->ok()) (*end_)->line.clear();
  return *std::move(end_);
}

absl::StatusOr<AttachResult> RunAttach(const AttachOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Signals signals,
                   Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP,
                                   SIGCONT, SIGWINCH}));
  AttachRun run(*loop, options);
  RETURN_IF_ERROR(run.Begin());
  const Watch watch = loop->Add(signals.fd(), Interest::kRead, [&](Ready) {
    while (const int signal = signals.Next()) run.OnSignal(signal);
  });
  while (!run.finished()) RETURN_IF_ERROR(loop->RunOnce());
  return run.End();
}

}  // namespace deptyr
