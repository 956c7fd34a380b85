#include "lib/attach/attach.h"

#include <signal.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/connection.h"
#include "lib/attach/notice.h"
#include "lib/attach/scrollback.h"
#include "lib/attach/view.h"
#include "lib/base/status.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

// As head does for its own terminal: a paste for a program that doesn't read is
// kept so far, and beyond the terminal isn't read, not even for the detach key.
constexpr size_t kMostUntyped = 1 << 20;
// After the last of a paint: what is said then isn't painted over.
constexpr absl::Duration kPaintPause = absl::Milliseconds(50);
// How long `deptyr ended` may take to tell what the kernel couldn't.
constexpr absl::Duration kStatusPatience = absl::Seconds(5);

class AttachClient final : public HeadConnection::Listener,
                           public View::Listener {
 public:
  AttachClient(EventLoop& loop, AttachOptions options, std::string path)
      : loop_(loop),
        options_(std::move(options)),
        path_(std::move(path)),
        session_(options_.session) {}

  absl::Status Connect();
  void OnSignal(int signal);
  bool finished() const { return finished_; }
  // The terminal is the user's again.
  absl::StatusOr<Farewell> End();

  void OnMessage(HeadMessage message) override;
  void OnEnd(const absl::Status& why) override { Fail(why); }
  void OnSent() override { UpdateTyping(); }
  void OnTyped(absl::string_view bytes) override;
  // Head says when all of it is taken, and then lets go of us.
  void OnTypedAll() override {
    if (!options_.once) head_->CloseSending();
  }
  void OnDetach() override;
  void OnShown() override;
  void OnViewGone(const absl::Status& why) override {
    if (why.ok()) return Finish(Farewell());
    Fail(why);
  }

 private:
  absl::Status OnAttached(const Attached& attached);
  absl::Status CheckNesting() const;
  // Before the painting that comes next.
  absl::Status ShowScrollback(WindowSize size);
  void OnNotice(const KeyValues& fields);
  void OnEnded(const KeyValues& fields);
  void Line(absl::string_view text);
  void UpdateTyping();
  // Once all is shown.
  void FinishAfterOutput(Farewell farewell);
  void Finish(absl::StatusOr<Farewell> farewell);
  void Fail(const absl::Status& why) { Finish(why); }

  EventLoop& loop_;
  const AttachOptions options_;
  const std::string path_;
  const bool interactive_ = OnTerminal();
  std::string session_;
  std::unique_ptr<View> view_;  // once attached
  std::unique_ptr<HeadConnection> head_;
  // Where in the stream we are: from here on it would go on after a break.
  uint64_t offset_ = 0;
  std::string state_;  // of a session whose program doesn't run, unsaid yet
  Timer paint_pause_;
  Timer status_patience_;
  std::optional<Farewell> farewell_;  // once what comes before it is shown
  bool finished_ = false;
  absl::StatusOr<Farewell> end_ = Farewell();
};

absl::Status AttachClient::Connect() {
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path_));
  head_ = std::make_unique<HeadConnection>(loop_, std::move(socket), *this);
  WindowSize size{0, 0};
  if (view_ != nullptr) {
    size = view_->size();
  } else if (interactive_) {
    ASSIGN_OR_RETURN(size, GetWindowSize(STDOUT_FILENO));
  }
  head_->Send(Attach{.session = session_,
                     .rows = size.rows,
                     .cols = size.cols,
                     .from = interactive_ ? From::kScreen : From::kNow,
                     .read_only = options_.read_only,
                     .kick = options_.kick && view_ == nullptr});
  return absl::OkStatus();
}

