// The smoke test in a guest (tests/kernels/smoke) needs this beside busybox and
// deptyr.  It is static.
//
//   guest raw SOCKET TEXT WANTED     connects, sends TEXT, and reads until
//                                    WANTED came, or, if that is empty, to the
//                                    end
//   guest uwsgi SOCKET TEXT WANTED   the same in uwsgi packets, as a terminal
//                                    of 40 rows and 100 columns
//   guest takeover SOCKET            registers with the number of a process
//   that
//                                    has gone, and now is another user's;
//                                    prints what head answers

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/sys/fd_passing.h"
#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/messages.h"
#include "tests/support/frames.h"

namespace deptyr {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

int Talk(const std::string& path, const std::string& text,
         const std::string& wanted) {
  const auto socket = Connect(path, kPatience);
  if (!socket.ok() || !SetTimeouts(socket->get(), kPatience).ok() ||
      ::write(socket->get(), text.data(), text.size()) < 0) {
    std::printf("no connection to %s\n", path.c_str());
    return 1;
  }
  std::string said;
  std::array<char, 4096> room;
  while (wanted.empty() || !absl::StrContains(said, wanted)) {
    const ssize_t count = ::read(socket->get(), room.data(), room.size());
    if (count <= 0) break;
    said.append(room.data(), static_cast<size_t>(count));
  }
  std::printf("%s\n", said.c_str());
  return absl::StrContains(said, wanted) ? 0 : 1;
}

void Become(uid_t uid) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 ||
      ::setresuid(uid, uid, uid) != 0) {
    ::_exit(99);
  }
}

// Makes the kernel give our next child this pid; nobody else here starts any.
void NextPidIs(pid_t pid) {
  const Fd file(::open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
  const std::string text = absl::StrCat(pid - 1);
  (void)!::write(file.get(), text.data(), text.size());
}

// Plays a child of a process that connected and has gone: it registers once
// `go` is at its end, with the connection that it inherited.
[[noreturn]] void RegisterLater(int socket, int go) {
  char byte = 0;
  (void)!::read(go, &byte, 1);
  const auto pty = OpenPty({.rows = 24, .cols = 80});
  if (!pty.ok()) ::_exit(98);
  (void)SendWithFd(
      socket, Encode(Register{.name = "stolen", .term = "", .argv = {"sh"}}),
      pty->controller.get());
  std::array<char, 4096> room;
  const ssize_t count = ::read(socket, room.data(), room.size());
  absl::string_view bytes(room.data(),
                          static_cast<size_t>(count > 0 ? count : 0));
  const auto answer = TakeMessage(bytes);
  if (!answer.ok() || !answer->has_value()) ::_exit(97);
  if (const auto* refused = std::get_if<Refused>(&**answer)) {
    std::printf("refused: %s: %s\n", refused->code.c_str(),
                refused->text.c_str());
    std::fflush(stdout);
    ::_exit(0);
  }
  std::puts("head took another user's process for it");
  std::fflush(stdout);
  ::_exit(1);
}

int TakeOver(const std::string& path) {
  constexpr uid_t kThief = 1001;
  constexpr int kTimes = 100;
  std::array<int, 2> go;
  // Orphans become our children.
  if (::pipe(go.data()) != 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return 2;
  }
  const pid_t connects = ::fork();
  if (connects == 0) {
    (void)::close(go[1]);
    Become(kThief);
    const auto socket = Connect(path, kPatience);
    if (!socket.ok()) ::_exit(96);
    if (::fork() == 0) RegisterLater(socket->get(), go[0]);
    ::_exit(0);
  }
  (void)::close(go[0]);
  (void)::waitpid(connects, nullptr, 0);
  pid_t victim = -1;
  for (int i = 0; i < kTimes && victim != connects; ++i) {
    NextPidIs(connects);
    victim = ::fork();
    if (victim == 0) {
      (void)::close(go[1]);
      for (;;) (void)::pause();
    }
    if (victim == connects) break;
    (void)::kill(victim, SIGKILL);
    (void)::waitpid(victim, nullptr, 0);
  }
  if (victim != connects) {
    std::puts("the number could not be had again");
    return 2;
  }
  (void)::close(go[1]);
  int status = 0;
  (void)::waitpid(-1, &status, 0);  // the victim doesn't end
  (void)::kill(victim, SIGKILL);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

}  // namespace
}  // namespace deptyr

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && words[0] == "raw") {
    return deptyr::Talk(words[1], words[2], words[3]);
  }
  if (words.size() == 4 && words[0] == "uwsgi") {
    return deptyr::Talk(
        words[1], deptyr::SizeFrames(40, 100) + deptyr::KeysFrame(words[2]),
        words[3]);
  }
  if (words.size() == 2 && words[0] == "takeover") {
    return deptyr::TakeOver(words[1]);
  }
  std::fputs(
      "usage: guest raw|uwsgi SOCKET TEXT WANTED\n"
      "       guest takeover SOCKET\n",
      stderr);
  return 100;
}
