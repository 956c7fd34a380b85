#include "lib/verbs/history.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/ask.h"
#include "lib/attach/history.h"
#include "lib/attach/notice.h"
#include "lib/attach/session_search.h"
#include "lib/base/status.h"
#include "lib/sys/terminal.h"
#include "lib/term/shown_lines.h"
#include "lib/verbs/last_lines.h"
#include "lib/verbs/stream_reader.h"

namespace deptyr {
namespace {

constexpr absl::Duration kUsualWait = absl::Seconds(30);

// A program began here in the stream, on a terminal of this size.
struct Beginning {
  uint64_t offset = 0;
  WindowSize size;
};

// A session's programs, which aren't told apart in the stream.  There are none
// if head doesn't say; a client that attaches hears why.  The session's name
// becomes that of the session that was meant.
std::vector<Beginning> AskForBeginnings(SessionAddress& where) {
  const auto items = AskForItems(
      where.head, {.what = "status", .fields = {{"session", where.session}}});
  std::vector<Beginning> beginnings;
  if (!items.ok()) return beginnings;
  for (const KeyValues& item : *items) {
    const absl::string_view kind = ValueOf(item, "item");
    if (kind == "session") where.session = std::string(ValueOf(item, "name"));
    Beginning one{.size = SizeIn(item, 0, UINT16_MAX)};
    if (kind != "incarnation" ||
        !absl::SimpleAtoi(ValueOf(item, "begin"), &one.offset)) {
      continue;
    }
    beginnings.push_back(one);
  }
  return beginnings;
}

// The text of a session's programs: each on a screen of its own.
class ShownText {
 public:
  // `beginnings` are those that head knew of at first.
  explicit ShownText(std::vector<Beginning> beginnings)
      : beginnings_(std::move(beginnings)) {}

  // The bytes at `offset` of the stream.
  std::string Feed(uint64_t offset, absl::string_view bytes) {
    std::string text;
    while (next_ < beginnings_.size()) {
      const Beginning& beginning = beginnings_[next_];
      if (beginning.offset >= offset + bytes.size()) break;
      const uint64_t before =
          beginning.offset - std::min(beginning.offset, offset);
      absl::StrAppend(&text, lines_->Feed(bytes.substr(0, before)));
      bytes.remove_prefix(before);
      offset += before;
      absl::StrAppend(&text, Start(beginning.size));
      ++next_;
    }
    return text + lines_->Feed(bytes);
  }
  // Another program starts.
  std::string Start(WindowSize size) {
    std::string text = lines_->Finish();
    lines_.emplace(size);
    return text;
  }
  std::string Resize(WindowSize size) { return lines_->Resize(size); }

 private:
  const std::vector<Beginning> beginnings_;
  size_t next_ = 0;
  std::optional<ShownLines> lines_{std::in_place, WindowSize()};
};

class HistoryReader final : public StreamReader {
 public:
  HistoryReader(EventLoop& loop, const HistoryOptions& options,
                std::vector<Beginning> beginnings)
      : StreamReader(loop, STDOUT_FILENO,
                     options.follow ? options.wait.value_or(kUsualWait)
                                    : absl::ZeroDuration(),
                     WishFor(options)),
        options_(options),
        shown_(std::move(beginnings)),
        last_(options.lines.value_or(0)),
        tails_(options.lines.has_value()) {}

 private:
  static Attach WishFor(const HistoryOptions& options) {
    Attach wish = {.session = options.where.session,
                   .from = From::kHistory,
                   .value = options.bytes.value_or(0),
                   .read_only = true};
    if (options.bytes == size_t{0}) wish.from = From::kNow;
    if (options.from) {
      wish.from = From::kOffset;
      wish.value = *options.from;
    }
    if (options.follow && IsTerminal(STDOUT_FILENO)) wish.inside = "";
    return wish;
  }

  void OnAttached(const Attached& attached, Attachment::Joined how) override {
    size_ = {attached.rows, attached.cols};
    if (how == Attachment::Joined::kFirst) return Begin(attached);
    offset_ = attached.offset;
    if (attached.stream == position().stream()) return;
    // Another session has the name now, and this one's end has gone with head.
    Print(shown_.Start(size_));
    EndPast();
  }

