#include "lib/sys/inherited_fds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "lib/sys/unix_socket.h"
#include "tests/support/bound_socket.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

constexpr ExitStatus kFine{.code = 0};

bool IsCloseOnExec(int fd) {
  return ::fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

class InheritedFdsTest : public testing::Test {
 protected:
  InheritedFdsTest() : listener_(BindAndListen(path_)) {}

  // Runs `check` in a child with the socket on fd 3 and a pipe on fd 4, and
  // these variables.  LISTEN_PID=self becomes the child's pid.
  ExitStatus InChild(std::vector<std::string> env,
                     absl::FunctionRef<int()> check) {
    const bool self = std::erase(env, "LISTEN_PID=self") > 0;
    const auto end =
        Program::Fork(
            [&] {
              if (self) {
                (void)::setenv("LISTEN_PID", absl::StrCat(::getpid()).c_str(),
                               1);
              }
              return check();
            },
            {.fds = {{listener_.get(), 3}, {pipe_.read_end.get(), 4}},
             .env = std::move(env)})
            .Wait();
    return end.value_or(ExitStatus{.signal = 1});
  }

  static bool EnvironmentIsClean() {
    return std::getenv("LISTEN_PID") == nullptr &&
           std::getenv("LISTEN_FDS") == nullptr &&
           std::getenv("LISTEN_FDNAMES") == nullptr;
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "head.sock";
  Fd listener_;
  Pipe pipe_;
};

TEST_F(InheritedFdsTest, AreTakenWithTheirNames) {
  EXPECT_EQ(
      InChild({"LISTEN_PID=self", "LISTEN_FDS=2", "LISTEN_FDNAMES=head:other"},
              [] {
                const std::vector<InheritedFd> got = TakeInheritedFds();
                if (got.size() != 2) return 1;
                if (got[0].fd.get() != 3 || got[0].name != "head") {
                  return 2;
                }
                if (got[1].fd.get() != 4 || got[1].name != "other") {
                  return 3;
                }
                if (!IsCloseOnExec(3) || !IsCloseOnExec(4)) return 4;
                return EnvironmentIsClean() ? 0 : 5;
              }),
      kFine);
}

TEST_F(InheritedFdsTest, NamesMayBeMissing) {
  for (const char* names : {"LISTEN_FDNAMES", "LISTEN_FDNAMES=head"}) {
    EXPECT_EQ(InChild({"LISTEN_PID=self", "LISTEN_FDS=2", names},
                      [] {
                        const std::vector<InheritedFd> got = TakeInheritedFds();
                        return got.size() == 2 && got[1].name.empty() ? 0 : 1;
                      }),
              kFine);
  }
}

TEST_F(InheritedFdsTest, ThoseOfAnotherProcessAreNotOurs) {
  for (const std::vector<std::string>& env :
       std::vector<std::vector<std::string>>{
           {"LISTEN_PID=1", "LISTEN_FDS=2"},
           {"LISTEN_PID=x", "LISTEN_FDS=2"},
           {"LISTEN_PID", "LISTEN_FDS=2"},
           {"LISTEN_PID=self", "LISTEN_FDS"},
           {"LISTEN_PID=self", "LISTEN_FDS=-1"},
           {"LISTEN_PID=self", "LISTEN_FDS=x"},
           {"LISTEN_PID=self", "LISTEN_FDS=0"}}) {
    EXPECT_EQ(InChild(env,
                      [] {
                        return TakeInheritedFds().empty() &&
                                       EnvironmentIsClean() && !IsCloseOnExec(3)
                                   ? 0
                                   : 1;
                      }),
              kFine);
  }
}

TEST_F(InheritedFdsTest, ANumberThatIsNotOpenIsSkipped) {
  EXPECT_EQ(InChild({"LISTEN_PID=self", "LISTEN_FDS=3"},
                    [] { return TakeInheritedFds().size() == 2 ? 0 : 1; }),
            kFine);
}

// s6-ipcserver-socketbinder passes one like this.
TEST_F(InheritedFdsTest, AListenerOnFd0IsTakenAndDevNullTakesItsPlace) {
  Program child = Program::Fork(
      [&] {
        const std::vector<InheritedFd> got = TakeInheritedFds();
        if (got.size() != 1 || !got[0].name.empty()) return 1;
        if (got[0].fd.get() < 3 || !IsCloseOnExec(got[0].fd.get())) return 2;
        if (ListeningPath(got[0].fd.get()) != path_) return 3;
        if (ListeningPath(STDIN_FILENO)) return 4;
        char byte = 0;
        return ::read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 5;
      },
      {.fds = {{listener_.get(), 0}}, .env = {"LISTEN_FDS"}});
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(InheritedFdsTest, AnyOtherFd0StaysWhatItIs) {
  SocketPair connected;
  for (const int fd : {connected.ours.get(), pipe_.read_end.get()}) {
    Program child = Program::Fork(
        [&] {
          struct stat before {};
          struct stat after {};
          (void)::fstat(STDIN_FILENO, &before);
          if (!TakeInheritedFds().empty()) return 1;
          (void)::fstat(STDIN_FILENO, &after);
          return before.st_ino == after.st_ino ? 0 : 2;
        },
        {.fds = {{fd, 0}}, .env = {"LISTEN_FDS"}});
    EXPECT_EQ(child.Wait(), kFine);
  }
}

}  // namespace
}  // namespace deptyr
