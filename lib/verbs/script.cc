#include "lib/verbs/script.h"

#include <memory>
#include <optional>
#include <variant>

#include "absl/strings/str_cat.h"

#include "lib/attach/ask.h"
#include "lib/attach/attachment.h"
#include "lib/attach/notice.h"
#include "lib/attach/waiting.h"
#include "lib/base/status.h"
#include "lib/sys/event_loop.h"
#include "lib/term/digest.h"

namespace deptyr {
namespace {

using Until = Script::Until;

absl::string_view DeedOf(Until until) {
  switch (until) {
    case Until::kTyped:
      return "take what was typed";
    case Until::kMatch:
      return "write what is waited for";
    case Until::kEnd:
      return "exit";
    case Until::kQuiet:
      break;
  }
  return "be quiet";
}

class ScriptClient final : public Attachment::Listener {
 public:
  ScriptClient(EventLoop& loop, const Script& script)
      : loop_(loop),
        script_(script),
        head_(loop, /*patience=*/absl::ZeroDuration(),
              {.session = script.where.session,
               .from = From::kNow,
               .read_only = script.typed.empty()},
              *this) {}

  absl::Status Run() {
    RETURN_IF_ERROR(head_.Open(script_.where.head));
    Timer timeout;
    if (script_.timeout < absl::InfiniteDuration()) {
      timeout = loop_.After(script_.timeout, [this] { OnTimeout(); });
    }
    while (!end_) RETURN_IF_ERROR(loop_.RunOnce());
    return *end_;
  }

 private:
  void OnAttached(const Attached& attached, Attachment::Joined) override {
    if (!attached.running && script_.until == Until::kEnd) {
      return Finish(absl::OkStatus());
    }
    if (!script_.typed.empty()) {
      const absl::Status may = CheckTyping(attached, /*must_run=*/true);
      if (!may.ok()) return Finish(may);
    }
    waiting_ = SayWaiting(
        loop_, absl::StrCat(head_.session(), " to ", DeedOf(script_.until)));
    if (script_.until == Until::kQuiet) WaitForQuiet();
    head_.Type(script_.typed);
    // Head answers "done" when the program has taken all of it.
    if (script_.until == Until::kTyped) head_.EndTyping();
  }

  void OnMessage(const HeadMessage& message) override {
    if (const auto* output = std::get_if<Output>(&message)) {
      if (script_.until == Until::kQuiet) WaitForQuiet();
      if (script_.matcher == nullptr) return;
      if (script_.matcher->Feed(output->bytes)) Finish(absl::OkStatus());
    } else if (const auto* notice = std::get_if<Notice>(&message)) {
      if (ValueOf(notice->fields, "event") == "ended") OnEnded(notice->fields);
    } else if (std::holds_alternative<Done>(message)) {
      Finish(absl::OkStatus());
    }
  }

  void OnEnded(const KeyValues& fields) {
    if (script_.until == Until::kEnd) return Finish(absl::OkStatus());
    // A client that only waits may well wait for the next program.
    if (script_.typed.empty()) return;
    Finish(absl::UnavailableError(
        absl::StrCat(head_.session(), " ", HowOf(fields),
                     script_.until == Until::kMatch
                         ? ", and what was waited for did not come"
                         : ", and may not have taken what was typed")));
  }

  void WaitForQuiet() {
    quiet_ = loop_.After(script_.quiet, [this] { Finish(absl::OkStatus()); });
  }

  void OnTimeout() {
    if (!head_.attached()) return Finish(head_.NoAnswer(script_.timeout));
    const absl::string_view what =
        script_.until == Until::kTyped ? "did not take what was typed within"
        : script_.until == Until::kMatch
            ? "did not write what was waited for within"
        : script_.until == Until::kEnd ? "still runs after"
                                       : "was not quiet within";
    Finish(absl::DeadlineExceededError(
        absl::StrCat(head_.session(), " ", what, " ",
                     absl::FormatDuration(script_.timeout))));
  }

  void OnFailed(const absl::Status& why) override { Finish(why); }

  void Finish(const absl::Status& end) {
    waiting_.Reset();
    head_.Close();
    if (!end_) end_ = end;
  }

  EventLoop& loop_;
  const Script& script_;
  Attachment head_;
  Timer quiet_;
  Timer waiting_;
  std::optional<absl::Status> end_;
};

}  // namespace

absl::Status RunScript(const Script& script) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  return ScriptClient(*loop, script).Run();
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
