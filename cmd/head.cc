#include "lib/head/head.h"

#include <signal.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "cmd/commands.h"
#include "cmd/listen_options.h"
#include "cmd/options.h"
#include "lib/base/exit_codes.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/background.h"
#include "lib/sys/memory.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/retry.h"
#include "lib/sys/signals.h"
#include "lib/sys/standard_fds.h"
#include "lib/term/keys.h"

namespace deptyr {
namespace {

constexpr size_t kLeastHistory = 64 << 10;

absl::StatusOr<size_t> ParseHistory(absl::string_view text) {
  ASSIGN_OR_RETURN(const size_t bytes, ParseBytes(text));
  if (bytes >= kLeastHistory) return bytes;
  return absl::InvalidArgumentError("at least 64K");
}

absl::StatusOr<size_t> ParseBuffered(absl::string_view text) {
  constexpr size_t kLeast = 64 << 10;
  ASSIGN_OR_RETURN(const size_t bytes, ParseBytes(text));
  if (bytes >= kLeast) return bytes;
  return absl::InvalidArgumentError("at least 64K");
}

absl::StatusOr<SizePolicy> ParseSizePolicy(absl::string_view text) {
  if (text == "latest") return SizePolicy::kLatest;
  if (text == "smallest") return SizePolicy::kSmallest;
  if (text == "largest") return SizePolicy::kLargest;
  if (text == "fixed") return SizePolicy::kFixed;
  return absl::InvalidArgumentError(absl::StrCat(
      "not a policy: ", text, "; say latest, smallest, largest or fixed"));
}

absl::StatusOr<KeeperSpec> ParseKeeper(absl::string_view text) {
  if (text == "auto") return KeeperSpec{KeeperSpec::kFound};
  if (text == "none") return KeeperSpec{KeeperSpec::kNobody};
  if (text == "systemd") return KeeperSpec{KeeperSpec::kSystemd};
  if (absl::ConsumePrefix(&text, "s6:") && !text.empty()) {
    return KeeperSpec{KeeperSpec::kFdHolder, std::string(text)};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "not known: ", text, "; say auto, none, systemd or s6:SOCKET"));
}

absl::StatusOr<WhenBehind> ParseWhenBehind(absl::string_view text) {
  if (text == "skip") return WhenBehind::kSkip;
  if (text == "drop") return WhenBehind::kDrop;
  if (text == "block") return WhenBehind::kBlock;
  return absl::InvalidArgumentError(
      absl::StrCat("not known: ", text, "; say skip, drop or block"));
}

absl::StatusOr<Shows> ParseShows(absl::string_view text) {
  if (text == "screen") return Shows::kScreen;
  if (text == "history") return Shows::kHistory;
  if (text == "nothing") return Shows::kNothing;
  return absl::InvalidArgumentError(
      absl::StrCat("not known: ", text, "; say screen, history or nothing"));
}

void AddRules(Options& options, const char* name, AllowRules* rules,
              const char* help) {
  options.Do(
      name, "WHO=RIGHTS[@SESSION]",
      [rules](absl::string_view text) -> absl::Status {
        ASSIGN_OR_RETURN(AllowRule rule, ParseAllow(text));
        rules->push_back(std::move(rule));
        return absl::OkStatus();
      },
      help);
}

void AddLimits(Options& options, Limits& limits) {
  options.Value("max-sessions", "N", &limits.sessions, ParseCount,
                "refuse more sessions than this (4096)");
  options.Value("max-user-sessions", "N", &limits.user_sessions, ParseCount,
                "refuse more sessions of one user (as many as of all)");
  options.Value("max-session-clients", "N", &limits.session_clients, ParseCount,
                "refuse more clients of one session (1024)");
  options.Value("max-user-clients", "N", &limits.user_clients, ParseCount,
                "refuse more clients of one user (half of all there may be)");
  options.Value("max-pending", "N", &limits.pending, ParseCount,
                "keep no more connections that have said nothing yet (512)");
  options.Value("max-buffered", "SIZE", &limits.buffered, ParseBuffered,
                "keep no more bytes that a user doesn't read (1M)");
  options.Value("max-registrations", "N", &limits.registrations, ParseCount,
                "refuse more registrations of one user in 10 s (10000)");
}

// The signals head lives by, and what each does.
absl::StatusOr<Signals> BlockSignals() {
  return Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2,
                         SIGXCPU, SIGTSTP, SIGWINCH, SIGCONT});
}

