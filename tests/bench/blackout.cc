// How long those who watch see nothing when head goes.
//
//   blackout DEPTYR FLOODER [ROUNDS]
//
//   The 100 sessions have full rings.
//
//   kill -9: from the kill to the last of 100 raw clients, one for each of 100
//     sessions, receiving again, with an s6-fdholder as keeper.  Apart: until
//     the old head is gone and a new one is started, here at once, which is the
//     supervisor's part (systemd waits 100 ms, RestartSec=, s6-supervise a
//     second); and from then on
//   upgrade: the longest gap that any of the same 100 clients saw around
//     `deptyr upgrade`, less the program's own pause; and the same around
//     a pause, which is what the machine and this program make of it
//   the keeper's cost: bytes a second of a flood to one raw client, with and
//     without a keeper, in turns; the median of the ratios.  The same of a
//     keystroke's round trip to a program that sends it back
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/bench/process.h"

namespace {

using bench::Clock;

constexpr int kSessions = 100;
constexpr int kTickMicroseconds = 5'000;
constexpr double kAtRest = 5'000;      // microseconds without output
constexpr size_t kFilled = 1'200'000;  // more than a ring has

int TryToConnect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof address) == 0) {
    return fd;
  }
  (void)::close(fd);
  return -1;
}

// The sessions' program fills its ring, and then prints something again and
// again.
[[noreturn]] void Tick() {
  const std::string line = std::string(78, 'x') + "\n";
  for (size_t wrote = 0; wrote < kFilled; wrote += line.size()) {
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::exit(1);
  }
  for (;;) {
    if (::write(STDOUT_FILENO, ".", 1) != 1) std::exit(1);
    const timespec pause{0, kTickMicroseconds * 1'000L};
    (void)::nanosleep(&pause, nullptr);
  }
}

// A client of one session, which comes back as soon as it can.
struct Watcher {
  std::string path;
  int fd = -1;
  bool received = false;  // since it was asked last
  Clock::time_point last = {};
  double longest = 0;  // gap, in microseconds
};

class Watchers {
 public:
  explicit Watchers(const std::string& folder) {
    for (int i = 0; i < kSessions; ++i) {
      watchers_.emplace_back().path =
          folder + "/s" + std::to_string(i) + ".raw";
    }
  }
  // Waits until all have received something from now on.
  void Await() {
    for (Watcher& watcher : watchers_) watcher.received = false;
    while (!std::all_of(watchers_.begin(), watchers_.end(),
                        [](const Watcher& w) { return w.received; })) {
      Turn();
    }
  }
  void Turn() {
    std::vector<pollfd> polled;
    for (Watcher& watcher : watchers_) {
      if (watcher.fd < 0) watcher.fd = TryToConnect(watcher.path);
      polled.push_back({watcher.fd, POLLIN, 0});
    }
    (void)::poll(polled.data(), polled.size(), 1);
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) Read(watchers_[i]);
    }
  }
  void ForgetGaps() {
    for (Watcher& watcher : watchers_) watcher.longest = 0;
  }
  double LongestGap() const {
    double longest = 0;
    for (const Watcher& watcher : watchers_) {
      longest = std::max(longest, watcher.longest);
    }
    return longest;
  }

 private:
  static void Read(Watcher& watcher) {
    char room[4096];
    if (::read(watcher.fd, room, sizeof room) <= 0) {
      (void)::close(watcher.fd);
      watcher.fd = -1;
      return;
    }
    if (watcher.received) {
      watcher.longest = std::max(watcher.longest, bench::Since(watcher.last));
    }
    watcher.received = true;
    watcher.last = Clock::now();
  }

  std::vector<Watcher> watchers_;
};

void Write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

// Starts a program that says on descriptor `ready` that it is ready.
pid_t SpawnReady(const std::vector<std::string>& words, int ready) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) bench::Die("pipe");
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  const pid_t pid = ::fork();
  if (pid == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)::dup2(null, STDERR_FILENO);
    (void)::dup2(pipe[1], ready);
    std::vector<char*> argv;
    for (const std::string& word : words) {
      argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    (void)::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  (void)::close(null);
  (void)::close(pipe[1]);
  char byte = 0;
  if (::read(pipe[0], &byte, 1) != 1) bench::Die(words[0].c_str());
  (void)::close(pipe[0]);
  return pid;
}