  void Begin(const Attached& attached) {
    for (const auto& offset : {options_.from, options_.until}) {
      const bool may_come = options_.follow && offset == options_.until;
      if (!offset || *offset <= attached.end || may_come) continue;
      return Finish(absl::OutOfRangeError(absl::StrCat(
          "the output of ", attached.session, " ends at ", attached.end,
          ", before ", *offset, "; was the session forgotten since?")));
    }
    (void)shown_.Start(size_);
    past_ = HistoryRange(options_.follow ? attached.end : options_.until);
    offset_ = attached.offset;
    (void)past_.Take(attached);
    EndPastIfShown();
  }

  void OnMessage(const HeadMessage& message) override {
    const absl::string_view past = past_.Take(message);
    if (const auto* output = std::get_if<Output>(&message)) {
      Show(*output, past.size());
    } else if (const auto* notice = std::get_if<Notice>(&message)) {
      OnNotice(notice->fields);
    }
    offset_ = position().offset();
    EndPastIfShown();
  }

  // `past` of the bytes belong to the past.
  void Show(const Output& output, size_t past) {
    absl::string_view bytes = output.bytes;
    const uint64_t offset = position().offset() - bytes.size();
    if (!options_.follow) bytes = bytes.substr(0, past);
    if (options_.until) {
      bytes =
          bytes.substr(0, *options_.until - std::min(*options_.until, offset));
    }
    const size_t first = std::min(past, bytes.size());
    Print(offset, bytes.substr(0, first));
    if (first == bytes.size()) return;
    EndPast();
    Print(offset + first, bytes.substr(first));
  }

  void OnNotice(const KeyValues& fields) {
    const absl::string_view event = ValueOf(fields, "event");
    if (event == "missed") {
      std::fprintf(
          stderr, "%s\n",
          OwnLine(absl::StrCat(ValueOf(fields, "bytes"), " bytes are missing"))
              .c_str());
    }
    if (!options_.text) return;
    if (event == "resized" || event == "started") {
      size_ = SizeIn(fields, 0, UINT16_MAX);
    }
    if (event == "resized") {
      Print(shown_.Resize(size_));
    } else if (event == "started" || event == "ended") {
      Print(shown_.Start(size_));
    }
  }

  bool UntilIsReached() const {
    return options_.until && offset_ >= *options_.until;
  }
  void EndPastIfShown() {
    if (past_.complete() || UntilIsReached()) EndPast();
  }

  void EndPast() {
    const bool ends = !options_.follow || UntilIsReached();
    if (ends && options_.text) Print(shown_.Start(size_));
    if (std::exchange(tails_, false)) Write(last_.Take());
    if (ends) Finish(absl::OkStatus());
  }

  void Print(uint64_t offset, absl::string_view bytes) {
    if (!options_.text) return Print(bytes);
    Print(shown_.Feed(offset, bytes));
  }
  void Print(absl::string_view text) { tails_ ? last_.Add(text) : Write(text); }

  const HistoryOptions& options_;
  HistoryRange past_;    // what there was when it attached
  uint64_t offset_ = 0;  // up to where everything was shown
  ShownText shown_;
  WindowSize size_;
  LastLines last_;
  bool tails_;  // only the last lines are to be printed
};

}  // namespace

absl::Status RunHistory(const HistoryOptions& wanted) {
  HistoryOptions options = wanted;
  ASSIGN_OR_RETURN(const auto loop, EventLoop::Create());
  if (options.wait.value_or(absl::ZeroDuration()) > absl::ZeroDuration()) {
    RETURN_IF_ERROR(AwaitSession(*loop, options.where, *options.wait));
  }
  std::vector<Beginning> beginnings;
  if (options.text) beginnings = AskForBeginnings(options.where);
  return HistoryReader(*loop, options, std::move(beginnings))
      .Run(options.where.head);
}

}  // namespace deptyr
