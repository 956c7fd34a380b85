// A program for tests of body: it reports what it was given, or behaves as one
// sentence says.  It is static, so that it runs in an empty chroot.
//
//   actor report FILE     writes what it was given, waits for its input's end
//   actor sizes           prints its terminal's size, and again when it changes
//   actor keys N          raw; prints the next N bytes it reads in hexadecimal
//   actor reads N         raw; prints the next N bytes in hexadecimal, those of
//                         each read(2) in brackets; it is slow to read
//   actor asks FILE WORD  raw; asks the terminal a question for all that can be
//                         asked; FILE has the answers, then WORD is printed
//   actor flood N FILE    prints N numbered lines, makes FILE, waits for input
//   actor leftover FILE   leaves a child that holds the terminal, and exits;
//                         the child's pid is in FILE
//   actor privileged      as a set-user-ID program: is its owner altogether;
//                         says which signals come, and sends back what is typed

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kMostFds = 1024;
constexpr int kSignals = 64;

// Anybody who sees the file sees all of it.
class ReportFile {
 public:
  explicit ReportFile(std::string path)
      : path_(std::move(path)), file_(std::fopen(Unfinished().c_str(), "we")) {
    if (file_ == nullptr) std::perror(path_.c_str());
  }
  ~ReportFile() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    (void)std::rename(Unfinished().c_str(), path_.c_str());
  }
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;

  int fd() const { return file_ == nullptr ? -1 : ::fileno(file_); }
  std::FILE* get() const { return file_ == nullptr ? stderr : file_; }

 private:
  std::string Unfinished() const { return path_ + ".unfinished"; }
  const std::string path_;
  std::FILE* const file_;
};

void ReportFds(const ReportFile& report) {
  for (int fd = 0; fd < kMostFds; ++fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || fd == report.fd()) continue;
    struct stat file {};
    (void)::fstat(fd, &file);
    constexpr std::array<const char*, 4> kAccess = {"ro", "wo", "rw", "??"};
    std::fprintf(report.get(), "fd %d %lx:%lx %s%s%s%s%s\n", fd, file.st_dev,
                 file.st_ino, kAccess[flags & O_ACCMODE],
                 (flags & O_NONBLOCK) != 0 ? " nonblock" : "",
                 (flags & O_APPEND) != 0 ? " append" : "",
                 (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? " cloexec" : "",
                 ::isatty(fd) == 1 ? " tty" : "");
  }
}

void ReportSignals(std::FILE* out) {
  sigset_t mask;
  ::sigprocmask(SIG_SETMASK, nullptr, &mask);
  std::fputs("blocked", out);
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (::sigismember(&mask, signal) == 1) std::fprintf(out, " %d", signal);
  }
  std::fputs("\nignored", out);
  for (int signal = 1; signal <= kSignals; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 &&
        action.sa_handler == SIG_IGN) {
      std::fprintf(out, " %d", signal);
    }
  }
  sigset_t pending;
  ::sigpending(&pending);
  std::fputs("\npending", out);
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (::sigismember(&pending, signal) == 1) std::fprintf(out, " %d", signal);
  }
  std::fputs("\n", out);
}

void ReportTerminal(std::FILE* out) {
  std::fprintf(out, "foreground %d\n", ::tcgetpgrp(0));
  std::fprintf(out, "terminal-session %d\n", ::tcgetsid(0));
  winsize size{};
  if (::ioctl(0, TIOCGWINSZ, &size) == 0) {
    std::fprintf(out, "size %dx%d\n", size.ws_row, size.ws_col);
  }
  const int tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  std::fprintf(out, "dev-tty %s\n",
               tty >= 0 && ::tcgetpgrp(tty) == ::getpgrp() ? "works" : "fails");
  if (tty >= 0) ::close(tty);
}

void ReportProcess(std::FILE* out) {
  std::fprintf(out, "pid %d\n", ::getpid());
  std::fprintf(out, "parent %d\n", ::getppid());
  std::fprintf(out, "group %d\n", ::getpgrp());
  std::fprintf(out, "session %d\n", ::getsid(0));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  std::fprintf(out, "umask %03o\n", mask);
  std::array<char, 4096> folder{};
  std::fprintf(
      out, "folder %s\n",
      ::getcwd(folder.data(), folder.size()) == nullptr ? "?" : folder.data());
  std::fprintf(out, "nice %d\n", ::getpriority(PRIO_PROCESS, 0));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  std::fprintf(out, "nofile %lu %lu\n", limit.rlim_cur, limit.rlim_max);
  std::fprintf(out, "dumpable %d\n", ::prctl(PR_GET_DUMPABLE));
}

void WaitForInputsEnd() {
  std::array<char, 256> room;
  while (::read(0, room.data(), room.size()) > 0) {
  }
}

int Report(const char* path) {
  {
    const ReportFile report(path);
    ReportProcess(report.get());
    ReportSignals(report.get());
    ReportTerminal(report.get());
    ReportFds(report);
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      variables.emplace_back(*variable);
    }
    std::sort(variables.begin(), variables.end());
    for (const std::string& variable : variables) {
      std::fprintf(report.get(), "env %s\n", variable.c_str());
    }
  }
  WaitForInputsEnd();
  return 0;
}