class SignalDesk {
 public:
  SignalDesk(EventLoop& loop, Head& head, Signals signals)
      : head_(head), signals_(std::move(signals)) {
    watch_ = loop.Add(signals_.fd(), Interest::kRead, [this](Ready) {
      while (const int signal = signals_.Next()) OnSignal(signal);
    });
  }

 private:
  void OnSignal(int signal) {
    Viewer* const viewer = head_.viewer();
    switch (signal) {
      case SIGWINCH:
        if (viewer != nullptr) viewer->OnTerminalResized();
        return;
      case SIGCONT:
        if (viewer != nullptr) viewer->OnContinued();
        return;
      case SIGTSTP:  // stopped, it would leave the terminal raw
        return;
      case SIGUSR2:
        return head_.Upgrade();
      case SIGHUP:
        if (viewer == nullptr) return head_.RestoreSocket();
        return head_.OnTerminalGone();
      default:
        return head_.Stop(sigdescr_np(signal));
    }
  }

  Head& head_;
  Signals signals_;
  Watch watch_;
};

// A log on the very terminal that shows a program would be written over it.
bool LogIsOnTerminal() {
  return IsSameTerminal(2);
}

// What the end of head means for its programs, where somebody may read it: the
// log, and where that was on a terminal that may have gone, syslog as well.
void SayGoodbye(const Head& head, bool had_terminal) {
  const std::string kept = head.RunningPrograms(true);
  if (!kept.empty()) {
    Log(Severity::kInfo, "head has ended; ", head.keeping().kind(),
        " keeps the terminals of ", kept);
  }
  const std::string programs = head.RunningPrograms(false);
  if (programs.empty() && !kept.empty()) return;
  const std::string text =
      programs.empty()
          ? "head has ended; no program ran"
          : absl::StrCat(
                "head has ended; these programs lost their terminal "
                "and get SIGHUP: ",
                programs);
  Log(programs.empty() ? Severity::kInfo : Severity::kWarning, text);
  if (had_terminal && LogIsOnTerminal()) {
    LogToSyslog(programs.empty() ? Severity::kInfo : Severity::kWarning, text);
  }
}

void StartWatchdog(EventLoop& loop) {
  const absl::Status started = loop.StartWatchdog();
  if (started.ok()) return;
  Log(Severity::kError,
      "a terminal that is made to block holds head up: ", started.message());
}

absl::Status RunHead(HeadOptions head_options, bool headless,
                     std::optional<char> command_key,
                     std::optional<HeadState> before) {
  const bool on_terminal = OnTerminal() && !headless;
  const bool taken_over = before.has_value();  // too late to refuse to start
  MapLargeBlocks();  // models of screens come and go among small, lasting
                     // things
  head_options.limits.descriptors = RaiseDescriptorLimit();
  // Half for clients: the other half is for programs, which come first.
  head_options.limits.clients = head_options.limits.descriptors / 2;
  LogToStandardError();
  const auto get = [taken_over](auto make) {
    return taken_over ? RetryForFiveSeconds(make) : make();
  };
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop,
                   get(EventLoop::Create));
  // Before there is a socket to be removed, and before we say we are ready.
  ASSIGN_OR_RETURN(Signals signals, get(BlockSignals));
  StartWatchdog(*loop);
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Head> head,
      Head::Create(*loop, std::move(head_options), std::move(before)));
  auto desk = std::make_unique<SignalDesk>(*loop, *head, std::move(signals));
  if (on_terminal) {
    if (LogIsOnTerminal()) LogNowhere();
    absl::Status taken = head->TakeTerminal(command_key);
    if (!taken.ok() && !taken_over) return taken;
    if (!taken.ok()) {
      LogToStandardError();  // nothing of ours is on the terminal
      Log(Severity::kError, "goes on without its terminal: ", taken.message());
    }
  }
  while (!head->finished()) {
    RETURN_IF_ERROR(loop->RunOnce());
    if (!head->TakeBackgroundRequest()) continue;
    const absl::Status gone =
        GoToBackground([&head] { head->GiveTerminalBack(); },
                       "[deptyr: head goes on, pid ", "]\n");
    if (!gone.ok()) {
      head->viewer()->Tell(
          absl::StrCat("head can't go to the background: ", gone.message()));
      continue;
    }
    // A signalfd in an epoll set tells of the signals of whoever put it there.
    ASSIGN_OR_RETURN(Signals own, RetryForFiveSeconds(BlockSignals));
    desk = std::make_unique<SignalDesk>(*loop, *head, std::move(own));
    StartWatchdog(*loop);  // a timer stays with its process
  }
  head->GiveTerminalBack();
  if (on_terminal) LogToStandardError();
  SayGoodbye(*head, on_terminal);
  return absl::OkStatus();
}

