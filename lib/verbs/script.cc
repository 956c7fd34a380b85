#include "lib/verbs/script.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/attachment.h"
#include "lib/attach/inquiry.h"
#include "lib/attach/notice.h"
#include "lib/attach/session_search.h"
#include "lib/attach/waiting.h"
#include "lib/base/status.h"
#include "lib/render/render.h"
#include "lib/sys/event_loop.h"
#include "lib/verbs/followed_screen.h"
#include "lib/verbs/typist.h"

namespace deptyr {
namespace {

using Until = Script::Until;

// How long a program may take between two pieces of one line.
constexpr absl::Duration kLineTime = absl::Milliseconds(500);

absl::string_view DeedOf(Until until) {
  switch (until) {
    case Until::kTyped:
      return "take what was typed";
    case Until::kMatch:
      return "write what is waited for";
    case Until::kScreen:
      return "show what is waited for";
    case Until::kEnd:
    case Until::kStatus:
      return "exit";
    case Until::kQuiet:
      break;
  }
  return "be quiet";
}

class ScriptClient final : public Attachment::Listener {
 public:
  ScriptClient(EventLoop& loop, const Script& script, std::string path)
      : loop_(loop),
        script_(script),
        path_(std::move(path)),
        inquiry_(loop, path_),
        search_(loop, path_) {}

  absl::Status Run() {
    Timer timeout;
    if (script_.timeout < absl::InfiniteDuration()) {
      timeout = loop_.After(script_.timeout, [this] { OnTimeout(); });
    }
    FindBeginning();
    while (!end_) RETURN_IF_ERROR(loop_.RunOnce());
    return *end_;
  }
  ScriptEnd end() const {
    return {.session = head_ ? head_->session() : "",
            .shown = Text(screen_.screen()),
            .exit_status = exit_status_,
            .ended = ended_};
  }

 private:
  // --- before it attaches

  void FindBeginning() {
    // Head counts whom it doesn't let attach, so a session that may not be
    // there is asked for first.
    if (!script_.from_its_start && !script_.awaits_session) {
      return AttachFrom(OtherBeginning());
    }
    inquiry_.Ask(
        {.what = "status", .fields = {{"session", script_.where.session}}},
        [this](auto status) {
          status.ok() ? AttachFrom(BeginningOf(status->items))
                      : OnFailed(status.status());
        });
  }

  Attach OtherBeginning() const {
    return {
        .session = script_.where.session,
        .from = script_.until == Until::kScreen ? From::kScreen : From::kNow};
  }
  // The output of a program that has ended is of no interest.
  Attach BeginningOf(const std::vector<KeyValues>& status) const {
    if (!script_.from_its_start) return OtherBeginning();
    for (const KeyValues& item : status) {
      uint64_t begin = 0;
      if (ValueOf(item, "item") == "incarnation" &&
          ValueOf(item, "ended") == "0" &&
          absl::SimpleAtoi(ValueOf(item, "begin"), &begin)) {
        return {.session = std::string(ValueOf(status.front(), "name")),
                .from = From::kOffset,
                .value = begin};
      }
    }
    return OtherBeginning();
  }

  void AttachFrom(Attach wish) {
    wish.read_only = script_.typed.empty();
    if (script_.exclusive) wish.exclusive = true;
    head_.emplace(loop_, /*patience=*/absl::ZeroDuration(), std::move(wish),
                  *this);
    if (const absl::Status why = head_->Open(path_); !why.ok()) Finish(why);
  }

  // --- while it is attached

  void OnAttached(const Attached& attached, Attachment::Joined) override {
    if (!attached.running && script_.until == Until::kEnd) {
      return Finish(absl::OkStatus());
    }
    if (!attached.running && script_.until == Until::kStatus &&
        attached.number != 0) {
      return LearnStatus();
    }
    if (!script_.typed.empty()) {
      const absl::Status may = CheckTyping(attached, /*must_run=*/true);
      if (!may.ok()) return Finish(may);
      if (head_->only_watches()) return OnKeysTaken();
    }
    waiting_ = SayWaiting(
        loop_, absl::StrCat(head_->session(), " to ", DeedOf(script_.until)),
        script_.timeout);
    if (script_.until == Until::kScreen) screen_.OnAttached(attached);
    if (script_.typed.empty()) return OnTyped(absl::OkStatus());
    typist_.emplace(loop_, inquiry_, *head_);
    typist_->Type(script_.typed, attached,
                  [this](const absl::Status& end) { OnTyped(end); });
  }