int Sizes() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGWINCH);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  for (;;) {
    winsize size{};
    if (::ioctl(0, TIOCGWINSZ, &size) != 0) return 1;
    std::printf("size %dx%d\n", size.ws_row, size.ws_col);
    std::fflush(stdout);
    int signal = 0;
    ::sigwait(&set, &signal);
  }
}

void MakeRaw() {
  termios settings{};
  ::tcgetattr(0, &settings);
  ::cfmakeraw(&settings);
  ::tcsetattr(0, TCSANOW, &settings);
}

int Keys(int count) {
  MakeRaw();
  std::printf("keys:");
  std::fflush(stdout);
  for (int i = 0; i < count; ++i) {
    unsigned char key = 0;
    if (::read(0, &key, 1) != 1) return 1;
    std::printf(" %02x", key);
    std::fflush(stdout);
  }
  std::printf(" done\r\n");
  std::fflush(stdout);
  WaitForInputsEnd();
  return 0;
}

// Bytes that come while it is slow are read together.
int Reads(int count) {
  constexpr useconds_t kSlowness = 40'000;
  MakeRaw();
  std::printf("reads:");
  std::fflush(stdout);
  while (count > 0) {
    std::array<unsigned char, 256> room;
    ::usleep(kSlowness);
    const ssize_t got = ::read(0, room.data(), room.size());
    if (got <= 0) return 1;
    std::printf(" [");
    for (ssize_t i = 0; i < got; ++i) {
      std::printf("%s%02x", i == 0 ? "" : " ", room[static_cast<size_t>(i)]);
    }
    std::printf("]");
    std::fflush(stdout);
    count -= static_cast<int>(got);
  }
  std::printf(" done\r\n");
  std::fflush(stdout);
  WaitForInputsEnd();
  return 0;
}

// Every terminal answers the last question.
constexpr char kQuestions[] =
    "\x1bP$qm\x1b\\\x1bP$qr\x1b\\\x1bP$qs\x1b\\"
    "\x1bP$q q\x1b\\\x1bP$q\"q\x1b\\\x1b[2$w"
    "\x1b]4;1;?\x1b\\\x1b]10;?\x1b\\\x1b]11;?\x1b\\\x1b]12;?\x1b\\"
    "\x1b[21t\x1b[?1m\x1b[?2m\x1b[?4m\x1b[?u\x1b[c";
constexpr int kAskedModes[] = {1,    4,    5,    6,    7,    8,    9,
                               25,   45,   69,   80,   1000, 1002, 1003,
                               1004, 1006, 1007, 1015, 1049, 2004, 2026,
                               2027, 2031, 2048, 8452};

int Asks(const char* path, const char* word) {
  MakeRaw();
  std::printf("\x1b[4$p\x1b[20$p");
  for (const int mode : kAskedModes) std::printf("\x1b[?%d$p", mode);
  std::printf("%s", kQuestions);
  std::fflush(stdout);
  {
    const ReportFile report(path);
    unsigned char c = 0;
    for (std::string csi; ::read(0, &c, 1) == 1;) {
      std::fputc(c, report.get());
      csi = c == 0x1b ? "" : csi + static_cast<char>(c);
      if (c == 'c' && csi.compare(0, 2, "[?") == 0) break;
    }
  }
  std::printf("\r\n%s\r\n", word);
  std::fflush(stdout);
  return 0;
}

int Flood(int lines, const char* path) {
  for (int i = 1; i <= lines; ++i) {
    std::printf("line %d of the flood, which is %d lines\n", i, lines);
  }
  std::fflush(stdout);
  { const ReportFile done(path); }
  std::printf("the flood is over\n");
  std::fflush(stdout);
  WaitForInputsEnd();
  return 0;
}

int Leftover(const char* path) {
  ::signal(SIGHUP, SIG_IGN);
  const pid_t child = ::fork();
  if (child == 0) {
    // Ends even if the test is killed.
    ::alarm(120);
    for (;;) ::pause();
  }
  const ReportFile report(path);
  std::fprintf(report.get(), "%d\n", child);
  return 0;
}

volatile sig_atomic_t caught = 0;

int Privileged() {
  if (::setresuid(::geteuid(), ::geteuid(), ::geteuid()) != 0) return 1;
  struct sigaction action {};
  action.sa_handler = [](int signal) { caught = signal; };
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1}) {
    (void)::sigaction(signal, &action, nullptr);
  }
  std::printf("uid %d\n", ::getuid());
  std::fflush(stdout);
  std::array<char, 256> room;
  for (;;) {
    const ssize_t count = ::read(0, room.data(), room.size());
    if (count == 0) return 0;
    if (count > 0) (void)!::write(1, room.data(), static_cast<size_t>(count));
    if (caught != 0) std::printf("signal %d\n", static_cast<int>(caught));
    caught = 0;
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "report" && argc == 3) return Report(argv[2]);
  if (role == "sizes") return Sizes();
  if (role == "keys" && argc == 3) return Keys(std::atoi(argv[2]));
  if (role == "reads" && argc == 3) return Reads(std::atoi(argv[2]));
  if (role == "asks" && argc == 4) return Asks(argv[2], argv[3]);
  if (role == "flood" && argc == 4) return Flood(std::atoi(argv[2]), argv[3]);
  if (role == "leftover" && argc == 3) return Leftover(argv[2]);
  if (role == "privileged") return Privileged();
  std::fputs("actor: see tests/e2e/actor.cc\n", stderr);
  return 100;
}
