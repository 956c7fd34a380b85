#include "lib/attach/attach.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/announcer.h"
#include "lib/attach/ask.h"
#include "lib/attach/attachment.h"
#include "lib/attach/history.h"
#include "lib/attach/notice.h"
#include "lib/attach/session_keys.h"
#include "lib/attach/view.h"
#include "lib/base/status.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"
#include "lib/sys/unix_socket.h"
#include "lib/term/key_names.h"

namespace deptyr {
namespace {

constexpr char kStopped[] = "is stopped by ^S; ^Q resumes it";
constexpr char kWaiting[] = "; waiting for the next start";

// Joins a view, which a person looks at and types into, to an attachment to a
// session.  The view is opened once head has accepted the client, and stays
// open while heads come and go.
class AttachRun final : public Attachment::Listener, public View::Listener {
 public:
  AttachRun(EventLoop& loop, const AttachOptions& options)
      : loop_(loop),
        options_(options),
        interactive_(OnTerminal()),
        head_(
            loop, options.wait,
            {.session = options.where.session,
             .from =
                 interactive_ && !IsDumbTerminal() ? From::kScreen : From::kNow,
             .read_only = options.read_only,
             .kick = options.kick,
             .resets = true,
             .inside = interactive_ ? std::optional("") : std::nullopt,
             .exclusive =
                 options.exclusive ? std::optional(true) : std::nullopt,
             .utf8 = interactive_ ? std::optional(ShowsUtf8()) : std::nullopt},
            *this),
        announcer_(loop,
                   [this](absl::string_view line) {
                     if (!options_.quiet) view_->Line(line);
                   }),
        keys_(loop, head_, announcer_, options, interactive_) {}

  absl::Status Begin() {
    RETURN_IF_ERROR(UpdateSize());
    if (options_.child >= 0) {
      child_watch_ = loop_.Add(options_.child, Interest::kRead,
                               [this](Ready) { OnChildEnded(); });
    }
    return head_.Open(options_.where.head);
  }

  void OnSignal(int signal) {
    if (signal == SIGTSTP) {
      if (view_ != nullptr) view_->GiveBack();
      return StopSelf();
    }
    if (signal != SIGWINCH && signal != SIGCONT) {
      const bool attached = view_ != nullptr;
      return attached && options_.proxies_signals ? Proxy(signal) : OnDetach();
    }
    (void)UpdateSize();
    if (signal == SIGCONT && view_ != nullptr && interactive_) {
      view_->OnContinued();
      defaced_ = true;  // others have written to the terminal
      head_.Reopen();
    }
  }

  bool finished() const { return finished_; }
  // Gives the terminal back to the user.
  absl::StatusOr<AttachResult> End() {
    if (view_ != nullptr) view_->GiveBack();
    if (options_.quiet && result_->ok()) (*result_)->line.clear();
    return *std::move(result_);
  }

 private:
  // The kernel decides whether the user may signal the program.
  void Proxy(int signal) {
    const auto items = AskForItems(
        head_.path(),
        {.what = "status", .fields = {{"session", head_.session()}}});
    int pid = 0;
    if (!items.ok() || items->empty() ||
        !absl::SimpleAtoi(ValueOf(items->front(), "pid"), &pid) || pid <= 0) {
      return Say("runs no program now, so the signal is dropped");
    }
    const absl::StatusOr<Fd> program = OpenPidfd(pid);
    const absl::Status sent =
        program.ok() ? SendSignal(program->get(), signal) : program.status();
    if (!sent.ok()) announcer_.Say(sent.message());
  }

  void OnAttached(const Attached& attached, Attachment::Joined how) override {
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
    if (how == Attachment::Joined::kFirst && options_.once_attached) {
      options_.once_attached();
    }
    FinishOnError(keys_.OnAttached(attached));
    AfterMessage();
  }

  // Head hears of it, too, now that the program is reaped, and says so after
  // the last output.
  void OnChildEnded() {
    const auto end = ReapChild(options_.child);
    if (end.ok() && !end->has_value()) return;
    child_watch_.Reset();
    child_status_ = ExitCodeOf(end.value_or(std::nullopt));
    const auto finish = [this] {
      AttachResult result{*child_status_, OwnLine(AboutSession("ended"))};
      if (view_ == nullptr) return Finish(std::move(result));
      FinishOnceShown(std::move(result));
    };
    if (view_ == nullptr || head_.away() || ended_) return finish();
    status_patience_ = loop_.After(kStatusPatience, finish);
  }

