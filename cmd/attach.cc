#include "lib/attach/attach.h"

#include <cstdio>

#include "cmd/client.h"
#include "cmd/commands.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/term/key_names.h"

namespace deptyr {

int AttachCommand(int argc, char** argv) {
  AttachOptions attach;
  attach.detach_keys = *ParseDetachKeys(kDefaultCommandKey);
  Options options(
      "attach", "[OPTION]... [HEAD-SOCKET] [SESSION]",
      "Shows SESSION (your newest) on this terminal, and types into it.");
  options.Value("e,escape", "KEY", &attach.detach_keys, ParseDetachKeys,
                "the key that detaches, or none (^\\)");
  options.Value("scrollback", "N", &attach.scrollback, ParseBytes,
                "first show up to N lines that have left the screen (0)");
  options.Value("wait", "SECONDS", &attach.wait, ParseSeconds,
                "how long to wait for a head that went away (30)");
  options.Flag("r,read-only", &attach.read_only, "only watch");
  options.Flag("d,kick", &attach.kick, "make all others leave");
  options.Flag("q,quiet", &attach.quiet, "say nothing but errors");
  options.Flag("once", &attach.once,
               "end with the program, with its exit status");
  return RunVerb(
      options, "attach", 0, argc, argv,
      [&](const Target& where) -> absl::StatusOr<int> {
        attach.head = where.head;
        attach.session = where.session;
        ASSIGN_OR_RETURN(const AttachResult farewell, RunAttach(attach));
        if (!farewell.line.empty()) {
          std::fprintf(stderr, "%s\n", Printable(farewell.line).c_str());
        }
        return farewell.status;
      });
}

}  // namespace deptyr
