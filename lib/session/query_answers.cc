#include "lib/session/query_answers.h"

#include "absl/strings/str_cat.h"

namespace deptyr {

void QueryAnswers::Take(const Query& query, uint64_t at, const Modes& modes,
                        WindowSize size) {
  const std::string answer = AnswerTo(query, modes, size);
  if (answer.empty() && !query.asks_for_cursor()) return;
  if (audience_.TerminalAnswers()) return;
  audience_.NoteAnsweredByHead(at);
  if (!input_.takes_from_head()) return;
  if (query.asks_for_cursor()) {
    if (waiting_.size() < kMostWaiting) waiting_.push_back({at, query, ""});
  } else if (waiting_.empty()) {
    type_(answer);
  } else if (std::string& after = waiting_.back().after;
             after.size() < kMostAfter) {
    after += answer;
  }
}

void QueryAnswers::TakeCursor(const Cursor& cursor) {
  const Waiting& first = waiting_.front();
  type_(absl::StrCat(CursorAnswer(first.query, cursor), first.after));
  waiting_.pop_front();
}

void QueryAnswers::StopOthersWaiting() {
  for (Waiting& one : waiting_) {
    if (!one.after.empty()) type_(std::exchange(one.after, ""));
  }
}

}  // namespace deptyr