  void OnMessage(const HeadMessage& message) override {
    if (const auto* output = std::get_if<Output>(&message)) {
      view_->Output(output->bytes);
    } else if (const auto* paint = std::get_if<Paint>(&message)) {
      if (interactive_) OnPaint(paint->bytes);
    } else if (const auto* notice = std::get_if<Notice>(&message)) {
      OnNotice(notice->fields);
    } else if (std::holds_alternative<Done>(message) && !options_.once) {
      OnDone();
    }
    AfterMessage();
  }

  void OnPaint(absl::string_view bytes) {
    if (!bytes.empty()) return view_->Output(bytes);
    view_->BeginPicture();
    defaced_ = false;
  }

  void OnOldNotice(const KeyValues& fields) override {
    // The next head may know the status of an end that the last one told.
    if (ValueOf(fields, "event") == "ended") OnStatus(fields);
  }
  void OnSent() override { UpdateTyping(); }
  void OnAway() override { UpdateTyping(); }
  void OnHeadMissed() override {
    if (options_.quiet) return;
    announcer_.Say(kHeadMissed);
    told_of_absence_ = defaced_ = true;
  }

  void OnFailed(const absl::Status& why) override { Finish(why); }

  void OnTyped(absl::string_view bytes) override {
    if (options_.read_only || keys_.TakeCommand(bytes) ||
        head_.only_watches()) {
      return;
    }
    head_.Type(bytes);
    UpdateTyping();
  }

  void OnTypedAll() override {
    if (!options_.once) head_.EndTyping();
  }
  void OnDetach() override {
    Finish(AttachResult{
        0, OwnLine(absl::StrCat("detached from ", head_.session()))});
  }

  void OnShown() override {
    finished_ = result_.has_value();
    head_.Pause(false);
  }

  void OnViewGone(const absl::Status& why) override {
    if (why.ok()) return Finish(AttachResult());
    Finish(why);
  }

  absl::Status OpenView(const Attached& attached) {
    SayState(attached);
    if (interactive_) {
      ASSIGN_OR_RETURN(view_,
                       OpenTerminalView(loop_, *this, options_.detach_keys));
      if (!options_.quiet && !options_.detach_keys.empty()) {
        Say("is attached; ", SpellKeys(options_.detach_keys), " detaches");
      }
      return ShowScrollback(attached);
    }
    const bool types = !options_.read_only;
    if (types && !IsTerminal(STDIN_FILENO)) {
      RETURN_IF_ERROR(CheckTyping(attached, /*must_run=*/!options_.once));
    }
    view_ = OpenPipeView(loop_, *this, types ? Typing::kYes : Typing::kNo);
    return absl::OkStatus();
  }

  absl::Status ShowScrollback(const Attached& attached) {
    if (options_.scrollback == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        const std::vector<std::string> lines,
        ReadScrollback(head_.path(), head_.session(), attached.offset,
                       {attached.rows, attached.cols}, options_.scrollback));
    for (const std::string& line : lines) {
      view_->Output(absl::StrCat(line, "\x1b[m\r\n"));
    }
    return absl::OkStatus();
  }

  // Continues with the view that is already open.
  absl::Status GoOn(const Attached& attached, Attachment::Joined how) {
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
      if (interactive_) head_.ForgetWaitingKeys();
    }
    if (std::exchange(told_of_absence_, false) && interactive_) {
      announcer_.Say("head is back");
    }
    const bool gapless = how == Attachment::Joined::kBack && same &&
                         attached.offset == before.offset();
    if (!gapless) {
      SayState(attached);
      defaced_ = false;  // head paints the screen
    } else if (defaced_ && interactive_) {
      // The output of the meantime is shown first, so that it can be scrolled
      // back to.
      head_.ReopenAt(attached.end);
    }
    UpdateTyping();
    return absl::OkStatus();
  }

  // Says, once the screen is painted, why it shows nothing new.
  void SayState(const Attached& attached) {
    std::string text;
    if (!attached.running) text = AboutSession(attached.state, kWaiting);
    if (attached.stopped.value_or(false)) text = AboutSession(kStopped);
    announcer_.SayOncePainted(Announcer::kState, std::move(text));
  }

  void AfterMessage() {
    announcer_.OnMessage();
    // Head has to notice that a view is slow.
    if (!view_->idle()) head_.Pause(true);
  }