void AttachClient::OnSignal(int signal) {
  switch (signal) {
    case SIGWINCH:
      if (view_ != nullptr) {
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
      if (const absl::Status again = Connect(); !again.ok()) Fail(again);
      return;
    default:
      return OnDetach();
  }
}

absl::StatusOr<Farewell> AttachClient::End() {
  head_.reset();
  if (view_ != nullptr) view_->GiveBack();
  if (options_.quiet && end_.ok()) end_->line.clear();
  return std::move(end_);
}

void AttachClient::OnMessage(HeadMessage message) {
  if (const auto* attached = std::get_if<Attached>(&message)) {
    const absl::Status taken = OnAttached(*attached);
    if (!taken.ok()) Fail(taken);
  } else if (const auto* refused = std::get_if<Refused>(&message)) {
    Fail(RefusalError(*refused));
  } else if (view_ == nullptr) {
    return;
  } else if (const auto* output = std::get_if<Output>(&message)) {
    offset_ += output->bytes.size();
    view_->Output(output->bytes);
  } else if (const auto* paint = std::get_if<Paint>(&message)) {
    view_->Paint(paint->bytes);
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    OnNotice(notice->fields);
  } else if (std::holds_alternative<Done>(message) && !options_.once) {
    FinishAfterOutput({});
  }
  if (!state_.empty()) {
    paint_pause_ = loop_.After(kPaintPause, [this] {
      Line(absl::StrCat(std::exchange(state_, ""),
                        "; waiting for the next start"));
    });
  }
  // Head is to know of a terminal that is slow.
  if (view_ != nullptr && !view_->idle()) head_->Pause(true);
}

absl::Status AttachClient::CheckNesting() const {
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

absl::Status AttachClient::OnAttached(const Attached& attached) {
  session_ = attached.session;
  offset_ = attached.offset;
  if (!attached.running) state_ = attached.state;
  if (view_ != nullptr) return absl::OkStatus();
  if (interactive_) {
    RETURN_IF_ERROR(CheckNesting());
    ASSIGN_OR_RETURN(view_,
                     OpenTerminalView(loop_, *this, options_.detach_keys));
    return ShowScrollback({attached.rows, attached.cols});
  }
  const bool types = !options_.read_only;
  if (types && !attached.running && !options_.once &&
      !IsTerminal(STDIN_FILENO)) {
    return absl::FailedPreconditionError(
        absl::StrCat("nothing was typed: ", session_, " ", attached.state));
  }
  view_ = OpenPipeView(loop_, *this, types ? Typing::kYes : Typing::kNo);
  return absl::OkStatus();
}

absl::Status AttachClient::ShowScrollback(WindowSize size) {
  if (options_.scrollback == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const std::vector<std::string> lines,
      ReadScrollback(path_, session_, offset_, size, options_.scrollback));
  for (const std::string& line : lines) {
    view_->Output(absl::StrCat(line, "\x1b[m\r\n"));
  }
  // Off the top, where the terminal keeps them: the screen is cleared next.
  const int rows = view_->size().rows;
  view_->Output(
      std::string(rows > 0 ? static_cast<size_t>(rows - 1) : 0, '\n'));
  return absl::OkStatus();
}

void AttachClient::OnNotice(const KeyValues& fields) {
  const absl::string_view event = ValueOf(fields, "event");
  if (event == "started" || event == "ended") state_.clear();
  if (event == "started") {
    view_->ProgramChanged();
    Line(absl::StrCat("runs again, pid ", ValueOf(fields, "pid")));
  } else if (event == "ended") {
    OnEnded(fields);
  } else if (event == "status" && status_patience_.pending()) {
    FinishAfterOutput(
        {ExitStatusOf(fields).value_or(0),
         absl::StrCat("[deptyr: ", session_, " ", HowOf(fields), "]")});
  } else if (event == "missed") {
    (void)absl::SimpleAtoi(ValueOf(fields, "offset"), &offset_);
    if (!interactive_) {
      Line(absl::StrCat("was faster than its reader; ",
                        ValueOf(fields, "bytes"), " bytes were missed"));
    }
  }
}

void AttachClient::OnEnded(const KeyValues& fields) {
  view_->ProgramChanged();
  const std::string how = HowOf(fields);
  if (!options_.once) {
    return Line(absl::StrCat(how, "; waiting for the next start"));
  }
  if (const auto status = ExitStatusOf(fields)) {
    return FinishAfterOutput(
        {*status, absl::StrCat("[deptyr: ", session_, " ", how, "]")});
  }
  status_patience_ = loop_.After(kStatusPatience, [this, how] {
    Fail(absl::UnavailableError(
        absl::StrCat(session_, " ", how,
                     ", and nobody told the status; let its supervisor say "
                     "deptyr ended, see deptyr-ended(1)")));
  });
}

void AttachClient::Line(absl::string_view text) {
  if (!options_.quiet) {
    view_->Line(absl::StrCat("[deptyr: ", session_, " ", text, "]"));
  }
}

void AttachClient::OnTyped(absl::string_view bytes) {
  if (options_.read_only) return;
  head_->Send(Keys{std::string(bytes)});
  UpdateTyping();
}

void AttachClient::UpdateTyping() {
  if (view_ != nullptr) view_->PauseTyping(head_->unsent() >= kMostUntyped);
}

void AttachClient::OnDetach() {
  Finish(Farewell{0, absl::StrCat("[deptyr: detached from ", session_, "]")});
}

void AttachClient::OnShown() {
  if (farewell_) return Finish(*farewell_);
  head_->Pause(false);
}

void AttachClient::FinishAfterOutput(Farewell farewell) {
  status_patience_.Reset();
  if (view_->idle()) return Finish(std::move(farewell));
  farewell_ = std::move(farewell);
}

void AttachClient::Finish(absl::StatusOr<Farewell> farewell) {
  if (std::exchange(finished_, true)) return;
  end_ = std::move(farewell);
}

}  // namespace

absl::StatusOr<Farewell> RunAttach(const AttachOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Signals signals,
                   Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP,
                                   SIGCONT, SIGWINCH}));
  ASSIGN_OR_RETURN(std::string path, FindHead(options.head));
  AttachClient client(*loop, options, std::move(path));
  RETURN_IF_ERROR(client.Connect());
  const Watch watch = loop->Add(signals.fd(), Interest::kRead, [&](Ready) {
    while (const int signal = signals.Next()) client.OnSignal(signal);
  });
  while (!client.finished()) RETURN_IF_ERROR(loop->RunOnce());
  return client.End();
}

}  // namespace deptyr
