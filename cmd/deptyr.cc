// main(), and the table of subcommands.

#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "cmd/commands.h"
#include "lib/base/exit_codes.h"
#include "lib/base/log.h"
#include "lib/base/nearest.h"
#include "lib/render/json.h"
#include "lib/sys/process.h"

namespace {

struct Subcommand {
  const char* name;
  int (*run)(int argc, char** argv);
  const char* summary;
};

constexpr Subcommand kSubcommands[] = {
    {"run", deptyr::RunCommand,
     "run a program on a session, and show it on this terminal"},
    {"body", deptyr::BodyCommand,
     "run a program on a terminal of its own, which head holds"},
    {"head", deptyr::HeadCommand,
     "hold the terminals of programs and serve them to clients"},
    {"router", deptyr::RouterCommand,
     "run a program on a terminal of its own for everyone who connects"},
    {"attach", deptyr::AttachCommand,
     "show a session on this terminal and type into it"},
    {"adopt", deptyr::AdoptCommand,
     "take over the terminal of a program that runs elsewhere"},
    {"ls", deptyr::LsCommand, "list the sessions"},
    {"status", deptyr::StatusCommand, "show everything about a session"},
    {"events", deptyr::EventsCommand, "print what happens, as it happens"},
    {"kick", deptyr::KickCommand, "disconnect clients from a session"},
    {"send", deptyr::SendCommand, "type text or keys into a session"},
    {"wait", deptyr::WaitCommand, "wait for a session to do something"},
    {"stop", deptyr::StopCommand,
     "type a program's stop command and wait for it to exit"},
    {"signal", deptyr::SignalCommand, "send a signal to a session's program"},
    {"writer", deptyr::WriterCommand, "whose keys a program gets"},
    {"resize", deptyr::ResizeCommand, "set the size of a session's terminal"},
    {"exec", deptyr::ExecCommand,
     "run a command beside a session's program, in its container"},
    {"filter", deptyr::FilterCommand,
     "run a command on a terminal of its own, in a pipeline"},
    {"forget", deptyr::ForgetCommand, "forget a session that has ended"},
    {"snapshot", deptyr::SnapshotCommand, "print a session's screen"},
    {"history", deptyr::HistoryCommand, "print a session's output"},
    {"record", deptyr::RecordCommand, "record a session for asciinema"},
    {"upgrade", deptyr::UpgradeCommand,
     "replace the running head with the installed version; nobody is "
     "disconnected"},
    {"doctor", deptyr::DoctorCommand,
     "look at what deptyr needs here, and say what is missing"},
    {"ended", deptyr::EndedCommand,
     "tell head how a program ended (for supervisors)"},
};

constexpr char kBegin[] =
    "To begin:\n"
    "    deptyr run htop      run a program on a session; ^\\ detaches\n"
    "    deptyr ls            list the sessions\n"
    "    deptyr attach htop   show one on this terminal again\n";

void PrintUsage() {
  std::puts(
      "usage: deptyr COMMAND [OPTION]... [ARG]...\n"
      "Terminals for supervised programs.\n");
  for (const Subcommand& subcommand : kSubcommands) {
    std::printf("  %-8s %s\n", subcommand.name, subcommand.summary);
  }
  std::printf(
      "\n%s\n"
      "deptyr help COMMAND and deptyr-COMMAND(1) tell a command's options, "
      "deptyr version the version,\n"
      "and deptyr help --json all of it to programs.\n",
      kBegin);
}

const Subcommand* Find(absl::string_view word) {
  for (const Subcommand& subcommand : kSubcommands) {
    if (word == subcommand.name) return &subcommand;
  }
  return nullptr;
}

// These are the words of other tools for a command of ours.
constexpr std::pair<absl::string_view, absl::string_view> kOtherWords[] = {
    {"capture-pane", "snapshot"},
    {"console", "attach"},
    {"detach", "kick"},
    {"info", "status"},
    {"kill", "signal"},
    {"kill-session", "stop"},
    {"list", "ls"},
    {"log", "history"},
    {"logs", "history"},
    {"new", "run"},
    {"new-session", "run"},
    {"ps", "ls"},
    {"rm", "forget"},
    {"send-keys", "send"},
    {"sessions", "ls"},
    {"show", "attach"},
    {"start", "run"},
    {"tail", "history"},
};

using Words = absl::Span<char* const>;

bool AsksForJson(Words words) {
  return absl::c_linear_search(words, absl::string_view("--json"));
}

// Says what may have been meant.
int Unknown(absl::string_view word, bool json) {
  std::vector<absl::string_view> known = {"help", "version", "--help",
                                          "--version"};
  for (const Subcommand& subcommand : kSubcommands) {
    known.emplace_back(subcommand.name);
  }
  const std::string shown = deptyr::Printable(word);
  std::string nearest = deptyr::Nearest(word, known);
  for (const auto& [other, ours] : kOtherWords) {
    if (word == other) nearest = std::string(ours);
  }
  std::string hint = "see deptyr --help";
  if (!nearest.empty()) hint = absl::StrCat("did you mean ", nearest, "?");
  // A word like "ps" may be both.
  if (!deptyr::FindProgram(std::string(word)).empty()) {
    const std::string run =
        absl::StrCat("deptyr run ", shown, " runs that program");
    hint = nearest.empty() ? run : absl::StrCat(hint, " ", run);
  }
  const std::string error = absl::StrCat("unknown command ", shown, "; ", hint);
  if (json) std::puts(deptyr::ErrorJson(error, deptyr::kUsageError).c_str());
  std::fprintf(stderr, "deptyr: %s\n", error.c_str());
  return deptyr::kUsageError;
}

int RunHelp(const Subcommand& subcommand, bool json) {
  std::string name = subcommand.name;
  std::string help = "--help";
  std::string as_json = "--json";
  std::array<char*, 4> argv = {name.data(), help.data(),
                               json ? as_json.data() : nullptr, nullptr};
  return subcommand.run(json ? 3 : 2, argv.data());
}

// Prints everything that the commands say about themselves, as one object.
int PrintHelpJson() {
  std::printf("{\"version\":\"%s\",\n\"exit_codes\":[", deptyr::kVersionLine);
  const char* before = "";
  for (const auto& [code, meaning] : deptyr::kExitCodes) {
    std::printf("%s{\"code\":%d,\"meaning\":\"%s\"}", before, code, meaning);
    before = ",\n";
  }
  std::fputs("],\n\"commands\":[\n", stdout);
  before = "";
  for (const Subcommand& subcommand : kSubcommands) {
    std::fputs(before, stdout);
    (void)RunHelp(subcommand, /*json=*/true);
    before = ",";
  }
  std::puts("]}");
  return 0;
}

// "deptyr help [--json] [COMMAND]"; whatever comes after that doesn't matter.
int Help(Words words) {
  const bool json = AsksForJson(words);
  absl::string_view command;
  for (const absl::string_view word : words) {
    if (command.empty() && word != "--json") command = word;
  }
  if (command.empty() && json) return PrintHelpJson();
  if (command.empty()) {
    PrintUsage();
    return 0;
  }
  const Subcommand* const subcommand = Find(command);
  return subcommand == nullptr ? Unknown(command, json)
                               : RunHelp(*subcommand, json);
}

}  // namespace

int main(int argc, char** argv) {
  const absl::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--version" || word == "-V" || word == "version") {
    std::puts(deptyr::kVersionLine);
    return 0;
  }
  if (word == "--help" || word == "-h" || word == "help") {
    return Help(absl::MakeConstSpan(argv + 2, argv + argc));
  }
  if (const Subcommand* const found = Find(word)) {
    return found->run(argc - 1, argv + 1);
  }
  if (argc > 1) {
    return Unknown(word, AsksForJson(absl::MakeConstSpan(argv, argv + argc)));
  }
  std::fprintf(stderr, "%s\ndeptyr help lists all commands.\n", kBegin);
  return deptyr::kUsageError;
}
