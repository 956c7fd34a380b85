#include "lib/adopt/adopt.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "lib/attach/ask.h"
#include "lib/attach/connection.h"
#include "lib/base/argv.h"
#include "lib/base/backoff.h"
#include "lib/base/status.h"
#include "lib/run/background_head.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "lib/sys/process_facts.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal_holder.h"
#include "lib/wire/messages.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

// How long the next head may take to start, if one goes away when it was given
// a terminal: it may have that one from a keeper.
constexpr absl::Duration kNextHead = absl::Seconds(5);

// A terminal that moves, and what head is told of it.
struct Move {
  const HeldTerminal* held;
  Adopt message;
};

std::string Text(const TerminalHolder& holder) {
  return absl::StrCat(holder.name, " (pid ", holder.pid, ")");
}

std::string Text(const HeldTerminal& held) {
  const auto& [number, leader] = held.terminal;
  return absl::StrCat("/dev/pts/", number, " of ", NameOfProcess(leader),
                      " (pid ", leader, ")");
}

template <typename T>
std::string TextOfAll(const std::vector<T>& items) {
  return absl::StrJoin(items, ", ", [](std::string* out, const T& item) {
    absl::StrAppend(out, Text(item));
  });
}

// The terminal that the process is on, or, if all are wanted, one it holds.
absl::StatusOr<ForeignTerminal> TerminalMeant(const AdoptOptions& options) {
  auto terminal = TerminalOf(options.pid);
  if (!options.all || !absl::IsNotFound(terminal.status())) return terminal;
  ASSIGN_OR_RETURN(const TerminalHolder holder, HolderWith(options.pid));
  if (holder.terminals.empty()) return terminal;
  return holder.terminals.front().terminal;
}

// Whether these may be stopped and ended to get the terminal.
absl::Status CheckHolders(const std::vector<TerminalHolder>& holders,
                          const ForeignTerminal& terminal,
                          const HeldTerminal& held) {
  for (const TerminalHolder& holder : holders) {
    if (holder.name == "deptyr") {
      return absl::UnavailableError(
          absl::StrCat("a deptyr head (pid ", holder.pid, ") has /dev/pts/",
                       terminal.number, " already; attach there"));
    }
    if (holder.pid == 1) {
      return absl::UnavailableError(absl::StrCat(
          "pid 1 keeps /dev/pts/", terminal.number, ", and is not stopped"));
    }
    if (OwnUid() != 0) continue;  // the kernel has seen to it
    ASSIGN_OR_RETURN(const Leader leader, LeaderOf(held.controller.get()));
    if (!IsNaturalHolder(holder, leader.uid, leader.pid)) {
      return absl::UnavailableError(absl::StrCat(
          Text(holder), " has /dev/pts/", terminal.number,
          ", but is neither of uid ", leader.uid, " nor an ancestor of pid ",
          leader.pid, ", and may have been given it; end it first"));
    }
  }
  return absl::OkStatus();
}

// Whether nobody but these holds one of their other terminals.  Head may just
// be closing the copy that it was asked about.
absl::Status CheckAlone(const std::vector<TerminalHolder>& holders,
                        const HeldTerminal& held) {
  const absl::Time until = absl::Now() + kAnswerPatience;
  ASSIGN_OR_RETURN(std::vector<TerminalHolder> all, HoldersOf(held.terminal));
  for (Backoff backoff = kHeadBackoff;
       absl::Now() < until &&
       std::ranges::count(all, "deptyr", &TerminalHolder::name) > 0;) {
    absl::SleepFor(backoff.Next());
    ASSIGN_OR_RETURN(all, HoldersOf(held.terminal));
  }
  for (const TerminalHolder& one : all) {
    if (std::ranges::count(holders, one.pid, &TerminalHolder::pid) > 0)
      continue;
    return absl::UnavailableError(absl::StrCat(
        Text(one), " has ", Text(held), ", too, and would go on reading it"));
  }
  return absl::OkStatus();
}

// All that the holders hold, with the terminal that is meant first.
std::vector<const HeldTerminal*> HeldBy(
    const std::vector<TerminalHolder>& holders,
    const ForeignTerminal& terminal) {
  std::vector<const HeldTerminal*> all;
  std::set<pid_t> seen;
  for (const TerminalHolder& holder : holders) {
    for (const HeldTerminal& held : holder.terminals) {
      if (seen.insert(held.terminal.leader).second) all.push_back(&held);
    }
  }
  std::stable_partition(all.begin(), all.end(), [&](const HeldTerminal* held) {
    return held->terminal.leader == terminal.leader;
  });
  return all;
}

