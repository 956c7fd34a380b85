// The verbs that ask: ls, status, events, kick, writer, forget, signal,
// resize, upgrade, ended.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/attach/ask.h"
#include "lib/base/environment.h"
#include "lib/base/status.h"
#include "lib/render/json.h"
#include "lib/session/sizing.h"
#include "lib/session/writer.h"
#include "lib/sys/pty.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"
#include "lib/verbs/tables.h"

namespace deptyr {
namespace {

using Items = std::vector<KeyValues>;

void Print(absl::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

// Asks head, and prints its answer as `show` writes it.
absl::Status AskAndPrint(const Target& target, absl::string_view what,
                         KeyValues fields, std::string (*show)(const Items&)) {
  ASSIGN_OR_RETURN(
      const Items items,
      AskForItems(target.where.head,
                  {.what = std::string(what), .fields = std::move(fields)}));
  const std::string text = show(items);
  Print(text);
  if (!text.empty() && text.back() != '\n') Print("\n");
  return absl::OkStatus();
}

// Asks head to do something to the session.  Without an error it is done, and
// --json has an object for that, too.
absl::Status AskToAct(const Options& options, const Target& target,
                      const std::string& what, KeyValues fields) {
  const std::string& session = target.where.session;
  fields.emplace_back("session", session);
  RETURN_IF_ERROR(
      AskForItems(target.where.head, {.what = what, .fields = fields})
          .status());
  if (options.json()) Print(ItemJson({{"session", session}}) + "\n");
  return absl::OkStatus();
}

std::string SessionsJson(const Items& sessions) {
  return ItemsJson("sessions", sessions);
}

std::string ClientsJson(const Items& clients) {
  return ItemsJson("clients", clients);
}

// A terminal on standard output gets a table of its width, in color.
TableLook LookHere() {
  const auto size = GetWindowSize(STDOUT_FILENO);
  if (!IsTerminal(STDOUT_FILENO) || !size.ok() || size->cols == 0) return {};
  return {.width = size->cols,
          .color = !IsDumbTerminal() && FromEnvironment("NO_COLOR").empty()};
}

std::string FittingTable(const Items& sessions) {
  return SessionsTable(sessions, LookHere());
}

std::string WholeTable(const Items& sessions) {
  return SessionsTable(sessions);
}

// The only item there is.
std::string FirstJson(const Items& items) {
  return ItemJson(items.empty() ? KeyValues() : items.front());
}

// How a program ended, as supervisors say it.  s6 gives its finish script "3 0"
// for exit status 3, and "256 9" for signal 9; systemd has $EXIT_CODE and
// $EXIT_STATUS, as in "exited 3", "killed KILL" or "dumped SEGV".
absl::StatusOr<KeyValues> ParseEnd(const std::string& code,
                                   const std::string& status) {
  constexpr int kMostCode = 255;
  const int signal = SignalNumber(status);
  if ((code == "256" || code == "killed" || code == "dumped") && signal > 0) {
    return KeyValues{{"signal", absl::StrCat(signal)}};
  }
  const std::string& exit_status = code == "exited" ? status : code;
  int number = 0;
  if (absl::SimpleAtoi(exit_status, &number) && number >= 0 &&
      number <= kMostCode) {
    return KeyValues{{"code", exit_status}};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not the end of a program: ", code, " ", status,
                   "; say CODE SIGNAL as s6 passes them to finish, or "
                   "$EXIT_CODE $EXIT_STATUS as systemd does"));
}

// The choices of an option that gives a policy to one session.
OptionValues PolicyOrDefault(std::vector<absl::string_view> policies) {
  policies.emplace_back("default");
  return {.choices = std::move(policies)};
}

absl::StatusOr<WindowSize> SizeOfThisTerminal() {
  auto size = SizeOfOwnTerminal();
  if (!absl::IsNotFound(size.status())) return size;
  return absl::InvalidArgumentError(
      "- stands for the size of this terminal, and there is none; say "
      "ROWSxCOLS, as in 24x80");
}

absl::Status AskToResize(const Options& options, const Target& target,
                         const std::string& policy) {
  KeyValues fields;
  if (!policy.empty()) fields.emplace_back("size-policy", policy);
  if (!target.rest.empty()) {
    ASSIGN_OR_RETURN(const WindowSize size, target.rest[0] == "-"
                                                ? SizeOfThisTerminal()
                                                : ParseSize(target.rest[0]));
    fields.emplace_back("rows", absl::StrCat(size.rows));
    fields.emplace_back("cols", absl::StrCat(size.cols));
  }
  if (fields.empty()) {
    return SeeHelp("no ROWSxCOLS and no --size-policy");
  }
  return AskToAct(options, target, "resize", std::move(fields));
}

}  // namespace

int LsCommand(int argc, char** argv) {
  bool names = false;
  bool whole = false;
  Options options("ls", "[OPTION]... [HEAD-SOCKET]", "Lists the sessions.");
  options.Json("print a JSON object");
  options.Flag("l,long", &whole,
               "print all columns, also if the terminal is too narrow");
  options.Flag("names", &names, "print only the names, one per line");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    return AskAndPrint(target, "sessions", {},
                       options.json() ? SessionsJson
                       : names        ? SessionNames
                       : whole        ? WholeTable
                                      : FittingTable);
  });
}

