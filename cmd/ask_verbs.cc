// The verbs that ask: ls, status, events, kick, upgrade, ended.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/attach/ask.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/render/json.h"
#include "lib/sys/signals.h"
#include "lib/verbs/tables.h"

namespace deptyr {
namespace {

void Print(absl::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

// How a program ended, as supervisors say it.  s6 gives its finish script "3 0"
// for exit status 3, and "256 9" for signal 9; systemd has $EXIT_CODE and
// $EXIT_STATUS, as in "exited 3", "killed KILL" or "dumped SEGV".
absl::StatusOr<KeyValues> ParseEnd(const std::string& code,
                                   const std::string& status) {
  constexpr int kBySignal = 256;
  constexpr int kMostCode = 255;
  int number = 0;
  if (absl::SimpleAtoi(code, &number) && number >= 0 && number <= kBySignal) {
    if (number != kBySignal) return KeyValues{{"code", code}};
    if (SignalNumber(status) > 0) {
      return KeyValues{{"signal", absl::StrCat(SignalNumber(status))}};
    }
  } else if (code == "exited" && absl::SimpleAtoi(status, &number) &&
             number >= 0 && number <= kMostCode) {
    return KeyValues{{"code", status}};
  } else if ((code == "killed" || code == "dumped") &&
             SignalNumber(status) > 0) {
    return KeyValues{{"signal", absl::StrCat(SignalNumber(status))}};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not the end of a program: ", code, " ", status,
                   "; say CODE SIGNAL as s6 passes them to finish, or "
                   "$EXIT_CODE $EXIT_STATUS as systemd does"));
}

void PrintJson(const std::string& json) {
  Print(json + "\n");
}

absl::Status PrintHead(const SessionAddress& where, bool json) {
  if (!where.session.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--head shows no session: ", where.session, "; see --help"));
  }
  ASSIGN_OR_RETURN(
      const auto items,
      AskForItems(where.head, {.what = "head", .fields = {{"users", "1"}}}));
  json ? PrintJson(HeadJson(items)) : Print(HeadText(items));
  return absl::OkStatus();
}

}  // namespace

int LsCommand(int argc, char** argv) {
  bool json = false;
  bool names = false;
  Options options("ls", "[OPTION]... [HEAD-SOCKET]", "Lists the sessions.");
  options.Flag("json", &json, "print a JSON array");
  options.Flag("names", &names, "print only the names, one per line");
  return RunVerb(options, {.session = Operands::kNone}, argc, argv,
                 [&](const Target& target) {
                   const auto items = AskForItems(
                       target.where.head, {.what = "sessions", .fields = {}});
                   RETURN_IF_ERROR(items.status());
                   if (json) {
                     PrintJson(ItemsJson(*items));
                   } else if (names) {
                     for (const KeyValues& item : *items) {
                       Print(Printable(ValueOf(item, "name")) + "\n");
                     }
                   } else {
                     Print(SessionsTable(*items));
                   }
                   return absl::OkStatus();
                 });
}

int StatusCommand(int argc, char** argv) {
  bool json = false;
  bool head = false;
  Options options("status", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Shows everything about SESSION (your newest).");
  options.Flag("json", &json, "print a JSON object");
  options.Flag("head", &head, "show head itself instead of a session");
  return RunVerb(options, {}, argc, argv, [&](const Target& target) {
    if (head) return PrintHead(target.where, json);
    const auto items = AskForItems(
        target.where.head,
        {.what = "status", .fields = {{"session", target.where.session}}});
    RETURN_IF_ERROR(items.status());
    json ? PrintJson(StatusJson(*items)) : Print(StatusText(*items));
    return absl::OkStatus();
  });
}

int EventsCommand(int argc, char** argv) {
  Options options(
      "events", "[OPTION]... [HEAD-SOCKET] [SESSION]",
      "Prints what happens in SESSION, or in all sessions, as lines "
      "of JSON, as it happens.");
  return RunVerb(options, {}, argc, argv, [](const Target& target) {
    return AskHead(
        target.where.head,
        {.what = "events", .fields = {{"session", target.where.session}}},
        [](const HeadMessage& said) {
          const auto* item = std::get_if<Item>(&said);
          if (item == nullptr) return;
          PrintJson(ItemJson(item->fields));
          // Nobody reads it any more.
          if (std::fflush(stdout) != 0) std::exit(0);
        },
        absl::InfiniteDuration());
  });
}

int KickCommand(int argc, char** argv) {
  bool json = false;
  Options options("kick", "[OPTION]... [HEAD-SOCKET] SESSION [CLIENT]",
                  "Disconnects CLIENT, or all clients that are attached to "
                  "SESSION.");
  options.Flag("json", &json, "print who was disconnected as a JSON array");
  return RunVerb(
      options, {.session = Operands::kNeeded, .most_rest = 1}, argc, argv,
      [&](const Target& target) {
        const std::string client = target.rest.empty() ? "" : target.rest[0];
        const auto items = AskForItems(
            target.where.head, {.what = "kick",
                                .fields = {{"session", target.where.session},
                                           {"client", client}}});
        RETURN_IF_ERROR(items.status());
        json ? PrintJson(ItemsJson(*items)) : Print(ClientsTable(*items));
        return absl::OkStatus();
      });
}

int UpgradeCommand(int argc, char** argv) {
  Options options(
      "upgrade", "[OPTION]... [HEAD-SOCKET]",
      "Replaces the running head with the installed version, in the "
      "same process; programs,\nclients and sockets stay.");
  return RunVerb(options, {.session = Operands::kNone}, argc, argv,
                 [](const Target& target) {
                   const auto items = AskForItems(
                       target.where.head, {.what = "upgrade", .fields = {}});
                   RETURN_IF_ERROR(items.status());
                   for (const KeyValues& head : *items) {
                     Print(absl::StrCat(
                         "head, pid ", Printable(ValueOf(head, "pid")), ", is ",
                         Printable(ValueOf(head, "version")), "\n"));
                   }
                   return absl::OkStatus();
                 });
}

int EndedCommand(int argc, char** argv) {
  Options options("ended", "[OPTION]... [HEAD-SOCKET] SESSION CODE SIGNAL",
                  "Tells head how SESSION's program ended, as its supervisor "
                  "knows it.");
  return RunVerb(
      options, {.session = Operands::kNeeded, .most_rest = 2}, argc, argv,
      [](const Target& target) -> absl::Status {
        if (target.rest.size() != 2) {
          return absl::InvalidArgumentError("no CODE and SIGNAL; see --help");
        }
        ASSIGN_OR_RETURN(KeyValues fields,
                         ParseEnd(target.rest[0], target.rest[1]));
        fields.emplace_back("session", target.where.session);
        return AskForItems(target.where.head,
                           {.what = "ended", .fields = fields})
            .status();
      });
}

}  // namespace deptyr