int Fail(absl::string_view message, int status) {
  OriginalStderr().Say(absl::StrCat("deptyr head: ", message));
  return status;
}

}  // namespace

int HeadCommand(int argc, char** argv) {
  HeadOptions head;
  bool headless = false;
  std::optional<char> command_key = *ParseKey(kDefaultCommandKey);
  Options options(
      "head", "[OPTION]... HEAD-SOCKET",
      "Holds the terminals of the programs whose bodies register at "
      "HEAD-SOCKET.\nOn a terminal it shows one of them.");
  options.Value("mode", "MODE", &head.rights.mode, ParseMode,
                "the socket's mode (0600)");
  options.Value("group", "GROUP", &head.rights.group,
                "the socket's group (that of this process)");
  options.Value("history", "SIZE", &head.history, ParseHistory,
                "bytes of output remembered for each session (1M)");
  ListenOptionsState listen{.listeners = &head.listeners};
  AddListeners(options, listen);
  options.Do(
      "client-dir", "DIR",
      [&](absl::string_view dir) {
        head.client_dirs.push_back({std::string(dir), listen.policy});
        return absl::OkStatus();
      },
      "sockets DIR/SESSION.raw and DIR/SESSION.uwsgi for every session");
  options.Value("attach-shows", "WHAT", &listen.policy.shows, ParseShows,
                "listeners named after this: what a client gets first: screen, "
                "history or nothing (screen)");
  options.Flag("read-only", &listen.policy.read_only,
               "listeners named after this: what clients send is dropped");
  AddRules(options, "allow", &head.allow,
           "who else than a session's owner and root may do what; WHO is "
           "user:NAME, group:NAME, uid:N, gid:N or any; repeatable");
  AddRules(options, "listener-allow", &listen.policy.allow,
           "listeners named after this: who else may do what there; "
           "repeatable");
  options.Value("size-policy", "POLICY", &head.session.size_policy,
                ParseSizePolicy,
                "whose size a program has: latest, smallest, largest or fixed "
                "(latest)");
  options.Value("when-behind", "WHAT", &head.session.when_behind,
                ParseWhenBehind,
                "what becomes of a client that doesn't take its output: skip, "
                "drop or block (skip)");
  options.Value("keeper", "KEEPER", &head.keeper, ParseKeeper,
                "who keeps the terminals when head dies: auto, none, systemd "
                "or s6:SOCKET (auto)");
  AddLimits(options, head.limits);
  options.Value("command-key", "KEY", &command_key, ParseKey,
                "the key before a command to head, or none (^\\)");
  options.Flag("headless", &headless, "leave the terminal alone");
  options.Value("ready-fd", "N", &head.ready_fd, ParseFd,
                "write a newline to descriptor N when ready (s6)");
  const auto operands = options.Parse(argc, argv);
  if (!operands.ok()) return Fail(operands.status().message(), kUsageError);
  if (options.help_wanted()) {
    std::fputs(options.Help().c_str(), stdout);
    return 0;
  }
  if (operands->size() != 1) {
    return Fail("one HEAD-SOCKET is needed; see --help", kUsageError);
  }
  head.socket = operands->front();
  head.program = OwnProgram();
  head.argv = {"deptyr"};
  head.argv.insert(head.argv.end(), argv, argv + argc);
  head.version = kVersion;
  std::optional<HeadState> before;
  const auto offer = TakeOffer();
  if (!offer.ok()) return Fail(offer.status().message(), kSystemError);
  if (offer->has_value()) {
    auto state = Decode((*offer)->text);
    if (!state.ok()) return Fail(state.status().message(), kSystemError);
    if ((*offer)->trial) {
      const absl::Status understood = CheckRings(*state);
      return understood.ok() ? 0 : Fail(understood.message(), kSystemError);
    }
    before = *std::move(state);
    head.ready_fd = -1;  // told already
  }
  const absl::Status status =
      RunHead(head, headless, command_key, std::move(before));
  return status.ok() ? 0 : Fail(status.message(), ExitCodeFor(status));
}

}  // namespace deptyr