  void OnTyped(const absl::Status& end) {
    if (!end.ok()) return Finish(end);
    typed_ = true;
    if (typist_ && script_.matcher != nullptr) {
      script_.matcher->BeginAnswer(
          typist_->echoes() ? LineEntered(script_.typed) : std::nullopt);
    }
    // Head answers "done" at once.
    if (script_.until == Until::kTyped) head_->EndTyping();
    if (script_.until == Until::kQuiet) WaitForQuiet();
    if (script_.until != Until::kScreen) return;
    // The screen from before anything was typed answers nothing.
    if (typist_) {
      return typist_->AwaitRead([this](const absl::Status& read) {
        read.ok() ? BeginToLook() : Finish(read);
      });
    }
    // A screen that is blank isn't painted.
    next_look_ = loop_.After(absl::ZeroDuration(), [this] { BeginToLook(); });
  }

  void OnMessage(const HeadMessage& message) override {
    if (script_.until == Until::kScreen) Follow(message);
    if (const auto* output = std::get_if<Output>(&message)) {
      if (script_.until == Until::kQuiet && typed_) WaitForQuiet();
      if (script_.matcher == nullptr) return;
      const bool matched = script_.matcher->Feed(output->bytes);
      if (matched && typed_ && script_.until == Until::kMatch) OnMatch();
    } else if (const auto* notice = std::get_if<Notice>(&message)) {
      const absl::string_view event = ValueOf(notice->fields, "event");
      if (event == "ended") OnEnded(notice->fields);
      if (event == "writer") OnWriter();
      if (event == "status" && status_patience_.pending()) {
        OnStatus(notice->fields);
      }
    } else if (std::holds_alternative<Done>(message)) {
      Finish(absl::OkStatus());
    }
  }

  void OnWriter() {
    if (script_.typed.empty() || !head_->only_watches()) return;
    if (!typed_ || script_.until == Until::kTyped) OnKeysTaken();
  }
  // Head drops what is typed now.
  void OnKeysTaken() {
    Finish(absl::UnavailableError(absl::StrCat(
        "client ", head_->writer(), " has the keys of ", head_->session(),
        typist_ ? ", so some of what was typed may be lost" : "",
        "; --exclusive takes them")));
  }

  void OnEnded(const KeyValues& fields) {
    NoteEnd(fields);
    if (script_.until == Until::kEnd) return Finish(absl::OkStatus());
    if (script_.until == Until::kStatus) return OnStatus(fields);
    // A client that only waits may well wait for the next program.
    if (script_.typed.empty()) return;
    const bool has_all =
        typed_ && (script_.until == Until::kQuiet || line_end_.pending());
    if (has_all) return Finish(absl::OkStatus());
    if (script_.until == Until::kScreen && typist_->has_sent_all()) {
      BeginToLook();  // nothing changes any more
      if (end_ || lasting_.pending()) return;
    }
    Finish(absl::UnavailableError(absl::StrCat(
        head_->session(), " ", HowOf(fields),
        script_.until == Until::kMatch || script_.until == Until::kScreen
            ? ", and what was waited for did not come"
            : ", and may not have taken what was typed")));
  }

  // A prompt has no end, so it isn't waited for as long as more may come.
  void OnMatch() {
    if (!script_.whole_line || script_.matcher->line_ended()) {
      return Finish(absl::OkStatus());
    }
    line_end_ = loop_.After(kLineTime, [this] { Finish(absl::OkStatus()); });
  }

  // --- how it ended

  void LearnStatus() {
    inquiry_.Ask({.what = "status", .fields = {{"session", head_->session()}}},
                 [this](auto answer) {
                   if (!answer.ok()) return Finish(answer.status());
                   const std::vector<KeyValues>& items = answer->items;
                   OnStatus(items.empty() ? KeyValues() : items.front());
                 });
  }

  // Where the kernel can't tell it, `deptyr ended` may, a moment later.
  void OnStatus(const KeyValues& fields) {
    NoteEnd(fields);
    if (const auto status = ExitStatusOf(fields)) {
      exit_status_ = *status;
      return Finish(absl::OkStatus());
    }
    status_patience_ = loop_.After(kStatusPatience, [this] {
      Finish(absl::UnavailableError(
          absl::StrCat(head_->session(), " ended", kNobodyReported)));
    });
  }