// Returns the words of a program, for people.
std::vector<std::string> ArgvOf(pid_t pid) {
  const std::string words =
      ReadSmallFile(absl::StrCat("/proc/", pid, "/cmdline")).value_or("");
  if (words.empty()) return {NameOfProcess(pid)};
  return SplitArgv(absl::StripSuffix(words, absl::string_view("\0", 1)));
}

std::string NameFor(const HeldTerminal& held) {
  std::string name = NameOfProcess(held.foreground);
  if (name.empty()) name = NameOfProcess(held.terminal.leader);
  return SessionNameFor(name);
}

// Offers head a terminal, or asks whether it would take it (`probe`).  Returns
// how it refused, if it did.
absl::StatusOr<std::optional<Refused>> Offer(const std::string& head,
                                             const Move& move, bool probe) {
  std::optional<Refused> refused;
  Adopt message = move.message;
  message.probe = probe;
  RETURN_IF_ERROR(Converse(
      head, std::move(message),
      [&](const HeadMessage& said) {
        const auto* const no = std::get_if<Refused>(&said);
        if (no != nullptr) refused = *no;
        return no != nullptr || std::holds_alternative<Accepted>(said);
      },
      kAnswerPatience, move.held->controller.get()));
  return refused;
}

absl::Status ErrorOf(const Refused& refused, const std::string& head) {
  if (refused.code == kRefusedMalformed) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the head at ", head, " is too old to take a terminal over (",
        refused.text, "); replace it with deptyr upgrade"));
  }
  return RefusalError(refused, head);
}

// Makes sure that head would take the terminal, and under which name; false if
// it has it already.  Numbers a name that isn't free, unless it was chosen.
absl::StatusOr<bool> Prepare(const std::string& head, Move& move, bool chosen,
                             std::set<std::string>& names) {
  const std::string name = move.message.name;
  for (int same = 1;; ++same) {
    if (same > 1) move.message.name = NumberedName(name, same);
    if (names.contains(move.message.name)) continue;
    ASSIGN_OR_RETURN(const std::optional<Refused> refused,
                     Offer(head, move, /*probe=*/true));
    if (!refused) {
      names.insert(move.message.name);
      return true;
    }
    if (refused->code == kRefusedHeld) return false;
    const bool taken =
        refused->code == kRefusedNameTaken || refused->code == kRefusedNotOwner;
    if (chosen || !taken || same >= kMostOfOneName) {
      return ErrorOf(*refused, head);
    }
  }
}

// Head has to answer whether it has the terminal.  If it goes away first, the
// next one is asked.
absl::Status HandOver(const std::string& head, const Move& move) {
  const absl::Time until = absl::Now() + kNextHead;
  for (Backoff backoff = kHeadBackoff;;) {
    const auto refused = Offer(head, move, /*probe=*/false);
    if (refused.ok()) {
      // Head may just have got it, from us or from somebody like us.
      const bool taken = !*refused || (*refused)->code == kRefusedHeld;
      return taken ? absl::OkStatus() : ErrorOf(**refused, head);
    }
    if (absl::Now() > until) return refused.status();
    absl::SleepFor(backoff.Next());
  }
}

// Whether a holder still has no terminal but those it was found with: it may
// just have opened one, whose program would be hung up.
absl::Status CheckUnchanged(const TerminalHolder& holder) {
  ASSIGN_OR_RETURN(const TerminalHolder now, HolderWith(holder.pid));
  for (const HeldTerminal& held : now.terminals) {
    if (Holds(holder, held.terminal.leader)) continue;
    return absl::UnavailableError(absl::StrCat(Text(holder), " has just got ",
                                               Text(held), "; try again"));
  }
  return absl::OkStatus();
}

// Once head has a terminal, its holder must not go on.
absl::Status TakeOver(const std::string& head,
                      const std::vector<TerminalHolder>& holders,
                      const std::vector<Move>& moves, HolderEnd end) {
  std::vector<StoppedProcess> stopped;
  for (const TerminalHolder& holder : holders) {
    ASSIGN_OR_RETURN(StoppedProcess process,
                     StoppedProcess::Stop(holder.pid, holder.pidfd.get()));
    stopped.push_back(std::move(process));
    if (end != HolderEnd::kStop) RETURN_IF_ERROR(CheckUnchanged(holder));
  }
  bool any = false;
  absl::Status failed;
  for (const Move& move : moves) {
    const int controller = move.held->controller.get();
    absl::StatusOr<ReadyForHead> ready = ReadyForHead::Make(controller);
    const absl::Status given =
        ready.ok() ? HandOver(head, move) : ready.status();
    if (given.ok()) {
      ready->Keep();
      any = true;
      for (StoppedProcess& process : stopped) process.LeaveStopped();
    } else if (moves.size() == 1 || LeaderOf(controller).ok()) {
      failed.Update(given);
    }
  }
  if (!any || (failed.ok() && end == HolderEnd::kStop)) return failed;
  if (!failed.ok()) {
    return absl::UnavailableError(absl::StrCat(
        TextOfAll(holders), " stays stopped with what head doesn't have: ",
        failed.message(), "; the same command again takes the rest"));
  }
  for (const TerminalHolder& holder : holders) {
    (void)SendSignal(holder.pidfd.get(), SIGKILL);
  }
  return absl::OkStatus();
}

