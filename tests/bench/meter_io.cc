#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/bench/meter.h"

namespace bench {

void Die(const std::string& what) {
  std::perror(("meter: " + what).c_str());
  std::exit(111);
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int Connect(const std::string& path, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) Die("too long: " + path);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const Clock::time_point start = Clock::now();
  for (;;) {
    const int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0) Die("socket");
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == 0) {
      return fd;
    }
    if (SecondsSince(start) > 20) Die(path);
    (void)::close(fd);
    (void)::poll(nullptr, 0, 1);
  }
}

void WriteAll(int fd, const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) Die("write");
    done += static_cast<size_t>(count);
  }
}

std::optional<std::string> ReadLine(int fd) {
  std::string line;
  for (char byte = 0;;) {
    const ssize_t count = ::read(fd, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    if (byte == '\n') return line;
    line += byte;
  }
}

Words Split(const std::string& text, char separator) {
  Words words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

uint64_t CpuTime(const std::vector<pid_t>& pids) {
  uint64_t sum = 0;
  for (const pid_t pid : pids) {
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator(
             "/proc/" + std::to_string(pid) + "/task", gone)) {
      uint64_t nanoseconds = 0;
      std::ifstream(task.path() / "schedstat") >> nanoseconds;
      sum += nanoseconds;
    }
  }
  return sum;
}

uint64_t Memory(const std::vector<pid_t>& pids) {
  uint64_t sum = 0;
  for (const pid_t pid : pids) {
    std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string word; rollup >> word;) {
      uint64_t kibibytes = 0;
      if (word == "Pss:" && rollup >> kibibytes) sum += kibibytes * 1024;
    }
  }
  return sum;
}

int StartOnTerminal(const std::string& command) {
  int controller = -1;
  const winsize size{
      .ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  const pid_t pid = ::forkpty(&controller, nullptr, nullptr, &size);
  if (pid < 0) Die("forkpty");
  if (pid == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)::execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
    ::_exit(127);
  }
  (void)::fcntl(controller, F_SETFD, FD_CLOEXEC);
  return controller;
}

}  // namespace bench
