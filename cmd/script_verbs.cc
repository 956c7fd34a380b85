// The verbs scripts use: send, wait, stop.

#include <cstdio>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/verbs/matcher.h"
#include "lib/verbs/script.h"
#include "lib/verbs/typed.h"

namespace deptyr {
namespace {

constexpr absl::Duration kSendTimeout = absl::Seconds(30);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);

// The bytes of the keys with these names.
absl::StatusOr<std::string> KeysFor(const SessionAddress& where,
                                    const std::string& names) {
  ASSIGN_OR_RETURN(const std::string keys,
                   KeysNamed(names, CursorKeys::kNormal));
  // Head is asked only if it matters what the program asked for.
  if (keys == *KeysNamed(names, CursorKeys::kApplication)) return keys;
  ASSIGN_OR_RETURN(const CursorKeys cursor_keys, AskCursorKeys(where));
  return KeysNamed(names, cursor_keys);
}

void PrintLine(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  if (!absl::EndsWith(text, "\n")) std::fputc('\n', stdout);
}

// If there is a pattern, waits for it, and with `print` prints what came.
absl::Status RunAndPrint(Script script, const std::string& pattern,
                         bool print) {
  if (pattern.empty()) return RunScript(script);
  ASSIGN_OR_RETURN(Matcher matcher, Matcher::Create(pattern));
  script.matcher = &matcher;
  script.until = Script::Until::kMatch;
  absl::Status end = RunScript(script);
  // Without a match, the output that came instead says why.
  if (print) PrintLine(matcher.text());
  return end;
}

}  // namespace

int SendCommand(int argc, char** argv) {
  std::string names;
  std::string pattern;
  bool enter = false;
  bool literal = false;
  bool print = false;
  Script script{.timeout = kSendTimeout};
  Options options("send", "[OPTION]... [HEAD-SOCKET] SESSION [TEXT]...",
                  "Types TEXT into SESSION; \\n, \\r, \\t, \\e, \\xHH, \\0oo "
                  "and \\\\ are escapes.");
  options.Value("keys", "NAMES", &names,
                "type these keys after TEXT, as in 'C-c Up F1 M-x'");
  options.Flag("enter", &enter, "type Enter at the end");
  options.Flag("literal", &literal, "type backslashes as they are");
  options.Value("wait-for", "REGEX", &pattern,
                "then wait until a line of output matches");
  options.Flag("print", &print, "print the output up to the end of the match");
  options.Value("timeout", "SECONDS", &script.timeout, ParseSeconds,
                "give up after this long (30)");
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        if (print && pattern.empty()) {
          return absl::InvalidArgumentError(
              "--print needs --wait-for; see --help");
        }
        script.where = target.where;
        std::string text = absl::StrJoin(target.rest, " ");
        if (!literal) {
          ASSIGN_OR_RETURN(text, Unescape(text));
        }
        ASSIGN_OR_RETURN(const std::string keys, KeysFor(target.where, names));
        script.typed = absl::StrCat(text, keys, enter ? "\r" : "");
        if (script.typed.empty()) {
          return absl::InvalidArgumentError("nothing to type; see --help");
        }
        return RunAndPrint(script, pattern, print);
      });
}

int WaitCommand(int argc, char** argv) {
  std::string pattern;
  bool exit = false;
  bool print = false;
  std::optional<absl::Duration> quiet;
  Script script;
  Options options("wait", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Waits for SESSION (your newest) to do something.");
  options.Value("for", "REGEX", &pattern,
                "wait until a line of output matches");
  options.Flag("exit", &exit, "wait until no program runs");
  options.Value("quiet", "SECONDS", &quiet, ParseSeconds,
                "wait until nothing has been written for this long");
  options.Flag("print", &print, "print the output up to the end of the match");
  options.Value("timeout", "SECONDS", &script.timeout, ParseSeconds,
                "give up after this long (never)");
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        const int wishes = (pattern.empty() ? 0 : 1) + (exit ? 1 : 0) +
                           (quiet.has_value() ? 1 : 0);
        if (wishes != 1) {
          return absl::InvalidArgumentError(
              "say one of --for, --exit and --quiet; see --help");
        }
        if (print && pattern.empty()) {
          return absl::InvalidArgumentError("--print needs --for; see --help");
        }
        script.where = target.where;
        script.quiet = quiet.value_or(absl::ZeroDuration());
        script.until = exit ? Script::Until::kEnd : Script::Until::kQuiet;
        return RunAndPrint(script, pattern, print);
      });
}

int StopCommand(int argc, char** argv) {
  Script script{.until = Script::Until::kEnd, .timeout = kStopTimeout};
  Options options(
      "stop", "[OPTION]... [HEAD-SOCKET] [SESSION]",
      "Types what makes SESSION's (your newest's) program exit, and "
      "waits until it has.");
  options.Value("type", "TEXT", &script.typed, Unescape,
                "the text to type, with escapes, as in 'stop\\n'");
  options.Value("timeout", "SECONDS", &script.timeout, ParseSeconds,
                "give up after this long (60)");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    script.where = target.where;
    return RunScript(script);
  });
}

}  // namespace deptyr
