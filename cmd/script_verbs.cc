// The verbs scripts use: send, wait, stop.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/render/json.h"
#include "lib/verbs/matcher.h"
#include "lib/verbs/screen_condition.h"
#include "lib/verbs/script.h"
#include "lib/verbs/typed.h"

namespace deptyr {
namespace {

constexpr absl::Duration kUsualTimeout = absl::Seconds(30);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);

// The pieces that the options of send add, each after so many operands.
class TypedInOrder {
 public:
  explicit TypedInOrder(const Options& options) : options_(options) {}

  void Add(std::vector<Piece> pieces) {
    given_.push_back({options_.operands_so_far(), std::move(pieces)});
  }
  void AddLine(absl::string_view text) {
    given_.push_back({options_.operands_so_far(), {}, std::string(text)});
  }
  void AddEnter() {
    enter_first_ = enter_first_ || given_.empty();
    Add({kEnter});
  }
  // Puts the texts, which are the last operands, between them.  Those without
  // an option between them are one, with spaces.
  // Each line begins with `clear`.
  absl::StatusOr<std::vector<Piece>> With(const std::vector<std::string>& texts,
                                          const std::vector<Piece>& clear,
                                          bool literal) const;

 private:
  inline static const Piece kEnter = {.kind = Piece::Kind::kKey,
                                      .text = "Enter"};
  struct Given {
    size_t operands;
    std::vector<Piece> pieces;
    std::optional<std::string> line = {};
  };
  const Options& options_;
  std::vector<Given> given_;
  bool enter_first_ = false;  // of the options
};

absl::StatusOr<std::vector<Piece>> TypedInOrder::With(
    const std::vector<std::string>& texts, const std::vector<Piece>& clear,
    bool literal) const {
  std::vector<Piece> all;
  const auto meant = [literal](const std::string& text) {
    return literal ? text : Unescape(text);
  };
  const auto append = [&all](const std::vector<Piece>& pieces) {
    all.insert(all.end(), pieces.begin(), pieces.end());
  };
  const size_t before = options_.operands_so_far() - texts.size();
  auto text = texts.begin();
  const auto append_texts = [&](size_t operands) -> absl::Status {
    const auto begin = text;
    while (text != texts.end() &&
           before + static_cast<size_t>(text - texts.begin()) < operands) {
      ++text;
    }
    ASSIGN_OR_RETURN(const std::string joined,
                     meant(absl::StrJoin(begin, text, " ")));
    append(PiecesOfText(joined));
    return absl::OkStatus();
  };
  // An --enter before everything is meant for the end: "send mc --enter list".
  bool enter_last = false;
  for (const Given& given : given_) {
    RETURN_IF_ERROR(append_texts(given.operands));
    const bool first = &given == &given_.front() && all.empty();
    if (first && enter_first_) {
      enter_last = true;
    } else if (given.line) {
      ASSIGN_OR_RETURN(const std::string line, meant(*given.line));
      append(PiecesOfLine(clear, line));
      append({kEnter});
    } else {
      append(given.pieces);
    }
  }
  RETURN_IF_ERROR(append_texts(SIZE_MAX));
  if (enter_last) append({kEnter});
  return all;
}

// Reads standard input where a paste of "-" stands for it.
absl::Status PasteStdin(std::vector<Piece>& pieces) {
  for (Piece& piece : pieces) {
    if (piece.kind != Piece::Kind::kPaste || piece.text != "-") continue;
    piece.text.clear();
    std::array<char, 65536> room;
    while (const size_t got = std::fread(room.data(), 1, room.size(), stdin)) {
      piece.text.append(room.data(), got);
    }
    if (std::ferror(stdin) != 0) return Errno("read standard input");
  }
  return absl::OkStatus();
}

void PrintLine(const std::string& text) {
  if (text.empty()) return;
  std::fputs(text.c_str(), stdout);
  if (!absl::EndsWith(text, "\n")) std::fputc('\n', stdout);
}

// Prints the object that --json promises, if it was given.
void PrintJson(const Options& options, const std::string& session,
               const KeyValues& more) {
  if (!options.json()) return;
  KeyValues item = {{"session", session}};
  item.insert(item.end(), more.begin(), more.end());
  PrintLine(ItemJson(item));
}

// The options say what a script waits for.
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

// The default is what the script has already.
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

// Runs the script until what is awaited has come, if there is anything, and
// prints that if it shall.
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
  const absl::Status status = RunScript(script, &end);
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

}  // namespace