void End(pid_t pid, int signal = SIGKILL) {
  (void)::kill(pid, signal);
  (void)::waitpid(pid, nullptr, 0);
}

class FdHolder {
 public:
  FdHolder() {
    for (const char* rule : {"S6_FDHOLDER_LIST", "S6_FDHOLDER_STORE_REGEX",
                             "S6_FDHOLDER_RETRIEVE_REGEX"}) {
      Write(folder_ / "rules/uid/self/env" + ("/" + std::string(rule)), "^d");
    }
    Write(folder_ / "rules/uid/self/allow", "");
    pid_ = SpawnReady({"s6-fdholder-daemon", "-1", "-n", "4000", "-i",
                       folder_ / "rules", path()},
                      STDOUT_FILENO);
  }
  FdHolder(const FdHolder&) = delete;
  FdHolder& operator=(const FdHolder&) = delete;
  ~FdHolder() { End(pid_, SIGTERM); }
  std::string path() const { return folder_ / "socket"; }

 private:
  const deptyr::TempDir folder_;
  pid_t pid_;
};

// Returns the longest time a client received nothing while a command ran,
// beyond the program's own pause.
double GapAround(const std::vector<std::string>& command, Watchers& watchers) {
  watchers.Await();
  watchers.ForgetGaps();
  const pid_t pid = bench::Spawn(command, -1);
  while (::waitpid(pid, nullptr, WNOHANG) == 0) watchers.Turn();
  watchers.Await();
  return watchers.LongestGap() - kTickMicroseconds;
}

void Print(const char* what, const std::vector<double>& gaps) {
  std::printf("%s, %d sessions: median %.1f ms, longest %.1f ms\n", what,
              kSessions, bench::Median(gaps) / 1000,
              *std::max_element(gaps.begin(), gaps.end()) / 1000);
}

void MeasureBlackout(const std::string& self, const std::string& deptyr,
                     int rounds) {
  const FdHolder holder;
  const deptyr::TempDir folder;
  const std::vector<std::string> command = {
      deptyr,    "head",         "--headless",          "--ready-fd",
      "9",       "--keeper",     "s6:" + holder.path(), "--attach-shows",
      "nothing", "--client-dir", folder.path(),         folder / "head.sock"};
  pid_t head = SpawnReady(command, 9);
  std::vector<pid_t> bodies;
  for (int i = 0; i < kSessions; ++i) {
    bodies.push_back(
        bench::Spawn({deptyr, "body", "--name", "s" + std::to_string(i),
                      folder / "head.sock", "--", self, "tick"},
                     -1));
  }
  Watchers watchers(folder.path());
  watchers.Await();
  std::vector<double> starts;
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const Clock::time_point killed = Clock::now();
    End(head);
    starts.push_back(bench::Since(killed));
    const Clock::time_point started = Clock::now();
    head = SpawnReady(command, 9);
    const double ready = bench::Since(started);
    watchers.Await();
    times.push_back(bench::Since(started));
    std::printf(
        "kill -9: started again after %.0f ms; from then on, ready after %.0f "
        "ms, all receive after %.0f ms\n",
        starts.back() / 1000, ready / 1000, times.back() / 1000);
  }
  std::printf(
      "kill -9, %d sessions: median %.0f ms, after the %.0f ms until head was "
      "started again\n",
      kSessions, bench::Median(times) / 1000, bench::Median(starts) / 1000);
  // After a start, head looks through the rings in its idle time.
  while (GapAround({"/bin/sleep", "0.5"}, watchers) > kAtRest) {
  }
  std::vector<double> upgrades;
  std::vector<double> others;
  for (int i = 0; i < rounds; ++i) {
    others.push_back(GapAround({"/bin/sleep", "0.05"}, watchers));
    upgrades.push_back(
        GapAround({deptyr, "upgrade", folder / "head.sock"}, watchers));
  }
  Print("upgrade", upgrades);
  Print("no upgrade", others);
  for (const pid_t body : bodies) End(body);
  End(head, SIGTERM);
}

