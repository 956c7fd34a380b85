#include "lib/verbs/typist.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/sys/terminal_input.h"
#include "lib/term/digest.h"

namespace deptyr {
namespace {

// From one look at the terminal to the next.  Keys are on their way through the
// kernel for a moment, so one look that finds nothing isn't enough.
constexpr absl::Duration kLookPause = absl::Milliseconds(5);
constexpr int kLooks = 2;
// How long a program may take to read what we can't see.
constexpr absl::Duration kBlindPause = absl::Milliseconds(100);

// While somebody types, a line waits until they have been quiet for so long,
// but not longer than the patience.
constexpr absl::Duration kQuietTyping = absl::Seconds(1);
constexpr absl::Duration kTurnPatience = absl::Seconds(10);

// How long others than `client` have been quiet.  The time of day may jump.
absl::Duration QuietOfOthers(const std::vector<KeyValues>& status,
                             uint64_t client) {
  absl::Duration quiet = absl::InfiniteDuration();
  for (const KeyValues& item : status) {
    int64_t last = 0;
    if (ValueOf(item, "item") != "client" ||
        ValueOf(item, "id") == absl::StrCat(client) ||
        !absl::SimpleAtoi(ValueOf(item, "last-typed"), &last)) {
      continue;
    }
    quiet = std::min(quiet, std::max(absl::Now() - absl::FromUnixMillis(last),
                                     absl::ZeroDuration()));
  }
  return quiet;
}

}  // namespace

void Typist::Type(std::vector<Piece> pieces, const Attached& attached,
                  Done sent) {
  left_ = {std::make_move_iterator(pieces.begin()),
           std::make_move_iterator(pieces.end())};
  client_ = attached.client;
  done_ = std::move(sent);
  NextAfter(absl::ZeroDuration());
}

void Typist::AwaitRead(Done read) {
  done_ = std::move(read);
  AwaitAll();
}

void Typist::NextAfter(absl::Duration pause) {
  next_ = loop_.After(pause, [this] { Next(); });
}

void Typist::Next() {
  if (left_.empty()) return Finish(absl::OkStatus());
  const Piece piece = std::move(left_.front());
  left_.pop_front();
  if (piece.kind == Piece::Kind::kPause) return NextAfter(piece.pause);
  if (piece.kind == Piece::Kind::kTurn) return AwaitTurn(kTurnPatience);
  if (DependsOnModes(piece)) return AskForModes(piece);
  Send(*BytesOf(piece, Modes()));
}

void Typist::AwaitTurn(absl::Duration patience) {
  if (!client_) return Next();
  inquiry_.Ask(
      {.what = "status", .fields = {{"session", head_.session()}}},
      [this, patience](const absl::StatusOr<Inquiry::Answer>& answer) {
        if (!answer.ok()) return Finish(answer.status());
        const absl::Duration pause = std::min(
            patience, kQuietTyping - QuietOfOthers(answer->items, *client_));
        if (pause <= absl::ZeroDuration()) return Next();
        next_ = loop_.After(
            pause, [this, left = patience - pause] { AwaitTurn(left); });
      });
}

void Typist::AskForModes(const Piece& piece) {
  inquiry_.Ask(
      {.what = "snapshot", .fields = {{"session", head_.session()}}},
      [this, piece](const absl::StatusOr<Inquiry::Answer>& answer) {
        if (!answer.ok()) return Finish(answer.status());
        Digest digest;
        digest.Scan(answer->paint);
        const absl::StatusOr<std::string> bytes =
            BytesOf(piece, digest.modes());
        if (bytes.ok()) return Send(*bytes);
        Finish(absl::FailedPreconditionError(absl::StrCat(
            head_.session(), ": ", bytes.status().message(),
            sent_ == 0 ? "; nothing was typed" : "; the rest wasn't typed")));
      });
}

void Typist::Send(const std::string& bytes) {
  head_.Type(bytes);
  sent_ += bytes.size();
  left_.empty() ? Finish(absl::OkStatus()) : AwaitAll();
}

void Typist::AwaitAll() {
  times_read_ = 0;
  client_ ? AwaitTerminal() : NextAfter(kBlindPause);
}

void Typist::AwaitTerminal() {
  inquiry_.Ask({.what = "status", .fields = {{"session", head_.session()}}},
               [this](const absl::StatusOr<Inquiry::Answer>& answer) {
                 if (!answer.ok()) return Finish(answer.status());
                 if (TerminalHasAll(answer->items)) return AwaitReader();
                 next_ = loop_.After(kLookPause, [this] { AwaitTerminal(); });
               });
}

bool Typist::TerminalHasAll(const std::vector<KeyValues>& status) {
  bool has_all = false;
  for (const KeyValues& item : status) {
    const absl::string_view kind = ValueOf(item, "item");
    uint64_t number = 0;
    if (kind == "session") {
      (void)absl::SimpleAtoi(ValueOf(item, "pid"), &program_);
      if (!ValueOf(item, "queued").empty()) return false;
    } else if (kind == "client" &&
               absl::SimpleAtoi(ValueOf(item, "id"), &number) &&
               number == *client_) {
      has_all =
          absl::SimpleAtoi(ValueOf(item, "typed"), &number) && number >= sent_;
    }
  }
  return has_all;
}

void Typist::AwaitReader() {
  const std::optional<TerminalInput> input = LookAtInput(program_);
  if (!input) return NextAfter(kBlindPause);
  echoes_ = input->echoes || !input->reads_lines;
  const bool has_read = input->reads_lines || input->unread == 0;
  times_read_ = has_read ? times_read_ + 1 : 0;
  if (times_read_ >= kLooks) return Next();
  next_ = loop_.After(kLookPause, [this] { AwaitReader(); });
}

void Typist::Finish(const absl::Status& end) {
  next_.Reset();
  if (Done done = std::exchange(done_, nullptr)) done(end);
}

}  // namespace deptyr