int SendCommand(int argc, char** argv) {
  Awaited awaited;
  bool literal = false;
  std::vector<Piece> clear = *PiecesOfKeys(kClearsLine);
  Script script{.awaits_session = true, .timeout = kUsualTimeout};
  Options options("send", "[OPTION]... [HEAD-SOCKET] SESSION [TEXT]...",
                  "Types TEXT and what the options say into SESSION, in the "
                  "order given; \\n, \\r, \\t, \\e, \\xHH, \\0oo "
                  "and \\\\ are escapes.");
  TypedInOrder typed(options);
  options.Do("keys", "NAMES", "type these keys, as in 'C-c Up F1 M-x'",
             [&](absl::string_view names) -> absl::Status {
               ASSIGN_OR_RETURN(std::vector<Piece> keys, PiecesOfKeys(names));
               typed.Add(std::move(keys));
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Do("enter", "",
             "type Enter here; at the end, if it stands before everything",
             [&](absl::string_view) {
               typed.AddEnter();
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Do("line", "TEXT",
             "type TEXT and Enter as a line of its own: what is half typed is "
             "cleared",
             [&](absl::string_view text) {
               typed.AddLine(text);
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Value("clear", "NAMES", &clear, PiecesOfKeys,
                "with --line, the keys that clear a half-typed line",
                {.usual = "C-u"});
  options.Do(
      "paste", "TEXT", "paste TEXT as it is, or standard input for \"-\"",
      [&](absl::string_view text) {
        typed.Add({{.kind = Piece::Kind::kPaste, .text = std::string(text)}});
        return absl::OkStatus();
      },
      {.repeatable = true});
  options.Do("mouse", "EVENT", "click at ROW,COL, or BUTTON:ROW,COL",
             [&](absl::string_view event) -> absl::Status {
               ASSIGN_OR_RETURN(const Piece click, ParseMouse(event));
               typed.Add({click});
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Do("pause", "SECONDS", "wait here for this long",
             [&](absl::string_view text) -> absl::Status {
               ASSIGN_OR_RETURN(const absl::Duration time, ParseSeconds(text));
               typed.Add({{.kind = Piece::Kind::kPause, .pause = time}});
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Flag("exclusive", &script.exclusive,
               "let nobody else type meanwhile");
  options.Flag("literal", &literal, "type backslashes as they are");
  options.Value("wait-for", "REGEX", &awaited.pattern,
                "then wait until a line of output matches");
  AddScreenOptions(options, awaited);
  options.Value("until-quiet", "SECONDS", &awaited.quiet, ParseSeconds,
                "then wait until nothing has been written for this long");
  options.Flag("print", &awaited.print,
               "print the answer, in whole lines, or the screen");
  options.Json("print a JSON object, with the answer or the screen");
  AddTimeout(options, script);
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        if (awaited.count() > 1) {
          return absl::InvalidArgumentError(
              "say one of --wait-for, --screen and --until-quiet; only "
              "--screen, --gone and --stable go together; see --help");
        }
        if (awaited.print && awaited.count() == 0) {
          return absl::InvalidArgumentError(
              "--print needs --wait-for, --screen or --until-quiet; see "
              "--help");
        }
        script.where = target.where;
        ASSIGN_OR_RETURN(script.typed, typed.With(target.rest, clear, literal));
        RETURN_IF_ERROR(PasteStdin(script.typed));
        if (script.typed.empty()) {
          return absl::InvalidArgumentError("nothing to type; see --help");
        }
        return RunUntil(script, awaited, options);
      });
}

int WaitCommand(int argc, char** argv) {
  Awaited awaited;
  bool only_new = false;
  Script script{.awaits_session = true, .timeout = kUsualTimeout};
  Options options("wait", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Waits for SESSION (your newest) to do something.");
  options.Value("for", "REGEX", &awaited.pattern,
                "wait until a line of the program's output matches");
  options.Flag("new", &only_new,
               "with --for, look only at what is written from now on");
  AddScreenOptions(options, awaited);
  options.Flag("exit", &awaited.exit,
               "wait until no program runs, and exit with its status");
  options.Value("quiet", "SECONDS", &awaited.quiet, ParseSeconds,
                "wait until nothing has been written for this long");
  options.Flag("print", &awaited.print,
               "print the line that matched, or the screen");
  options.Json("print a JSON object, with that or with how the program ended");
  AddTimeout(options, script);
  int status = 0;
  const int failure =
      RunVerb(options, argc, argv, [&](const Target& target) -> absl::Status {
        if (awaited.count() != 1) {
          return absl::InvalidArgumentError(
              "say one of --for, --screen, --exit and --quiet; only --screen, "
              "--gone and --stable go together; see --help");
        }
        if (awaited.print && awaited.pattern.empty() &&
            awaited.screen.empty()) {
          return absl::InvalidArgumentError(
              "--print needs --for or --screen; see --help");
        }
        if (only_new && awaited.pattern.empty()) {
          return absl::InvalidArgumentError("--new needs --for; see --help");
        }
        script.where = target.where;
        script.from_its_start = !awaited.pattern.empty() && !only_new;
        if (!awaited.exit) return RunUntil(script, awaited, options);
        script.until = Script::Until::kStatus;
        ScriptEnd end;
        RETURN_IF_ERROR(RunScript(script, &end));
        PrintJson(options, end.session, end.ended);
        status = end.exit_status;
        return absl::OkStatus();
      });
  return failure != 0 ? failure : status;
}

int StopCommand(int argc, char** argv) {
  // Somebody who has the keys isn't asked whether the program may stop.
  Script script{
      .until = Script::Until::kEnd, .exclusive = true, .timeout = kStopTimeout};
  std::string text;
  std::vector<Piece> keys;
  std::vector<Piece> clear = *PiecesOfKeys(kClearsLine);
  Options options(
      "stop", "[OPTION]... [HEAD-SOCKET] [SESSION]",
      "Types what makes SESSION's (your newest's) program exit, and "
      "waits until it has.");
  options.Value("type", "TEXT", &text, Unescape,
                "the text to type, with escapes, as in 'stop\\n'");
  options.Value("keys", "NAMES", &keys, PiecesOfKeys,
                "the keys to type, after the text if there is one, as in C-c");
  options.Value("clear", "NAMES", &clear, PiecesOfKeys,
                "the keys that clear a half-typed line before that",
                {.usual = "C-u"});
  options.Json("print a JSON object: how the program ended");
  AddTimeout(options, script);
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        if (text.empty() && keys.empty()) {
          return absl::InvalidArgumentError(
              "what makes the program exit? say --type TEXT or --keys NAMES; "
              "a program that has no such command is its supervisor's to stop "
              "(systemctl stop, s6-svc -d, svc -d)");
        }
        script.where = target.where;
        if (!text.empty()) script.typed = PiecesOfLine(clear, text);
        script.typed.insert(script.typed.end(), keys.begin(), keys.end());
        ScriptEnd end;
        const absl::Status status = RunScript(script, &end);
        // A program that isn't there has been stopped.
        const std::string& session = target.where.session;
        const bool gone = !session.empty() && absl::IsNotFound(status);
        if (!status.ok() && !gone) return status;
        PrintJson(options, gone ? session : end.session, end.ended);
        return absl::OkStatus();
      });
}

}  // namespace deptyr
