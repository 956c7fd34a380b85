#include "lib/router/router.h"

#include <signal.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "cmd/commands.h"
#include "cmd/listen_options.h"
#include "cmd/options.h"
#include "cmd/verb.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/name_service.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/signals.h"

namespace deptyr {
namespace {

// The shell that the user database has for the user whose the program is.  Many
// accounts have one that lets nobody in (nologin(8)).
std::string DefaultShell(const std::optional<Account>& account) {
  const auto user = account ? *account : FindAccount(absl::StrCat(OwnUid()));
  const std::string shell = user.ok() ? user->shell : "";
  const std::string name = shell.substr(shell.rfind('/') + 1);
  const bool works =
      name != "nologin" && name != "false" && !FindProgram(shell).empty();
  return works ? shell : "/bin/sh";
}

// Runs COMMAND, or the shell.  A dash before its name makes it a login shell
// (login(1)).
void ChooseCommand(std::vector<std::string> operands, bool login,
                   RouterOptions* router) {
  if (operands.empty()) {
    operands.push_back(DefaultShell(router->settings.account));
  }
  router->program = operands[0];
  if (login) {
    operands[0] =
        absl::StrCat("-", operands[0].substr(operands[0].rfind('/') + 1));
  }
  router->argv = std::move(operands);
}

absl::StatusOr<std::string> ParseVariable(absl::string_view text) {
  if (absl::StrContains(text, '=') && text[0] != '=') {
    return std::string(text);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a variable: ", text, "; say NAME=VALUE"));
}

absl::Status RunRouter(RouterOptions options) {
  // A connection needs one for itself, the terminal, the process and the ring;
  // one more is spare.
  constexpr size_t kDescriptorsOfOne = 5;
  options.max_connections = std::min(
      options.max_connections, RaiseDescriptorLimit() / kDescriptorsOfOne);
  LogToStandardError();
  SetTerminalVariables(TermForNewTerminal());
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Signals signals,
                   Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGXCPU,
                                   SIGUSR1, SIGCHLD}));
  ASSIGN_OR_RETURN(const std::unique_ptr<Router> router,
                   Router::Create(*loop, std::move(options)));
  const auto on_signal = [&router](int signal) {
    if (signal == SIGCHLD) {
      router->OnChildEnded();
    } else if (signal == SIGUSR1) {
      router->LogReport();
    } else {
      router->Stop(sigdescr_np(signal));
    }
  };
  return RunWithSignals(*loop, signals, on_signal,
                        [&router] { return router->finished(); });
}

}  // namespace

int RouterCommand(int argc, char** argv) {
  RouterOptions router;
  bool login = false;
  ListenOptionsState listen{.listeners = &router.listeners,
                            .name_sessions = false};
  Options options(
      "router", "[OPTION]... [-- COMMAND [ARG]...]",
      "Runs COMMAND (the user's shell) on a terminal of its own for "
      "everybody who connects.");
  AddListeners(options, listen);
  options.Value("mode", "MODE", &router.rights.mode, ParseMode,
                "the sockets' mode", {.usual = "0600"});
  options.Value("group", "GROUP", &router.rights.group, "the sockets' group",
                {.usual = "that of this process"});
  options.Do("allow-user", "USER",
             "who may connect besides root and this user, or any",
             [&](absl::string_view text) -> absl::Status {
               if (text == "any") {
                 router.allows_anybody = true;
                 return absl::OkStatus();
               }
               ASSIGN_OR_RETURN(router.allowed_users.emplace_back(),
                                FindUser(text));
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Value("size", "ROWSxCOLS", &router.size, ParseSize,
                "a terminal's size until its client tells", {.usual = "24x80"});
  options.Flag("login", &login, "run COMMAND as a login shell");
  options.Value("user", "USER", &router.settings.account, FindAccount,
                "the user whose COMMAND is", {.usual = "this one"});
  options.Value("chdir", "DIR", &router.settings.directory,
                "COMMAND's working directory", {.usual = "this one"});
  options.Values("env", "NAME=VALUE", &router.settings.environment,
                 ParseVariable, "a variable for COMMAND");
  options.Value("idle-timeout", "SECONDS", &router.idle_timeout, ParseSeconds,
                "end connections that were silent for so long",
                {.usual = "never"});
  options.Value("max-connections", "N", &router.max_connections, ParseCount,
                "refuse more connections than this", {.usual = "1024"});
  options.Value("max-user-connections", "N", &router.max_user_connections,
                ParseCount, "refuse more connections of one user than this",
                {.usual = "256"});
  options.Value("max-address-connections", "N", &router.max_address_connections,
                ParseCount, "refuse more TCP connections from one address",
                {.usual = "256"});
  options.Value("status-socket", "PATH", &router.status_socket,
                "tell deptyr status --router there how it goes");
  options.Value("ready-fd", "N", &router.ready_fd, ParseFd,
                "write a newline to descriptor N when ready (s6)");
  const auto run =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    if (router.listeners.empty()) {
      return SeeHelp("nowhere to listen: say --raw or --uwsgi");
    }
    if (router.settings.account && OwnUid() != 0) {
      return absl::InvalidArgumentError(
          "only root may run COMMAND as another user; leave --user out");
    }
    router.version = kVersionLine;
    ChooseCommand(std::move(operands), login, &router);
    RETURN_IF_ERROR(RunRouter(std::move(router)));
    return 0;
  };
  return RunSubcommand(options, argc, argv, run);
}

}  // namespace deptyr
