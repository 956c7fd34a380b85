// report NAME: a program that tells, for a test, what it was given.
//
// /run/test/NAME gets lines "key value": first what the terminal is about,
// then, with "as-found" in front, what a body must leave alone.  From then on
// every signal that comes adds its name to /run/test/NAME.signals; SIGTERM ends
// it with 0.

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace {

int signals_fd = -1;

void OnSignal(int signal) {
  const char* name = ::sigabbrev_np(signal);
  size_t length = 0;
  while (name[length] != '\0') ++length;
  (void)!::write(signals_fd, name, length);
  (void)!::write(signals_fd, "\n", 1);
  if (signal == SIGTERM) ::_exit(0);
}

std::string LinkOf(int fd) {
  std::error_code ignored;
  return std::filesystem::read_symlink(absl::StrCat("/proc/self/fd/", fd),
                                       ignored)
      .string();
}

std::string AccessOf(int fd) {
  switch (::fcntl(fd, F_GETFL) & O_ACCMODE) {
    case O_RDWR:
      return "read-write";
    case O_RDONLY:
      return "read-only";
    default:
      return "write-only";
  }
}

// Reports signal mask and dispositions, as the kernel has them.
void ReportStatus(std::ostream& out) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (absl::StartsWith(line, "SigBlk:") ||
        absl::StartsWith(line, "SigIgn:") ||
        absl::StartsWith(line, "SigCgt:")) {
      out << "as-found " << line << "\n";
    }
  }
}

void ReportDescriptors(std::ostream& out) {
  std::vector<int> fds;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    fds.push_back(std::atoi(entry.path().filename().c_str()));
  }
  std::sort(fds.begin(), fds.end());
  for (const int fd : fds) {
    const std::string link = LinkOf(fd);
    // The last is the folder just read, and gone.
    if (fd <= STDERR_FILENO || link.empty()) continue;
    out << "as-found fd " << fd << " " << link << " " << AccessOf(fd)
        << ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? " close-on-exec" : "")
        << "\n";
  }
}

void ReportLimits(std::ostream& out) {
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS);
       ++resource) {
    rlimit limit{};
    (void)::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
    out << "as-found limit " << resource << " " << limit.rlim_cur << " "
        << limit.rlim_max << "\n";
  }
  out << "as-found nice " << ::getpriority(PRIO_PROCESS, 0) << "\n";
}

void ReportEnvironment(std::ostream& out) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  std::sort(variables.begin(), variables.end());
  for (const std::string& variable : variables) {
    out << "as-found env " << variable << "\n";
  }
}

void ReportTerminal(std::ostream& out) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    out << "fd" << fd << " " << LinkOf(fd) << " " << AccessOf(fd) << "\n";
  }
  out << "terminal "
      << (::tcgetsid(STDIN_FILENO) == ::getpid() ? "controls us"
                                                 : "is not ours")
      << "\n"
      << "foreground "
      << (::tcgetpgrp(STDIN_FILENO) == ::getpgrp() ? "yes" : "no") << "\n"
      << "session-leader " << (::getsid(0) == ::getpid() ? "yes" : "no")
      << "\n";
  const char* listen_pid = std::getenv("LISTEN_PID");
  out << "listen-pid "
      << (listen_pid == nullptr                 ? "none"
          : std::atoi(listen_pid) == ::getpid() ? "ours"
                                                : "another's")
      << "\n";
}

void Report(std::ostream& out) {
  const mode_t mask = ::umask(0);
  (void)::umask(mask);
  std::error_code ignored;
  out << "pid " << ::getpid() << "\n"
      << "uid " << ::getuid() << "\n";
  ReportTerminal(out);
  out << "as-found umask " << mask << "\n"
      << "as-found cwd " << std::filesystem::current_path(ignored).string()
      << "\n";
  ReportStatus(out);
  ReportDescriptors(out);
  ReportLimits(out);
  ReportEnvironment(out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 100;
  const std::string path = absl::StrCat("/run/test/", argv[1]);
  // Look before opening anything.
  std::ostringstream report;
  Report(report);
  std::ofstream(path + ".new") << report.str();
  signals_fd = ::open((path + ".signals").c_str(),
                      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
                           SIGALRM, SIGCONT, SIGWINCH}) {
    (void)::sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  // The name comes last, so that anybody who sees the report may send signals.
  (void)std::rename((path + ".new").c_str(), path.c_str());
  for (;;) (void)::pause();
}