int StatusCommand(int argc, char** argv) {
  bool head = false;
  std::string router;
  Options options("status", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Shows everything about SESSION (your newest).");
  options.Json("print a JSON object");
  options.Flag("head", &head, "show head itself instead of a session");
  options.Value("router", "SOCKET", &router,
                "show the router whose --status-socket that is");
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        const std::string& session = target.where.session;
        if (!router.empty()) {
          if (head || !session.empty() || !target.where.head.empty()) {
            return SeeHelp("--router shows nothing else");
          }
          return AskAndPrint({.where = {.head = router}, .rest = {}}, "router",
                             {}, options.json() ? RouterJson : RouterText);
        }
        if (!head) {
          return AskAndPrint(target, "status", {{"session", session}},
                             options.json() ? StatusJson : StatusText);
        }
        if (!session.empty()) {
          return SeeHelp(absl::StrCat("--head shows no session: ", session));
        }
        return AskAndPrint(target, "head", {{"users", "1"}},
                           options.json() ? HeadJson : HeadText);
      });
}

int EventsCommand(int argc, char** argv) {
  Options options(
      "events", "[OPTION]... [HEAD-SOCKET] [SESSION]",
      "Prints what happens in SESSION, or in all sessions, as lines "
      "of JSON, as it happens.");
  options.Json("print an error as a line of JSON, too");
  return RunVerb(options, argc, argv, [](const Target& target) -> absl::Status {
    // Head says nothing while nothing happens, so it isn't known from its
    // events whether it answers.
    RETURN_IF_ERROR(
        AskForItems(target.where.head, {.what = "head", .fields = {}})
            .status());
    return AskHead(
        target.where.head,
        {.what = "events", .fields = {{"session", target.where.session}}},
        [](const HeadMessage& said) {
          const auto* item = std::get_if<Item>(&said);
          if (item == nullptr) return;
          Print(ItemJson(item->fields) + "\n");
          // Nobody reads it any more.
          if (std::fflush(stdout) != 0) std::exit(0);
        },
        absl::InfiniteDuration());
  });
}

int KickCommand(int argc, char** argv) {
  Options options("kick", "[OPTION]... [HEAD-SOCKET] SESSION [CLIENT]",
                  "Disconnects CLIENT, or all clients that are attached to "
                  "SESSION.");
  options.Json("print who was disconnected as a JSON object");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    const std::string client = target.rest.empty() ? "" : target.rest[0];
    return AskAndPrint(target, "kick",
                       {{"session", target.where.session}, {"client", client}},
                       options.json() ? ClientsJson : ClientsTable);
  });
}

int ForgetCommand(int argc, char** argv) {
  Options options("forget", "[OPTION]... [HEAD-SOCKET] SESSION",
                  "Forgets SESSION, which has ended, and its output.");
  options.Json("print a JSON object");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    return AskToAct(options, target, "forget", {});
  });
}

