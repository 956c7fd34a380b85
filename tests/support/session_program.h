// A program on a PTY of its own, run in a session, and its supervisor.
//
//   SessionProgram cat(loop, {"cat"});
//   session.Start(cat.Registration());
//   ASSERT_TRUE(RunUntil(loop, [&] { return !session.running(); }));
//   EXPECT_EQ(cat.status(), ExitStatus{.code = 0});
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"

#include "lib/session/session.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/pty.h"
#include "tests/support/program.h"

namespace deptyr {

class SessionProgram {
 public:
  // Runs `argv`; its terminal passes output on as it is (stty -opost).
  SessionProgram(EventLoop& loop, const std::vector<std::string>& argv,
                 WindowSize size = {});
  // Calls `main` on the terminal, in a child; of our descriptors it has `keep`.
  SessionProgram(EventLoop& loop, absl::FunctionRef<int()> main,
                 const std::vector<int>& keep = {}, WindowSize size = {});
  SessionProgram(const SessionProgram&) = delete;
  SessionProgram& operator=(const SessionProgram&) = delete;

  // The first argument of Session::Start(); call it once.
  Incarnation Registration();

  pid_t pid() const { return process_.pid(); }
  const Program& process() const { return process_; }
  // How it ended, once the supervisor has reaped it.
  const std::optional<ExitStatus>& status() const { return status_; }
  // Makes its supervisor reap nothing from now on.
  void LeaveZombie() { reaper_.Reset(); }

 private:
  Pty pty_;
  WindowSize size_;
  Program process_;
  std::optional<ExitStatus> status_;
  Watch reaper_;
};

}  // namespace deptyr
