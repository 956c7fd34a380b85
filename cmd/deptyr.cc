// main(), and the table of subcommands.

#include <cstdio>

#include "absl/strings/string_view.h"

#include "cmd/commands.h"
#include "lib/base/exit_codes.h"
#include "lib/base/log.h"

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
    {"ls", deptyr::LsCommand, "list the sessions"},
    {"status", deptyr::StatusCommand, "show everything about a session"},
    {"events", deptyr::EventsCommand, "print what happens, as it happens"},
    {"kick", deptyr::KickCommand, "disconnect clients from a session"},
    {"send", deptyr::SendCommand, "type text or keys into a session"},
    {"wait", deptyr::WaitCommand, "wait for a session to do something"},
    {"stop", deptyr::StopCommand,
     "type a program's stop command and wait for it to exit"},
    {"snapshot", deptyr::SnapshotCommand, "print a session's screen"},
    {"history", deptyr::HistoryCommand, "print a session's output"},
    {"record", deptyr::RecordCommand, "record a session for asciinema"},
    {"upgrade", deptyr::UpgradeCommand,
     "replace the running head with the installed version; nobody is "
     "disconnected"},
    {"ended", deptyr::EndedCommand,
     "tell head how a program ended (for supervisors)"},
};

void PrintUsage(std::FILE* to) {
  std::fputs(
      "usage: deptyr COMMAND [OPTION]... [ARG]...\n"
      "Terminals for supervised programs.\n\n",
      to);
  for (const Subcommand& subcommand : kSubcommands) {
    std::fprintf(to, "  %-8s %s\n", subcommand.name, subcommand.summary);
  }
  std::fputs(
      "\nSee deptyr COMMAND --help or deptyr-COMMAND(1) for a command's "
      "options.\n",
      to);
}

}  // namespace

int main(int argc, char** argv) {
  const absl::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--version") {
    std::puts(deptyr::kVersion);
    return 0;
  }
  if (word == "--help" || word == "-h" || word == "help") {
    PrintUsage(stdout);
    return 0;
  }
  for (const Subcommand& subcommand : kSubcommands) {
    if (word == subcommand.name) return subcommand.run(argc - 1, argv + 1);
  }
  if (word.empty()) {
    PrintUsage(stderr);
  } else {
    std::fprintf(stderr, "deptyr: unknown command %s; see deptyr --help\n",
                 deptyr::Printable(word).c_str());
  }
  return deptyr::kUsageError;
}
