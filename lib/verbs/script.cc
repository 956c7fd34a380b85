#include "lib/verbs/script.h"

#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/ask.h"
#include "lib/attach/connection.h"
#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/sys/event_loop.h"
#include "lib/term/digest.h"

namespace deptyr {
namespace {

using Until = Script::Until;

class ScriptClient final : public HeadConnection::Listener {
 public:
  ScriptClient(EventLoop& loop, const Script& script, Fd socket)
      : loop_(loop),
        script_(script),
        session_(script.where.session),
        head_(loop, std::move(socket), *this) {
    if (script_.timeout < absl::InfiniteDuration()) {
      timeout_ = loop_.After(script_.timeout, [this] { OnTimeout(); });
    }
    head_.Send(Attach{.session = script_.where.session,
                      .from = From::kNow,
                      .read_only = script_.typed.empty()});
  }

  const std::optional<absl::Status>& end() const { return end_; }

  void OnMessage(HeadMessage message) override;
  void OnEnd(const absl::Status& why) override { Finish(why); }

 private:
  void OnAttached(const Attached& attached);
  void OnOutput(absl::string_view bytes);
  void OnEnded(const KeyValues& fields);
  void OnTimeout();
  void WaitForQuiet();
  void Type();
  void Finish(const absl::Status& end) {
    if (!end_) end_ = end;
  }

  EventLoop& loop_;
  const Script& script_;
  std::string session_;
  std::optional<absl::Status> end_;
  Timer timeout_;
  Timer quiet_;
  HeadConnection head_;
};

void ScriptClient::OnMessage(HeadMessage message) {
  if (end_) return;
  if (const auto* attached = std::get_if<Attached>(&message)) {
    OnAttached(*attached);
  } else if (const auto* refused = std::get_if<Refused>(&message)) {
    Finish(RefusalError(*refused));
  } else if (const auto* output = std::get_if<Output>(&message)) {
    OnOutput(output->bytes);
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    if (ValueOf(notice->fields, "event") == "ended") OnEnded(notice->fields);
  } else if (std::holds_alternative<Done>(message)) {
    Finish(absl::OkStatus());
  }
}

void ScriptClient::OnAttached(const Attached& attached) {
  session_ = attached.session;
  if (!attached.running && script_.until == Until::kEnd) {
    return Finish(absl::OkStatus());
  }
  if (!attached.running && !script_.typed.empty()) {
    return Finish(NotTypedError(session_, attached.state));
  }
  if (!attached.rights.Has(Right::kType) && !script_.typed.empty()) {
    return Finish(MayNotTypeError(session_));
  }
  if (script_.until == Until::kQuiet) WaitForQuiet();
  Type();
}

void ScriptClient::Type() {
  head_.SendKeys(script_.typed);
  // Head answers "done" when the program has taken all of it.
  if (script_.until == Until::kTyped) head_.CloseSending();
}

void ScriptClient::OnOutput(absl::string_view bytes) {
  if (script_.until == Until::kQuiet) WaitForQuiet();
  if (script_.matcher == nullptr) return;
  if (script_.matcher->Feed(bytes)) Finish(absl::OkStatus());
}

void ScriptClient::OnEnded(const KeyValues& fields) {
  if (script_.until == Until::kEnd) return Finish(absl::OkStatus());
  // A client that only waits may well wait for the next program.
  if (script_.typed.empty()) return;
  Finish(absl::UnavailableError(
      absl::StrCat(session_, " ", HowOf(fields),
                   script_.until == Until::kMatch
                       ? ", and what was waited for did not come"
                       : ", and may not have taken what was typed")));
}

void ScriptClient::WaitForQuiet() {
  quiet_ = loop_.After(script_.quiet, [this] { Finish(absl::OkStatus()); });
}

void ScriptClient::OnTimeout() {
  absl::string_view what;
  switch (script_.until) {
    case Until::kTyped:
      what = "did not take what was typed within ";
      break;
    case Until::kMatch:
      what = "did not write what was waited for within ";
      break;
    case Until::kEnd:
      what = "still runs after ";
      break;
    case Until::kQuiet:
      what = "was not quiet within ";
      break;
  }
  Finish(absl::DeadlineExceededError(absl::StrCat(
      session_, " ", what, absl::FormatDuration(script_.timeout))));
}

}  // namespace

absl::Status RunScript(const Script& script) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(const std::string path, FindHead(script.where.head));
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path));
  ScriptClient client(*loop, script, std::move(socket));
  while (!client.end()) RETURN_IF_ERROR(loop->RunOnce());
  return *client.end();
}

absl::StatusOr<CursorKeys> AskCursorKeys(const SessionAddress& where) {
  Digest digest;
  RETURN_IF_ERROR(AskHead(
      where.head, {.what = "snapshot", .fields = {{"session", where.session}}},
      [&](const HeadMessage& said) {
        if (const auto* paint = std::get_if<Paint>(&said)) {
          digest.Scan(paint->bytes);
        }
      }));
  return digest.modes().application_cursor_keys() ? CursorKeys::kApplication
                                                  : CursorKeys::kNormal;
}

}  // namespace deptyr
