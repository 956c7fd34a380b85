#include "lib/attach/attach.h"

#include <signal.h>

#include <memory>

#include "lib/attach/attach_run.h"
#include "lib/base/status.h"
#include "lib/sys/signals.h"

namespace deptyr {

absl::StatusOr<AttachResult> RunAttach(const AttachOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Signals signals,
                   Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP,
                                   SIGCONT, SIGWINCH}));
  AttachRun run(*loop, options);
  RETURN_IF_ERROR(run.Begin());
  const Watch watch = loop->Add(signals.fd(), Interest::kRead, [&](Ready) {
    while (const int signal = signals.Next()) run.OnSignal(signal);
  });
  while (!run.finished()) RETURN_IF_ERROR(loop->RunOnce());
  return run.End();
}

}  // namespace deptyr