  void NoteEnd(const KeyValues& fields) {
    ended_ = {{"state", "ended"}};
    for (const absl::string_view name : {"how", "code", "signal"}) {
      const absl::string_view value = ValueOf(fields, name);
      if (!value.empty()) ended_.emplace_back(name, value);
    }
  }

  void WaitForQuiet() {
    quiet_ = loop_.After(script_.quiet, [this] { Finish(absl::OkStatus()); });
  }

  // --- the screen

  void BeginToLook() {
    looks_ = true;
    Look();
  }

  void Follow(const HeadMessage& message) {
    looks_ = looks_ || (typed_ && std::holds_alternative<Output>(message));
    const bool must_last = script_.screen->lasting() > absl::ZeroDuration();
    screen_.Take(message, [this, must_last] {
      if (!must_last) Look();
    });
    if (must_last) Look();
  }

  void Look() {
    if (end_ || !looks_) return;
    const ScreenCondition& condition = *script_.screen;
    if (!condition.Holds(screen_.screen())) return lasting_.Reset();
    if (condition.lasting() == absl::ZeroDuration()) {
      return Finish(absl::OkStatus());
    }
    const uint64_t before = look_;
    look_ = condition.waits_for_stable() ? Fingerprint(screen_.screen()) : 0;
    if (lasting_.pending() && look_ == before) return;
    lasting_ =
        loop_.After(condition.lasting(), [this] { Finish(absl::OkStatus()); });
  }

  // --- the end

  void OnTimeout() {
    if (line_end_.pending()) return Finish(absl::OkStatus());
    if (search_.running()) return Finish(search_.NotThere(script_.timeout));
    const absl::Status silence = head_ && !head_->attached()
                                     ? head_->NoAnswer(script_.timeout)
                                     : inquiry_.NoAnswer(script_.timeout);
    Finish(silence.ok() ? absl::DeadlineExceededError(WhatDidNotHappen())
                        : silence);
  }

  std::string WhatDidNotHappen() const {
    const std::string time = absl::FormatDuration(script_.timeout);
    const std::string& name = head_->session();
    switch (typed_ ? script_.until : Until::kTyped) {
      case Until::kTyped:
        return absl::StrCat(name, " did not take what was typed within ", time);
      case Until::kMatch:
        return absl::StrCat(name, " did not write what was waited for within ",
                            time);
      case Until::kScreen:
        return absl::StrCat(name, " ", script_.screen->WhyNot(screen_.screen()),
                            " after ", time);
      case Until::kEnd:
      case Until::kStatus:
        return absl::StrCat(name, " still runs after ", time);
      case Until::kQuiet:
        break;
    }
    return absl::StrCat(name, " was not quiet within ", time);
  }

  void OnFailed(const absl::Status& why) override {
    const bool may_come = script_.awaits_session && absl::IsNotFound(why) &&
                          !script_.where.session.empty() &&
                          !(head_ && head_->attached());
    if (!may_come) return Finish(why);
    if (head_) head_->Close();
    search_.Start(script_.where.session, script_.timeout,
                  [this](const absl::Status& found) {
                    found.ok() ? FindBeginning() : Finish(found);
                  });
  }

  void Finish(const absl::Status& end) {
    waiting_.Reset();
    if (head_) head_->Close();
    if (end_) return;
    end_ = end;
  }

  EventLoop& loop_;
  const Script& script_;
  const std::string path_;
  Inquiry inquiry_;
  SessionSearch search_;            // if the session isn't there yet
  Timer next_look_;                 // at the screen
  std::optional<Attachment> head_;  // once the session is there
  std::optional<Typist> typist_;    // once it is attached, to type
  bool typed_ = false;              // all of it
  bool looks_ = false;
  FollowedScreen screen_;
  Timer lasting_;  // while the condition holds
  uint64_t look_ = 0;
  Timer line_end_;  // of the line that matched
  Timer quiet_;
  Timer status_patience_;
  int exit_status_ = 0;
  KeyValues ended_;
  Timer waiting_;
  std::optional<absl::Status> end_;
};

}  // namespace

absl::Status RunScript(const Script& script, ScriptEnd* end) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(std::string path, FindHead(script.where.head));
  ScriptClient client(*loop, script, std::move(path));
  absl::Status status = client.Run();
  if (end != nullptr) *end = client.end();
  return status;
}

}  // namespace deptyr