// Returns the flooder's bytes per microsecond.
double Throughput(const std::string& deptyr, const std::string& flooder,
                  const std::string& keeper) {
  constexpr size_t kBytes = 64 << 20;
  const bench::Server head(
      deptyr, "head",
      {"--headless", "--keeper", keeper, "--raw", "/@/raw", "/@/head.sock"});
  const pid_t body =
      bench::Spawn({deptyr, "body", head.Path("head.sock"), "--", flooder}, -1);
  const int fd = TryToConnect(head.Path("raw"));
  static char room[1 << 20];
  if (::read(fd, room, sizeof room) <= 0) bench::Die("no output");
  const Clock::time_point start = Clock::now();
  size_t got = 0;
  while (got < kBytes) {
    const ssize_t count = ::read(fd, room, sizeof room);
    if (count <= 0) bench::Die("the flood ended early");
    got += static_cast<size_t>(count);
  }
  const double rate = static_cast<double>(got) / bench::Since(start);
  (void)::close(fd);
  End(body);
  return rate;
}

// A program that echoes, and a raw client of it.
class Echo {
 public:
  Echo(const std::string& deptyr, const std::string& keeper)
      : head_(deptyr, "head",
              {"--headless", "--keeper", keeper, "--raw", "/@/raw",
               "/@/head.sock"}),
        body_(bench::Spawn(
            {deptyr, "body", head_.Path("head.sock"), "--", "/bin/sh", "-c",
             "stty raw -echo; printf R; exec cat"},
            -1)),
        fd_(TryToConnect(head_.Path("raw"))) {
    char byte = 0;
    while (byte != 'R') {
      if (::read(fd_, &byte, 1) != 1) bench::Die("no echo");
    }
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  ~Echo() {
    (void)::close(fd_);
    End(body_);
  }
  double RoundTrip() const {
    char byte = 'x';
    const Clock::time_point start = Clock::now();
    if (::write(fd_, &byte, 1) != 1 || ::read(fd_, &byte, 1) != 1) {
      bench::Die("no echo");
    }
    return bench::Since(start);
  }

 private:
  const bench::Server head_;
  const pid_t body_;
  const int fd_;
};

void MeasureKeys(const std::string& deptyr, int rounds) {
  constexpr int kKeys = 1'000;
  const FdHolder holder;
  const Echo kept(deptyr, "s6:" + holder.path());
  const Echo not_kept(deptyr, "none");
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    std::vector<double> with;
    std::vector<double> without;
    for (int key = 0; key < kKeys; ++key) {
      with.push_back(kept.RoundTrip());
      without.push_back(not_kept.RoundTrip());
    }
    ratios.push_back(bench::Median(with) / bench::Median(without));
    std::printf("a keystroke: %.1f us kept, %.1f not\n", bench::Median(with),
                bench::Median(without));
  }
  std::printf("a keystroke with a keeper, of the time without: median %.2f\n",
              bench::Median(ratios));
}

void MeasureCost(const std::string& deptyr, const std::string& flooder,
                 int rounds) {
  const FdHolder holder;
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    const double with = Throughput(deptyr, flooder, "s6:" + holder.path());
    const double without = Throughput(deptyr, flooder, "none");
    ratios.push_back(with / without);
    std::printf("text to one raw client: %.0f MB/s kept, %.0f not\n", with,
                without);
  }
  std::printf("with a keeper, of the speed without: median %.2f\n",
              bench::Median(ratios));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "tick") Tick();
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s DEPTYR FLOODER [ROUNDS]\n", argv[0]);
    return 100;
  }
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 7;
  MeasureBlackout(std::filesystem::canonical("/proc/self/exe"), argv[1],
                  rounds);
  MeasureCost(argv[1], argv[2], rounds);
  MeasureKeys(argv[1], rounds);
  return 0;
}
