#include "lib/head/consoles.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/status.h"
#include "lib/head/pending_connections.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/pty.h"
#include "lib/sys/slow_closer.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

constexpr absl::string_view kPid = "{pid}";
// Only those who may connect could leave so many without a program.
constexpr size_t kMostConsoles = 64;
constexpr Backoff kLeaderBackoff(absl::Milliseconds(1),
                                 absl::Milliseconds(100));

std::string NameWith(const ConsoleSpec& spec, pid_t pid) {
  return absl::StrReplaceAll(spec.session, {{kPid, absl::StrCat(pid)}});
}

}  // namespace

absl::StatusOr<ConsoleSpec> ParseConsole(absl::string_view text) {
  constexpr pid_t kLargestPid = 4'194'304;  // PID_MAX_LIMIT of Linux
  const size_t equals = text.rfind('=');
  if (equals == absl::string_view::npos || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat("no session for ", text,
                                                   "; say PATH=SESSION, or "
                                                   "PATH=NAME-{pid}"));
  }
  ConsoleSpec spec{.path = std::string(text.substr(0, equals)),
                   .session = std::string(text.substr(equals + 1))};
  if (IsSessionName(NameWith(spec, kLargestPid))) return spec;
  return absl::InvalidArgumentError(
      absl::StrCat("not a session name: ", spec.session));
}

void Consoles::Add(const ConsoleSpec& spec, Fd connection) {
  auto identity = IdentifyPeer(connection.get());
  if (!identity.ok()) return;
  const auto refuse = [&](absl::string_view code, absl::string_view why) {
    admission_.refusals().Note(*identity, code, why);
  };
  // An abstract or inherited socket may let others connect.
  if (!IsTrusted(identity->uid)) {
    return refuse(kRefusedNotPermitted,
                  absl::StrCat("only root and uid ", OwnUid(),
                               " may send terminals to ", spec.path));
  }
  if (consoles_.size() >= kMostConsoles) {
    return refuse(kRefusedLimit,
                  absl::StrCat(kMostConsoles, " terminals at ", spec.path,
                               " have no program yet; start theirs first"));
  }
  auto added =
      std::make_unique<Console>(Console{.spec = spec,
                                        .identity = *std::move(identity),
                                        .connection = std::move(connection),
                                        .pause = kLeaderBackoff});
  Console& console = *added;
  consoles_.emplace(&console, std::move(added));
  console.watch = loop_.Add(console.connection.get(), Interest::kRead,
                            [this, &console](Ready) { Receive(console); });
  console.timer = loop_.After(kPeerPatience, [this, &console] {
    Refuse(console, kRefusedTimeout,
           absl::StrCat("no terminal came to ", console.spec.path, " within ",
                        absl::FormatDuration(kPeerPatience)));
  });
}

// The text says at most what the terminal is called where the peer is.
void Consoles::Receive(Console& console) {
  std::array<char, 4096> text;
  FdMessage got = ReceiveWithFds(console.connection.get(), text);
  if (got.io.state == IoState::kWouldBlock) return;
  // It may only have looked whether somebody listens.
  if (got.io.state != IoState::kDone) return Remove(console);
  console.watch.Reset();
  console.connection.Reset();
  if (got.out_of_descriptors()) {
    return Refuse(console, kRefusedLimit,
                  "head has no descriptor left for the terminal; raise its "
                  "limit of open files (LimitNOFILE=, ulimit -n)");
  }
  if (got.fds.size() != 1 || !IsController(got.fds[0].get()).value_or(false)) {
    return Refuse(console, kRefusedDescriptor,
                  absl::StrCat("what came to ", console.spec.path,
                               " is not one PTY's controlling end; bodies "
                               "register at the head socket"));
  }
  console.controller = std::move(got.fds[0]);
  console.since = Clock::now();
  LookForLeader(console);
}

void Consoles::LookForLeader(Console& console) {
  auto leader = LeaderOf(console.controller.get());
  const auto waited = absl::FromChrono(Clock::now() - console.since);
  if (absl::IsUnavailable(leader.status()) && waited < kPeerPatience) {
    console.timer = loop_.After(console.pause.Next(),
                                [this, &console] { LookForLeader(console); });
    return;
  }
  if (!leader.ok()) {
    const absl::Status& why = leader.status();
    return Refuse(console, RefusalCode(why), why.message());
  }
  const std::string name = NameWith(console.spec, leader->pid);
  const absl::Status taken = owner_.OnConsoleLeader(
      console.identity, name, *std::move(leader), console.controller);
  if (!taken.ok()) {
    return Refuse(console, RefusalCode(taken), taken.message());
  }
  Remove(console);
}

void Consoles::Refuse(Console& console, absl::string_view code,
                      absl::string_view text) {
  admission_.refusals().Note(console.identity, code, text);
  Remove(console);
}

void Consoles::Remove(Console& console) {
  console.watch.Reset();
  console.timer.Reset();
  SlowCloser::Close(console.identity.uid, std::move(console.controller));
  // Its handler is on the stack.
  loop_.DestroyLater(std::move(consoles_.extract(&console).mapped()));
}

}  // namespace deptyr
