#include "lib/attach/attach.h"

#include <cstdio>

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/attach/choose_session.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/term/key_names.h"

namespace deptyr {
namespace {

constexpr Named<bool> kBooleans[] = {{"true", true}, {"false", false}};

}  // namespace

int AttachCommand(int argc, char** argv) {
  AttachOptions attach;
  attach.detach_keys = *ParseDetachKeys(kDefaultCommandKey);
  attach.writer_keys = *ParseDetachKeys("^T");
  Options options("attach", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Shows SESSION (yours that runs) on this terminal, and types "
                  "into it.");
  options.Value("e,escape", "KEY", &attach.detach_keys, ParseDetachKeys,
                "the key that detaches, or none", {.usual = "^\\"});
  options.Value("detach-keys", "KEY", &attach.detach_keys, ParseDetachKeys,
                "the same, as docker spells it");
  options.Value("scrollback", "N", &attach.scrollback, ParseBytes,
                "first show up to N lines that have left the screen",
                {.usual = "0"});
  options.Value("wait", "SECONDS", &attach.wait, ParseSeconds,
                "how long to wait for a head that went away", {.usual = "30"});
  options.Flag("r,read-only", &attach.read_only, "watch without typing");
  options.Flag("no-stdin", &attach.read_only, "the same, as docker spells it");
  options.OneOf("sig-proxy", "BOOL", &attach.proxies_signals, kBooleans,
                "whether the program gets the signals that attach gets");
  options.Flag("d,kick", &attach.kick, "disconnect everybody else");
  options.Flag("exclusive", &attach.exclusive,
               "let nobody else type meanwhile");
  options.Value("writer-key", "KEY", &attach.writer_keys, ParseDetachKeys,
                "while another client has the keys: the key that takes them or "
                "asks for them, or none",
                {.usual = "^T"});
  options.Flag("q,quiet", &attach.quiet, "print nothing but errors");
  options.Flag("once", &attach.once,
               "exit when the program does, with its exit status");
  int status = 0;
  const int failure = RunVerb(options, argc, argv, [&](const Target& target) {
    attach.where = target.where;
    if (attach.exclusive && attach.read_only) {
      return absl::InvalidArgumentError(
          "--exclusive types, and --read-only doesn't; leave one of them out");
    }
    if (attach.where.session.empty()) {
      ASSIGN_OR_RETURN(const auto chosen, ChooseSession(attach.where.head));
      if (!chosen) return absl::OkStatus();
      attach.where.session = *chosen;
    }
    const absl::StatusOr<AttachResult> result = RunAttach(attach);
    RETURN_IF_ERROR(result.status());
    status = result->status;
    if (!result->line.empty()) {
      std::fprintf(stderr, "%s\n", Printable(result->line).c_str());
    }
    return absl::OkStatus();
  });
  return failure != 0 ? failure : status;
}

}  // namespace deptyr
