// The verbs that ask: ls, status, events, kick, upgrade, ended.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "cmd/client.h"
#include "cmd/commands.h"
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

// How a supervisor says that a program ended: "3 0", and "256 9" for a signal
// (s6's finish); "exited 3", "killed KILL", "dumped SEGV" (systemd's
// $EXIT_CODE $EXIT_STATUS).
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
      absl::StrCat("not an end: ", code, " ", status,
                   "; say CODE SIGNAL as s6 tells finish, or $EXIT_CODE "
                   "$EXIT_STATUS as systemd does"));
}

absl::StatusOr<int> PrintHead(const Target& where, bool json) {
  if (!where.session.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--head tells of no session: ", where.session));
  }
  ASSIGN_OR_RETURN(
      const auto items,
      AskForItems(where.head, {.what = "head", .fields = {{"users", "1"}}}));
  Print(json ? HeadJson(items) + "\n" : HeadText(items));
  return 0;
}

}  // namespace

int LsCommand(int argc, char** argv) {
  bool json = false;
  bool names = false;
  Options options("ls", "[OPTION]... [HEAD-SOCKET]", "Lists the sessions.");
  options.Flag("json", &json, "as a JSON array");
  options.Flag("names", &names, "only their names, one a line");
  return RunVerb(options, "ls", 0, argc, argv,
                 [&](const Target& where) -> absl::StatusOr<int> {
                   if (!where.session.empty()) {
                     return absl::InvalidArgumentError(
                         absl::StrCat("not a socket: ", where.session));
                   }
                   ASSIGN_OR_RETURN(const auto items,
                                    AskForItems(where.head, {.what = "sessions",
                                                             .fields = {}}));
                   if (json) {
                     Print(ItemsJson(items) + "\n");
                   } else if (names) {
                     for (const KeyValues& item : items) {
                       Print(Printable(ValueOf(item, "name")) + "\n");
                     }
                   } else {
                     Print(SessionsTable(items));
                   }
                   return 0;
                 });
}

int StatusCommand(int argc, char** argv) {
  bool json = false;
  bool head = false;
  Options options("status", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Tells what there is to know of SESSION (your newest).");
  options.Flag("json", &json, "as a JSON object");
  options.Flag("head", &head, "of head itself, not of a session");
  return RunVerb(
      options, "status", 0, argc, argv,
      [&](const Target& where) -> absl::StatusOr<int> {
        if (head) return PrintHead(where, json);
        ASSIGN_OR_RETURN(
            const auto items,
            AskForItems(where.head, {.what = "status",
                                     .fields = {{"session", where.session}}}));
        Print(json ? StatusJson(items) + "\n" : StatusText(items));
        return 0;
      });
}

int EventsCommand(int argc, char** argv) {
  Options options("events", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Prints what happens, in SESSION or in all, as lines of JSON "
                  "while it happens.");
  return RunVerb(
      options, "events", 0, argc, argv,
      [&](const Target& where) -> absl::StatusOr<int> {
        RETURN_IF_ERROR(AskHead(
            where.head,
            {.what = "events", .fields = {{"session", where.session}}},
            [](const HeadMessage& said) {
              const auto* item = std::get_if<Item>(&said);
              if (item == nullptr) return;
              Print(ItemJson(item->fields) + "\n");
              // Nobody reads it any more.
              if (std::fflush(stdout) != 0) std::exit(0);
            },
            absl::InfiniteDuration()));
        return 0;
      });
}

int KickCommand(int argc, char** argv) {
  bool json = false;
  Options options("kick", "[OPTION]... [HEAD-SOCKET] SESSION [CLIENT]",
                  "Makes CLIENT, or all that are attached to SESSION, leave.");
  options.Flag("json", &json, "print those that were, as a JSON array");
  return RunVerb(
      options, "kick", 1, argc, argv,
      [&](const Target& where) -> absl::StatusOr<int> {
        if (where.session.empty()) {
          return absl::InvalidArgumentError("no SESSION; see --help");
        }
        ASSIGN_OR_RETURN(
            const auto items,
            AskForItems(
                where.head,
                {.what = "kick",
                 .fields = {
                     {"session", where.session},
                     {"client", where.rest.empty() ? "" : where.rest[0]}}}));
        Print(json ? ItemsJson(items) + "\n" : ClientsTable(items));
        return 0;
      });
}

int UpgradeCommand(int argc, char** argv) {
  Options options("upgrade", "[OPTION]... [HEAD-SOCKET]",
                  "Makes head go on as the deptyr that is installed now, in "
                  "the same process, with every\nprogram, client and socket.");
  return RunVerb(options, "upgrade", 0, argc, argv,
                 [&](const Target& where) -> absl::StatusOr<int> {
                   if (!where.session.empty()) {
                     return absl::InvalidArgumentError(
                         absl::StrCat("not a socket: ", where.session));
                   }
                   ASSIGN_OR_RETURN(const auto items,
                                    AskForItems(where.head, {.what = "upgrade",
                                                             .fields = {}}));
                   for (const KeyValues& head : items) {
                     Print(absl::StrCat(
                         "head, pid ", Printable(ValueOf(head, "pid")), ", is ",
                         Printable(ValueOf(head, "version")), "\n"));
                   }
                   return 0;
                 });
}

int EndedCommand(int argc, char** argv) {
  Options options("ended", "[OPTION]... [HEAD-SOCKET] SESSION CODE SIGNAL",
                  "Tells head how SESSION's program ended, as its supervisor "
                  "knows it.");
  return RunVerb(options, "ended", 2, argc, argv,
                 [&](const Target& where) -> absl::StatusOr<int> {
                   if (where.rest.size() != 2) {
                     return absl::InvalidArgumentError(
                         "SESSION, CODE and SIGNAL are needed; see --help");
                   }
                   ASSIGN_OR_RETURN(KeyValues fields,
                                    ParseEnd(where.rest[0], where.rest[1]));
                   fields.emplace_back("session", where.session);
                   RETURN_IF_ERROR(AskForItems(where.head, {.what = "ended",
                                                            .fields = fields})
                                       .status());
                   return 0;
                 });
}

}  // namespace deptyr
