// The verbs of scripts: send, wait, stop.

#include <cstdio>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "cmd/client.h"
#include "cmd/commands.h"
#include "lib/attach/ask.h"
#include "lib/base/status.h"
#include "lib/term/digest.h"
#include "lib/verbs/matcher.h"
#include "lib/verbs/script.h"
#include "lib/verbs/typed.h"

namespace deptyr {
namespace {

constexpr absl::Duration kSendTimeout = absl::Seconds(30);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);

absl::StatusOr<CursorKeys> CursorKeysOf(const Target& where) {
  Digest digest;
  RETURN_IF_ERROR(AskHead(
      where.head, {.what = "snapshot", .fields = {{"session", where.session}}},
      [&](const HeadMessage& said) {
        if (const auto* paint = std::get_if<Paint>(&said)) {
          digest.Scan(paint->bytes);
        }
      }));
  return digest.modes().application_cursor_keys() ? CursorKeys::kApplication
                                                  : CursorKeys::kNormal;
}

struct SendWords {
  std::string keys;
  bool enter = false;
  bool literal = false;
};

absl::StatusOr<std::string> BytesToType(const SendWords& words,
                                        const Target& where) {
  std::string bytes = absl::StrJoin(where.rest, " ");
  if (!words.literal) {
    ASSIGN_OR_RETURN(bytes, Unescape(bytes));
  }
  ASSIGN_OR_RETURN(std::string keys,
                   KeysNamed(words.keys, CursorKeys::kNormal));
  // Only then does it matter what the program asked for.
  if (keys != *KeysNamed(words.keys, CursorKeys::kApplication)) {
    ASSIGN_OR_RETURN(const CursorKeys cursor_keys, CursorKeysOf(where));
    ASSIGN_OR_RETURN(keys, KeysNamed(words.keys, cursor_keys));
  }
  return absl::StrCat(bytes, keys, words.enter ? "\r" : "");
}

void PrintLine(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  if (!absl::EndsWith(text, "\n")) std::fputc('\n', stdout);
}

absl::StatusOr<std::optional<Matcher>> MatcherFor(const std::string& pattern) {
  std::optional<Matcher> matcher;
  if (!pattern.empty()) {
    ASSIGN_OR_RETURN(matcher, Matcher::Create(pattern));
  }
  return matcher;
}

}  // namespace

int SendCommand(int argc, char** argv) {
  SendWords words;
  std::string pattern;
  bool print = false;
  Script script{.timeout = kSendTimeout};
  Options options("send", "[OPTION]... [HEAD-SOCKET] SESSION [TEXT]...",
                  "Types TEXT into SESSION; \\n, \\r, \\t, \\e, \\xHH, \\0oo "
                  "and \\\\ are escapes.");
  options.Value("keys", "NAMES", &words.keys,
                "type these keys after TEXT, as in 'C-c Up F1 M-x'");
  options.Flag("enter", &words.enter, "type Enter at the end");
  options.Flag("literal", &words.literal, "TEXT has no escapes");
  options.Value("wait-for", "REGEX", &pattern,
                "then wait until a line matches");
  options.Flag("print", &print, "print what came, up to and with the match");
  options.Value("timeout", "SECONDS", &script.timeout, ParseSeconds,
                "give up after so long (30)");
  return RunVerb(
      options, "send", std::numeric_limits<size_t>::max(), argc, argv,
      [&](const Target& where) -> absl::StatusOr<int> {
        if (where.session.empty()) {
          return absl::InvalidArgumentError("no SESSION; see --help");
        }
        if (print && pattern.empty()) {
          return absl::InvalidArgumentError("--print needs --wait-for");
        }
        script.head = where.head;
        script.session = where.session;
        ASSIGN_OR_RETURN(script.typed, BytesToType(words, where));
        if (script.typed.empty()) {
          return absl::InvalidArgumentError("nothing to type; see --help");
        }
        ASSIGN_OR_RETURN(std::optional<Matcher> matcher, MatcherFor(pattern));
        if (matcher) {
          script.matcher = &*matcher;
          script.until = Script::Until::kMatch;
        }
        const absl::Status end = RunScript(script);
        // What came instead says why.
        if (print) PrintLine(matcher->text());
        RETURN_IF_ERROR(end);
        return 0;
      });
}

int WaitCommand(int argc, char** argv) {
  std::string pattern;
  bool exit = false;
  bool print = false;
  std::optional<absl::Duration> quiet;
  Script script;
  Options options("wait", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Waits for something that SESSION (your newest) does.");
  options.Value("for", "REGEX", &pattern, "until a line of output matches");
  options.Flag("exit", &exit, "until the program has ended, or if none runs");
  options.Value("quiet", "SECONDS", &quiet, ParseSeconds,
                "until nothing was written for so long");
  options.Flag("print", &print, "print what came, up to and with the match");
  options.Value("timeout", "SECONDS", &script.timeout, ParseSeconds,
                "give up after so long (never)");
  return RunVerb(
      options, "wait", 0, argc, argv,
      [&](const Target& where) -> absl::StatusOr<int> {
        const int wishes = (pattern.empty() ? 0 : 1) + (exit ? 1 : 0) +
                           (quiet.has_value() ? 1 : 0);
        if (wishes != 1) {
          return absl::InvalidArgumentError(
              "one of --for, --exit and --quiet is needed; see --help");
        }
        if (print && pattern.empty()) {
          return absl::InvalidArgumentError("--print needs --for");
        }
        ASSIGN_OR_RETURN(std::optional<Matcher> matcher, MatcherFor(pattern));
        script.head = where.head;
        script.session = where.session;
        script.matcher = matcher ? &*matcher : nullptr;
        script.quiet = quiet.value_or(absl::ZeroDuration());
        script.until = matcher ? Script::Until::kMatch
                       : exit  ? Script::Until::kEnd
                               : Script::Until::kQuiet;
        const absl::Status end = RunScript(script);
        if (print) PrintLine(matcher->text());
        RETURN_IF_ERROR(end);
        return 0;
      });
}

int StopCommand(int argc, char** argv) {
  Script script{.until = Script::Until::kEnd, .timeout = kStopTimeout};
  Options options(
      "stop", "[OPTION]... [HEAD-SOCKET] [SESSION]",
      "Types what makes SESSION's program end, and waits for that.");
  options.Value("type", "TEXT", &script.typed, Unescape,
                "type this first; with escapes, as in 'stop\\n'");
  options.Value("timeout", "SECONDS", &script.timeout, ParseSeconds,
                "give up after so long (60)");
  return RunVerb(options, "stop", 0, argc, argv,
                 [&](const Target& where) -> absl::StatusOr<int> {
                   script.head = where.head;
                   script.session = where.session;
                   RETURN_IF_ERROR(RunScript(script));
                   return 0;
                 });
}

}  // namespace deptyr