// Does that in a process of its own, which finishes even if this one is killed.
absl::Status TakeOverApart(const std::string& head,
                           const std::vector<TerminalHolder>& holders,
                           const std::vector<Move>& moves, HolderEnd end) {
  ASSIGN_OR_RETURN(PipeEnds report, MakePipe());
  const auto take_over = [&] {
    const auto undisturbed =
        Signals::Block({SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP});
    absl::Status taken = undisturbed.status();
    if (taken.ok()) taken = TakeOver(head, holders, moves, end);
    if (!taken.ok()) (void)WriteSome(report.in.get(), taken.message());
    return taken.ok() ? 0 : 1;
  };
  ASSIGN_OR_RETURN(const Child child, ForkChild(take_over));
  report.in.Reset();
  const std::optional<ExitStatus> status = AwaitChild(child.pidfd.get());
  if (status == ExitStatus{}) return absl::OkStatus();
  std::array<char, 4096> why;
  const IoResult got = ReadSome(report.out.get(), why);
  if (got.bytes > 0) {
    return absl::UnavailableError(absl::string_view(why.data(), got.bytes));
  }
  return absl::UnavailableError(absl::StrCat(
      "the process that took the terminals over was ended; ",
      TextOfAll(holders),
      " may still be stopped: if deptyr ls doesn't list them, kill -CONT lets "
      "it go on"));
}

}  // namespace

absl::StatusOr<AdoptResult> AdoptTerminals(const AdoptOptions& options) {
  ASSIGN_OR_RETURN(const ForeignTerminal terminal, TerminalMeant(options));
  ASSIGN_OR_RETURN(const std::vector<TerminalHolder> holders,
                   HoldersOf(terminal));
  std::vector<const HeldTerminal*> held = HeldBy(holders, terminal);
  RETURN_IF_ERROR(CheckHolders(holders, terminal, *held.front()));
  if (!options.all && options.holder != HolderEnd::kStop && held.size() > 1) {
    std::vector<std::string> others;
    for (size_t i = 1; i < held.size(); ++i) others.push_back(Text(*held[i]));
    return absl::UnavailableError(absl::StrCat(
        TextOfAll(holders),
        " holds other terminals, too, whose programs would "
        "be hung up: ",
        absl::StrJoin(others, ", "),
        "; take all of them with --all, or leave it stopped with --holder "
        "stop"));
  }
  if (!options.all) held.resize(1);
  const std::string from = TextOfAll(holders);
  if (options.holder == HolderEnd::kAsk &&
      !options.ask(
          absl::StrCat("End ", from, " once head has ", Text(*held.front()),
                       held.size() > 1 ? " and the others" : "", "?"))) {
    return absl::CancelledError("nothing has changed");
  }
  std::string head = options.socket;
  if (head.empty()) {
    ASSIGN_OR_RETURN(head, ReachHead());
  }
  std::vector<Move> moves;
  std::set<std::string> names;
  for (const HeldTerminal* one : held) {
    const bool meant = one == held.front();
    Move move{one,
              {.name = NameFor(*one), .argv = ArgvOf(one->terminal.leader)}};
    const bool chosen = meant && !options.name.empty();
    if (chosen) move.message.name = options.name;
    ASSIGN_OR_RETURN(const bool wanted, Prepare(head, move, chosen, names));
    if (!wanted) continue;
    RETURN_IF_ERROR(CheckAlone(holders, *one));
    moves.push_back(std::move(move));
  }
  if (moves.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "the head at ", head, " has ", Text(*held.front()), " already"));
  }
  RETURN_IF_ERROR(TakeOverApart(head, holders, moves, options.holder));
  AdoptResult result;
  for (const Move& move : moves) result.sessions.push_back(move.message.name);
  result.line =
      options.holder == HolderEnd::kStop
          ? absl::StrCat(from,
                         " is stopped; if it went on, it would read the "
                         "same terminals as head")
          : absl::StrCat(from, " has been ended");
  return result;
}

}  // namespace deptyr
