#include "cmd/awaited_options.h"

#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "lib/base/status.h"
#include "lib/render/json.h"
#include "lib/verbs/matcher.h"

namespace deptyr {
namespace {

void PrintLine(const std::string& text) {
  if (text.empty()) return;
  std::fputs(text.c_str(), stdout);
  if (!absl::EndsWith(text, "\n")) std::fputc('\n', stdout);
}

}  // namespace

void AddTimeout(Options& options, Script& script) {
  options.Value("timeout", "SECONDS", &script.timeout, ParseTimeLimit,
                "give up after this long, or \"never\"",
                {.usual = absl::StrCat(absl::ToInt64Seconds(script.timeout))});
}

void AddScreenOptions(Options& options, Awaited& awaited) {
  options.Do("screen", "REGEX", "wait until the screen shows this",
             [&](absl::string_view text) {
               return awaited.screen.Shows(std::string(text));
             },
             {.repeatable = true});
  options.Do("gone", "REGEX", "wait until the screen doesn't show this",
             [&](absl::string_view text) {
               return awaited.screen.Lacks(std::string(text));
             },
             {.repeatable = true});
  options.Do("stable", "SECONDS",
             "wait until the screen has stayed the same for this long",
             [&](absl::string_view text) -> absl::Status {
               ASSIGN_OR_RETURN(const absl::Duration time, ParseSeconds(text));
               awaited.screen.StaysTheSame(time);
               return absl::OkStatus();
             });
}

absl::Status RunUntil(Script script, const Awaited& awaited,
                      const Options& options) {
  Matcher matcher = Matcher::WithoutPattern();
  script.matcher = &matcher;
  if (!awaited.screen.empty()) {
    script.screen = &awaited.screen;
    script.until = Script::Until::kScreen;
  } else if (!awaited.pattern.empty()) {
    ASSIGN_OR_RETURN(matcher, Matcher::Create(awaited.pattern));
    script.until = Script::Until::kMatch;
    script.whole_line = awaited.print || options.json();
  } else if (awaited.quiet) {
    script.until = Script::Until::kQuiet;
    script.quiet = *awaited.quiet;
  }
  ScriptEnd end;
  absl::Status status = RunScript(script, &end);
  // If it didn't come, the screen or the output that came instead says why.
  std::string text;
  if (!awaited.screen.empty()) {
    text = end.shown;
  } else if (!script.typed.empty()) {
    text = matcher.answer();
  } else if (status.ok()) {
    text = matcher.line();
  }
  if (awaited.print && !options.json()) PrintLine(text);
  const bool has_text =
      awaited.count() > 0 && !(awaited.quiet && script.typed.empty());
  if (status.ok()) {
    PrintJson(options, end.session,
              has_text ? KeyValues{{"text", text}} : KeyValues());
  }
  return status;
}

void PrintJson(const Options& options, const std::string& session,
               const KeyValues& more) {
  if (!options.json()) return;
  KeyValues item = {{"session", session}};
  item.insert(item.end(), more.begin(), more.end());
  PrintLine(ItemJson(item));
}

}  // namespace deptyr
