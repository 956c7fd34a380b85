#include "lib/sys/signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include <gtest/gtest.h>

#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

constexpr ExitStatus kFine{.code = 0};

// Runs in a child, so that nothing stays blocked here.
void ExpectInChild(absl::FunctionRef<int()> main) {
  EXPECT_EQ(Program::Fork(main).Wait(), kFine);
}

bool IsReadable(const Signals& signals) {
  pollfd question{signals.fd(), POLLIN, 0};
  return ::poll(&question, 1, 0) == 1;
}

TEST(SignalsTest, ArriveAsInputOfADescriptor) {
  ExpectInChild([] {
    Signals signals = Value(Signals::Block({SIGTERM, SIGHUP}));
    if (IsReadable(signals) || signals.Next() != 0) return 1;
    (void)::raise(SIGTERM);
    (void)::raise(SIGHUP);
    if (!IsReadable(signals)) return 2;
    const int first = signals.Next();
    const int second = signals.Next();
    if (first + second != SIGTERM + SIGHUP || first == second) return 3;
    return signals.Next() == 0 && !IsReadable(signals) ? 0 : 4;
  });
}

TEST(SignalsTest, OthersDoWhatTheyDid) {
  Program child = Program::Fork([] {
    const Signals signals = Value(Signals::Block({SIGTERM}));
    (void)::raise(SIGUSR1);
    return 0;
  });
  EXPECT_EQ(child.Wait(), ExitStatus{.signal = SIGUSR1});
}

// A shell starts background jobs with SIGINT ignored.
TEST(SignalsTest, ArriveEvenIfTheyWereIgnored) {
  ExpectInChild([] {
    (void)::signal(SIGINT, SIG_IGN);
    Signals signals = Value(Signals::Block({SIGINT}));
    (void)::raise(SIGINT);
    return signals.Next() == SIGINT ? 0 : 1;
  });
}

TEST(SignalsTest, WhatATerminalSendsCanBeRestored) {
  ExpectInChild([] {
    for (int signal = 1; signal < NSIG; ++signal) {
      (void)::signal(signal, SIG_IGN);
    }
    RestoreTerminalSignals();
    for (const int signal : {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU}) {
      if (::signal(signal, SIG_IGN) != SIG_DFL) return signal;
    }
    for (const int signal : {SIGHUP, SIGTERM, SIGPIPE, SIGWINCH, SIGCHLD}) {
      if (::signal(signal, SIG_IGN) != SIG_IGN) return signal;
    }
    return 0;
  });
}

TEST(SignalsTest, SigpipeIsIgnored) {
  ExpectInChild([] {
    (void)::signal(SIGPIPE, SIG_DFL);
    const Signals signals = Value(Signals::Block({SIGTERM}));
    Pipe pipe;
    pipe.read_end.Reset();
    return ::write(pipe.write_end.get(), "x", 1) < 0 ? 0 : 1;
  });
}

TEST(SignalsTest, TheDescriptorIsCloseOnExecAndNeverBlocks) {
  ExpectInChild([] {
    const Signals signals = Value(Signals::Block({SIGTERM}));
    return ::fcntl(signals.fd(), F_GETFD) == FD_CLOEXEC &&
                   (::fcntl(signals.fd(), F_GETFL) & O_NONBLOCK) != 0
               ? 0
               : 1;
  });
}

// If it were inherited as ignored, the kernel would reap our children before we
// ask.
TEST(SignalsTest, SigchldIsNotIgnored) {
  ExpectInChild([] {
    (void)::signal(SIGCHLD, SIG_IGN);
    const Signals signals = Value(Signals::Block({SIGTERM}));
    Program child = Program::Fork([] { return 3; });
    return child.Wait() == ExitStatus{.code = 3} ? 0 : 1;
  });
}

}  // namespace
}  // namespace deptyr