int SignalCommand(int argc, char** argv) {
  Options options("signal", "[OPTION]... [HEAD-SOCKET] SESSION SIGNAL",
                  "Sends SIGNAL, a name or a number, to SESSION's program.");
  options.Json("print a JSON object");
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        if (target.rest.empty()) {
          return SeeHelp("no SIGNAL");
        }
        const int signal = SignalNumber(target.rest[0]);
        if (signal <= 0) {
          return absl::InvalidArgumentError(
              absl::StrCat("not a signal: ", target.rest[0],
                           "; say a name or a number, as in TERM, HUP or 9"));
        }
        return AskToAct(options, target, "signal",
                        {{"signal", absl::StrCat(signal)}});
      });
}

int ResizeCommand(int argc, char** argv) {
  std::string policy;
  Options options(
      "resize", "[OPTION]... [HEAD-SOCKET] SESSION [ROWSxCOLS]",
      "Sets the size of SESSION's terminal (- for that of this one), "
      "and whose it is from then on.");
  options.OneOf("size-policy", "POLICY", &policy,
                PolicyOrDefault(NamesOf(kSizePolicies)),
                "whose size the terminal has; default is head's");
  options.Json("print a JSON object");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    return AskToResize(options, target, policy);
  });
}

int WriterCommand(int argc, char** argv) {
  std::string deed;
  std::string client;
  std::string policy;
  const auto does = [&deed](absl::string_view what) -> absl::Status {
    if (!deed.empty() && deed != what) {
      return SeeHelp("say one of --take, --give, --ask and --release");
    }
    deed = std::string(what);
    return absl::OkStatus();
  };
  bool takes = false;
  bool asks = false;
  bool releases = false;
  Options options("writer", "[OPTION]... [HEAD-SOCKET] SESSION",
                  "Tells whose keys SESSION's program gets, and changes it.");
  options.Flag("take", &takes, "your newest client alone types from now on");
  options.Do("give", "CLIENT", "CLIENT alone types from now on",
             [&](absl::string_view text) {
               client = std::string(text);
               return does("give");
             });
  options.Flag("ask", &asks, "ask the client that has the keys for them");
  options.Flag("release", &releases, "everybody may type again");
  options.OneOf("writers", "WHO", &policy,
                PolicyOrDefault(NamesOf(kWriterPolicies)),
                "who may type at one time; one is the first to type, until it "
                "leaves, and default is head's");
  options.Json("print a JSON object");
  return RunVerb(options, argc, argv,
                 [&](const Target& target) -> absl::Status {
                   if (target.where.session.empty()) {
                     return SeeHelp("no SESSION");
                   }
                   if (takes) RETURN_IF_ERROR(does("take"));
                   if (asks) RETURN_IF_ERROR(does("ask"));
                   if (releases) RETURN_IF_ERROR(does("release"));
                   return AskAndPrint(target, "writer",
                                      {{"session", target.where.session},
                                       {"do", deed},
                                       {"client", client},
                                       {"writers", policy}},
                                      options.json() ? FirstJson : WriterText);
                 });
}

int UpgradeCommand(int argc, char** argv) {
  Options options(
      "upgrade", "[OPTION]... [HEAD-SOCKET]",
      "Replaces the running head with the installed version, in the "
      "same process; programs,\nclients and sockets stay.");
  options.Json("print a JSON object: the new head");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    return AskAndPrint(target, "upgrade", {},
                       options.json() ? FirstJson : UpgradeText);
  });
}

int EndedCommand(int argc, char** argv) {
  Options options("ended", "[OPTION]... [HEAD-SOCKET] SESSION CODE SIGNAL",
                  "Tells head how SESSION's program ended, as its supervisor "
                  "knows it.");
  options.Json("print a JSON object");
  return RunVerb(options, argc, argv,
                 [&](const Target& target) -> absl::Status {
                   if (target.rest.size() != 2) {
                     return SeeHelp("no CODE and SIGNAL");
                   }
                   ASSIGN_OR_RETURN(KeyValues fields,
                                    ParseEnd(target.rest[0], target.rest[1]));
                   return AskToAct(options, target, "ended", std::move(fields));
                 });
}

}  // namespace deptyr
