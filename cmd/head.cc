#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "cmd/commands.h"
#include "cmd/listen_options.h"
#include "cmd/options.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/head/consoles.h"
#include "lib/head/run_head.h"
#include "lib/sys/folder.h"
#include "lib/sys/head_socket.h"
#include "lib/sys/replace_self.h"
#include "lib/term/key_names.h"

namespace deptyr {
namespace {

absl::StatusOr<size_t> ParseAtLeast64K(absl::string_view text) {
  constexpr size_t kLeast = 64 << 10;
  ASSIGN_OR_RETURN(const size_t bytes, ParseBytes(text));
  if (bytes >= kLeast) return bytes;
  return absl::InvalidArgumentError("at least 64K");
}

constexpr Named<WhenBehind> kWhenBehind[] = {{"skip", WhenBehind::kSkip},
                                             {"drop", WhenBehind::kDrop},
                                             {"block", WhenBehind::kBlock}};
constexpr Named<AuditLevel> kAuditLevels[] = {{"none", AuditLevel::kNone},
                                              {"who", AuditLevel::kWho},
                                              {"text", AuditLevel::kText}};
constexpr Named<OnEnd> kOnEnd[] = {{"stay", OnEnd::kStay},
                                   {"close", OnEnd::kClose}};
constexpr Named<Shows> kShows[] = {{"screen", Shows::kScreen},
                                   {"history", Shows::kHistory},
                                   {"nothing", Shows::kNothing}};

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

// Where to listen if nobody says.  Its folder is made if that can be; if not,
// the attempt to listen says why.
std::string OwnHeadSocket() {
  std::string path = UsualHeadSockets().front();
  (void)MakeFolder(FolderOf(path));
  return path;
}

void AddLimits(Options& options, Limits& limits) {
  options.Value("max-sessions", "N", &limits.sessions, ParseCount,
                "refuse more sessions than this", {.usual = "4096"});
  options.Value("max-user-sessions", "N", &limits.user_sessions, ParseCount,
                "refuse more sessions of one user",
                {.usual = "as many as of all"});
  options.Value("max-session-clients", "N", &limits.session_clients, ParseCount,
                "refuse more clients of one session", {.usual = "1024"});
  options.Value("max-user-clients", "N", &limits.user_clients, ParseCount,
                "refuse more clients of one user",
                {.usual = "half of all there may be"});
  options.Value("max-pending", "N", &limits.pending, ParseCount,
                "keep no more connections that have said nothing yet",
                {.usual = "512"});
  options.Value("max-buffered", "SIZE", &limits.buffered, ParseAtLeast64K,
                "keep no more bytes that a user doesn't read", {.usual = "1M"});
  options.Value("max-registrations", "N", &limits.registrations, ParseCount,
                "refuse more registrations of one user in 10 s",
                {.usual = "10000"});
}

}  // namespace

int HeadCommand(int argc, char** argv) {
  HeadOptions head;
  head.command_key = *ParseKey(kDefaultCommandKey);
  Options options(
      "head", "[OPTION]... [HEAD-SOCKET]",
      "Holds the terminals of the programs whose bodies register at "
      "HEAD-SOCKET.\nOn a terminal it shows one of them.");
  options.Value("mode", "MODE", &head.rights.mode, ParseMode,
                "the socket's mode", {.usual = "0600"});
  options.Value("group", "GROUP", &head.rights.group, "the socket's group",
                {.usual = "that of this process"});
  options.Value("history", "SIZE", &head.history, ParseAtLeast64K,
                "bytes of output remembered for each session", {.usual = "1M"});
  ListenOptionsState listen{.listeners = &head.listeners};
  AddListeners(options, listen);
  options.Do("client-dir", "DIR",
             "sockets DIR/SESSION.raw and DIR/SESSION.uwsgi for every session",
             [&](absl::string_view dir) {
               head.client_dirs.push_back({std::string(dir), listen.policy});
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Values(
      "console", "PATH=SESSION", &head.consoles, ParseConsole,
      "a socket for terminals that runc, crun and others send; {pid} "
      "in SESSION is the program's pid");
  options.OneOf("attach-shows", "WHAT", &listen.policy.shows, kShows,
                "listeners named after this: what a client gets first");
  options.OneOf("on-end", "WHAT", &listen.policy.on_end, kOnEnd,
                "listeners named after this: what a client does when the "
                "program ends");
  options.Flag("read-only", &listen.policy.read_only,
               "listeners named after this: what clients send is dropped");
  options.Values("allow", "WHO=RIGHTS[@SESSION]", &head.allow, ParseAllow,
                 "who else than a session's owner and root may do what; WHO is "
                 "user:NAME, group:NAME, uid:N, gid:N or any");
  options.Values("listener-allow", "WHO=RIGHTS[@SESSION]", &listen.policy.allow,
                 ParseAllow,
                 "listeners named after this: who else may do what there");
  options.OneOf("size-policy", "POLICY", &head.session.size_policy,
                kSizePolicies, "whose size a program has");
  options.OneOf("writers", "WHO", &head.session.writers, kWriterPolicies,
                "who may type at one time");
  options.OneOf("when-behind", "WHAT", &head.session.when_behind, kWhenBehind,
                "what becomes of a client that doesn't take its output");
  options.Value("log-dir", "DIR", &head.log_dir,
                "write what programs show to DIR/SESSION.log");
  options.Flag("log-time", &head.log_time,
               "a time stamp before each line there");
  options.OneOf("audit", "WHAT", &head.audit.level, kAuditLevels,
                "what is told of those who do something");
  options.Value("audit-file", "FILE", &head.audit.file, "tell it there",
                {.usual = "in head's log"});
  options.Value(
      "keeper", "KEEPER", &head.keeper, ParseKeeper,
      "who keeps the terminals when head dies",
      {.usual = "auto", .choices = {"auto", "none", "systemd", "s6:SOCKET"}});
  AddLimits(options, head.limits);
  options.Value("command-key", "KEY", &head.command_key, ParseKey,
                "the key before a command to head, or none", {.usual = "^\\"});
  options.Flag("headless", &head.headless, "leave the terminal alone");
  options.Value("ready-fd", "N", &head.ready_fd, ParseFd,
                "write a newline to descriptor N when ready (s6)");
  options.AllowAnywhere();
  const auto run =
      [&](const std::vector<std::string>& operands) -> absl::StatusOr<int> {
    if (operands.size() > 1) {
      return SeeHelp(absl::StrCat("unexpected argument: ", operands[1]));
    }
    head.socket = operands.empty() ? OwnHeadSocket() : operands[0];
    head.program = OwnProgram();
    head.argv = {"deptyr"};
    head.argv.insert(head.argv.end(), argv, argv + argc);
    head.version = kVersionLine;
    RETURN_IF_ERROR(RunHead(std::move(head)));
    return 0;
  };
  return RunSubcommand(options, argc, argv, run);
}

}  // namespace deptyr
