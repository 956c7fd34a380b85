// Answers what a program asks its terminal while no client's terminal does.
//
//   QueryAnswers answers(audience, input, [](absl::string_view) { ... });
//   digest.Scan(bytes, [&](const Query& query) {
//     answers.Take(query, digest.last_query(), digest.modes(), {24, 80});
//   });
//   // When the screen is as it was at answers.waits_at():
//   answers.TakeCursor(screen.reported_cursor());
//
// When a query is read, the audience decides whether head answers it or the
// terminal of the client that leads.  A query that asks for the cursor waits
// for the screen's model, and the answers after it wait, too, because a program
// may take the last for the end of all.  Queries that a program makes faster
// than it reads the answers are dropped.
//
// Reports of the size (mode 2048) always come from head, because the program's
// terminal has one size, and not all the terminals that show it do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/session/audience.h"
#include "lib/session/input_queue.h"
#include "lib/term/queries.h"

namespace deptyr {

class QueryAnswers {
 public:
  // `type` is to put an answer into `input`.
  QueryAnswers(Audience& audience, const InputQueue& input,
               absl::AnyInvocable<void(absl::string_view)> type)
      : audience_(audience), input_(input), type_(std::move(type)) {}

  // A query that ended at the offset `at` was read, in these modes.
  void Take(const Query& query, uint64_t at, const Modes& modes,
            WindowSize size);

  // The size has changed, and the program is told so (mode 2048).
  void TellSize(WindowSize size);

  // Whether a query waits for the cursor, and the offset at which it does.
  bool waits() const { return !waiting_.empty(); }
  uint64_t waits_at() const { return waiting_.front().at; }
  // The cursor was there at waits_at().
  void TakeCursor(const Cursor& cursor);
  // The cursor won't be known soon: only answers that need it wait any longer.
  void StopOthersWaiting();
  void Clear() { waiting_.clear(); }

 private:
  void Give(absl::string_view answer);

  static constexpr size_t kMostWaiting = 64;
  static constexpr size_t kMostAfter = 512;  // bytes

  struct Waiting {
    uint64_t at;
    Query query;
    std::string after;  // the answers to what was asked after it
  };

  Audience& audience_;
  const InputQueue& input_;
  absl::AnyInvocable<void(absl::string_view)> type_;
  std::vector<Waiting> waiting_;
};

}  // namespace deptyr
