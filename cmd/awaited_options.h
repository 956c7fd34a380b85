// The options of send and wait that say what is waited for, and how long.
//
//   Options options("wait", "[OPTION]... [SESSION]", "Waits.");
//   Script script{.timeout = absl::Seconds(30)};
//   Awaited awaited;
//   AddScreenOptions(options, awaited);
//   AddTimeout(options, script);
//   ASSIGN_OR_RETURN(auto operands, options.Parse(argc, argv));
//   RETURN_IF_ERROR(RunUntil(script, awaited, options));
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "cmd/options.h"
#include "lib/verbs/screen_condition.h"
#include "lib/verbs/script.h"
#include "lib/wire/key_values.h"

namespace deptyr {

struct Awaited {
  std::string pattern;
  ScreenCondition screen;
  std::optional<absl::Duration> quiet;
  bool exit = false;
  bool print = false;

  int count() const {
    return (pattern.empty() ? 0 : 1) + (screen.empty() ? 0 : 1) +
           (quiet.has_value() ? 1 : 0) + (exit ? 1 : 0);
  }
};

// Adds --screen, --gone and --stable.  `awaited` lives as long as the options.
void AddScreenOptions(Options& options, Awaited& awaited);
// Adds --timeout.  The default is what the script has already.
void AddTimeout(Options& options, Script& script);

// Runs the script until what is awaited has come, if there is anything, and
// prints that if it shall.
absl::Status RunUntil(Script script, const Awaited& awaited,
                      const Options& options);

// Prints the object of --json, if that was given.
void PrintJson(const Options& options, const std::string& session,
               const KeyValues& more);

}  // namespace deptyr
