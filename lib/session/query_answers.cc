#include "lib/session/query_answers.h"

#include "absl/strings/str_cat.h"

namespace deptyr {

void QueryAnswers::Take(const Query& query, uint64_t at, const Modes& modes,
                        WindowSize size) {
  const std::string answer = AnswerTo(query, modes, size);
  if (answer.empty() && !query.asks_for_cursor()) return;
  if (query.kind != Query::kSizeReports) {
    if (audience_.TerminalAnswers()) return;
    audience_.NoteAnsweredByHead(at);
  }
  if (!query.asks_for_cursor()) return Give(answer);
  if (input_.takes_from_head() && waiting_.size() < kMostWaiting) {
    waiting_.push_back({at, query, ""});
  }
}

void QueryAnswers::Give(absl::string_view answer) {
  if (!input_.takes_from_head()) return;
  if (waiting_.empty()) return type_(answer);
  std::string& after = waiting_.back().after;
  if (after.size() < kMostAfter) absl::StrAppend(&after, answer);
}

void QueryAnswers::TellSize(WindowSize size) {
  Give(SizeReport(size));
}

void QueryAnswers::TakeCursor(const Cursor& cursor) {
  const Waiting first = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  type_(absl::StrCat(CursorAnswer(first.query, cursor), first.after));
}

void QueryAnswers::StopOthersWaiting() {
  for (Waiting& one : waiting_) {
    if (!one.after.empty()) type_(std::exchange(one.after, ""));
  }
}

}  // namespace deptyr
