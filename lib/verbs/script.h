// Types into a session and waits, for scripts.  The client attaches before it
// types, so it misses nothing of what comes after.
//
//   Script script{.where = {"", "mc"}, .typed = PiecesOfText("stop\n"),
//                 .until = Script::Until::kEnd, .timeout = absl::Minutes(1)};
//   RETURN_IF_ERROR(RunScript(script));
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/attach/session_address.h"
#include "lib/verbs/matcher.h"
#include "lib/verbs/screen_condition.h"
#include "lib/verbs/typed.h"
#include "lib/wire/key_values.h"

namespace deptyr {

struct Script {
  SessionAddress where = {};
  std::vector<Piece> typed = {};
  // The event that the script waits for.
  enum class Until {
    kTyped,   // the program has taken all that was typed
    kMatch,   // `matcher` says so
    kScreen,  // `screen` holds
    kEnd,     // the program has ended, or none runs
    kStatus,  // the same, and it is known how
    kQuiet,   // nothing came for `quiet`
  } until = Until::kTyped;
  // It is shown the output, or, if something is typed, what answers that.
  Matcher* matcher = nullptr;
  // With kMatch, the end of the line that matches is waited for, too.
  bool whole_line = false;
  // With kMatch, the program that runs now may have written it already.
  bool from_its_start = false;
  const ScreenCondition* screen = nullptr;
  absl::Duration quiet = absl::ZeroDuration();
  // A session with this name that isn't there yet may come.
  bool awaits_session = false;
  bool exclusive = false;  // nobody else types meanwhile
  absl::Duration timeout = absl::InfiniteDuration();
};

struct ScriptEnd {
  std::string session = {};  // its name, once a head has taken the client
  std::string shown = {};    // with kScreen, what the screen showed, as text
  int exit_status = 0;       // with kStatus, the program's, or 128 + its signal
  // Once the program has ended, `state`, `how`, and `code` or `signal`, as far
  // as head knows.
  KeyValues ended = {};
};

// Blocking.  Fails with DeadlineExceeded if that doesn't happen in time.  Says
// in `end`, also then, how it was.
absl::Status RunScript(const Script& script, ScriptEnd* end = nullptr);

}  // namespace deptyr