  void OnNotice(const KeyValues& fields) {
    const absl::string_view event = ValueOf(fields, "event");
    if (event == "started" || event == "ended") {
      announcer_.SayOncePainted(Announcer::kState, "");
      view_->ProgramChanged();
    }
    if (event == "started") {
      Say("runs again, pid ", ValueOf(fields, "pid"));
    } else if (event == "ended") {
      OnEnded(fields);
    } else if (event == "status") {
      OnStatus(fields);
    } else if (event == "writer") {
      FinishOnError(keys_.OnWriter(fields));
    } else if (event == "asked-for-keys") {
      keys_.OnAsked(fields);
    } else if (event == "missed" && interactive_) {
      // Head may draw the screen, so the stream can't go on there by itself.
      defaced_ = true;
    } else if (event == "missed") {
      Say("was faster than its reader; ", ValueOf(fields, "bytes"),
          " bytes were missed");
    }
  }

  void OnEnded(const KeyValues& fields) {
    const std::string how = HowOf(fields);
    if (!options_.once) return Say(how, kWaiting);
    ended_ = true;
    if (child_status_) {
      return FinishOnceShown(
          AttachResult{*child_status_, OwnLine(AboutSession(how))});
    }
    status_patience_ = loop_.After(kStatusPatience, [this, how] {
      Finish(absl::UnavailableError(AboutSession(how, kNobodyReported)));
    });
    OnStatus(fields);
  }

  void OnStatus(const KeyValues& fields) {
    const auto status = ExitStatusOf(fields);
    if (!status_patience_.pending() || !status) return;
    FinishOnceShown(
        AttachResult{*status, OwnLine(AboutSession(HowOf(fields)))});
  }

  void OnDone() {
    if (!head_.keys_may_be_lost()) return FinishOnceShown(AttachResult());
    FinishOnceShown(absl::UnavailableError(
        absl::StrCat("head went away: ", head_.session(),
                     " may lack some of what was typed before; look at it")));
  }

  absl::Status UpdateSize() {
    if (!interactive_) return absl::OkStatus();
    ASSIGN_OR_RETURN(const WindowSize size, GetWindowSize(STDOUT_FILENO));
    head_.SetSize(size);
    return absl::OkStatus();
  }

  // A terminal is read while head is away, for the detach key.
  void UpdateTyping() {
    if (view_ == nullptr) return;
    view_->PauseTyping(head_.full() || (head_.away() && !interactive_));
  }

  template <typename... Parts>
  std::string AboutSession(const Parts&... parts) const {
    return absl::StrCat(head_.session(), " ", parts...);
  }
  template <typename... Parts>
  void Say(const Parts&... parts) {
    announcer_.Say(AboutSession(parts...));
  }

  void FinishOnError(const absl::Status& status) {
    if (!status.ok()) Finish(status);
  }
  void FinishOnceShown(absl::StatusOr<AttachResult> result) {
    status_patience_.Reset();
    if (view_->idle()) return Finish(std::move(result));
    head_.Close();
    result_ = std::move(result);
  }
  void Finish(absl::StatusOr<AttachResult> result) {
    if (finished_) return;
    head_.Close();
    result_ = std::move(result);
    finished_ = true;
  }

  EventLoop& loop_;
  const AttachOptions& options_;
  const bool interactive_;
  Attachment head_;
  Announcer announcer_;
  SessionKeys keys_;
  std::unique_ptr<View> view_;  // null until head has taken us
  Rights rights_ = Rights::All();

  bool told_of_absence_ = false;
  // The terminal shows something else than what the stream makes by itself.
  bool defaced_ = false;

  Watch child_watch_;
  std::optional<int> child_status_;
  bool ended_ = false;  // head has said so

  Timer status_patience_;
  // How the run ends, perhaps not before the view has shown everything.
  std::optional<absl::StatusOr<AttachResult>> result_;
  bool finished_ = false;
};

}  // namespace

absl::StatusOr<AttachResult> RunAttach(const AttachOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Signals signals,
                   Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP,
                                   SIGCONT, SIGWINCH}));
  AttachRun run(*loop, options);
  RETURN_IF_ERROR(run.Begin());
  RETURN_IF_ERROR(RunWithSignals(
      *loop, signals, [&run](int signal) { run.OnSignal(signal); },
      [&run] { return run.finished(); }));
  return run.End();
}

}  // namespace deptyr
