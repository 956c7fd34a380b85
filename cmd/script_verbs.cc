// The verbs scripts use: send, wait, stop.

#include <string>
#include <vector>

#include "absl/time/time.h"

#include "cmd/awaited_options.h"
#include "cmd/commands.h"
#include "cmd/typed_options.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/verbs/script.h"
#include "lib/verbs/typed.h"

namespace deptyr {
namespace {

constexpr absl::Duration kUsualTimeout = absl::Seconds(30);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);
// An answer is whole once nothing has been written for so long.
constexpr absl::Duration kUsualQuiet = absl::Milliseconds(500);

}  // namespace

int SendCommand(int argc, char** argv) {
  Awaited awaited;
  Script script{.awaits_session = true, .timeout = kUsualTimeout};
  Options options("send", "[OPTION]... [HEAD-SOCKET] SESSION [TEXT]...",
                  "Types TEXT and what the options say into SESSION, in the "
                  "order given; \\n, \\r, \\t, \\e, \\xHH, \\0oo "
                  "and \\\\ are escapes.");
  TypedOptions typed(options);
  options.Flag("exclusive", &script.exclusive,
               "let nobody else type meanwhile");
  options.Value("wait-for", "REGEX", &awaited.pattern,
                "then wait until a line of output matches");
  AddScreenOptions(options, awaited);
  options.Value("until-quiet", "SECONDS", &awaited.quiet, ParseSeconds,
                "then wait until nothing has been written for this long");
  options.Flag("print", &awaited.print,
               "print the answer, in whole lines, or the screen; alone, "
               "what comes until half a second of quiet");
  options.Json("print a JSON object, with the answer or the screen");
  AddTimeout(options, script);
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        if (awaited.count() > 1) {
          return SeeHelp(
              "say one of --wait-for, --screen and --until-quiet; only "
              "--screen, --gone and --stable go together");
        }
        if (awaited.print && awaited.count() == 0) awaited.quiet = kUsualQuiet;
        script.where = target.where;
        ASSIGN_OR_RETURN(script.typed, typed.Pieces(target.rest));
        if (script.typed.empty()) {
          return SeeHelp("nothing to type");
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
          return SeeHelp(
              "say one of --for, --screen, --exit and --quiet; only --screen, "
              "--gone and --stable go together");
        }
        if (awaited.print && awaited.pattern.empty() &&
            awaited.screen.empty()) {
          return SeeHelp("--print needs --for or --screen");
        }
        if (only_new && awaited.pattern.empty()) {
          return SeeHelp("--new needs --for");
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
        absl::Status status = RunScript(script, &end);
        // A program that isn't there has been stopped.
        const std::string& session = target.where.session;
        const bool gone = !session.empty() && absl::IsNotFound(status);
        if (!status.ok() && !gone) return status;
        PrintJson(options, gone ? session : end.session, end.ended);
        return absl::OkStatus();
      });
}

}  // namespace deptyr
