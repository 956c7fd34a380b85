#include "lib/attach/attach.h"

#include <signal.h>

#include <memory>
#include <utility>

#include "lib/attach/attach_run.h"
#include "lib/attach/connection.h"
#include "lib/base/status.h"
#include "lib/sys/signals.h"

namespace deptyr {

absl::StatusOr<AttachResult> RunAttach(const AttachOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Signals signals,
                   Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP,
                                   SIGCONT, SIGWINCH}));
  ASSIGN_OR_RETURN(std::string path, FindHead(options.head));
  AttachRun visit(*loop, options, std::move(path));
  RETURN_IF_ERROR(visit.Begin());
  const Watch watch = loop->Add(signals.fd(), Interest::kRead, [&](Ready) {
    while (const int signal = signals.Next()) visit.OnSignal(signal);
  });
  while (!visit.finished()) RETURN_IF_ERROR(loop->RunOnce());
  return visit.End();
}

}  // namespace deptyr
