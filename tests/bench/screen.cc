// Measures the cost and the use of the screen's model.
//
//   screen DEPTYR FLOODER [ROUNDS]
//
//   attach to first paint: the time from connect(2) to the last byte of the
//     painting, for a full-screen program that has filled its ring of 1 MiB
//     long ago, on a small and on a large terminal
//   the cost of the model: bytes a second of a flood of text through head to
//     one raw client, against the same through a router, which keeps no screen;
//     the two take turns, what counts is the median of the ratios
//   a keystroke's round trip through each of them, to a program that sends it
//     back, in turns, too
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/window_size.h"
#include "lib/wire/messages.h"
#include "tests/bench/process.h"

namespace {

using bench::Clock;

int ConnectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) != 0) {
    bench::Die(path.c_str());
  }
  return fd;
}

// Returns the microseconds until the painting is complete.
double FirstPaint(const std::string& socket, deptyr::WindowSize size) {
  const Clock::time_point start = Clock::now();
  const int fd = ConnectTo(socket);
  const std::string attach = deptyr::Encode(deptyr::Attach{
      .rows = size.rows, .cols = size.cols, .from = deptyr::From::kScreen});
  if (::send(fd, attach.data(), attach.size(), 0) < 0) bench::Die("send");
  std::string inbox;
  for (;;) {
    char room[65536];
    const ssize_t count = ::read(fd, room, sizeof room);
    if (count <= 0) bench::Die("no paint");
    inbox.append(room, static_cast<size_t>(count));
    for (;;) {
      absl::string_view rest = inbox;
      const auto message = deptyr::TakeMessage(rest);
      if (!message.ok()) bench::Die("not a message");
      if (!message->has_value()) break;
      inbox.erase(0, inbox.size() - rest.size());
      if (std::holds_alternative<deptyr::Paint>(**message)) {
        (void)::close(fd);
        return bench::Since(start);
      }
    }
  }
}

// Returns bytes per microsecond for `most` bytes after the first ones.
double Throughput(const std::string& socket, size_t most) {
  const int fd = ConnectTo(socket);
  static char room[1 << 20];
  if (::read(fd, room, sizeof room) <= 0) bench::Die("no output");
  const Clock::time_point start = Clock::now();
  size_t got = 0;
  while (got < most) {
    const ssize_t count = ::read(fd, room, sizeof room);
    if (count <= 0) bench::Die("the flood ended early");
    got += static_cast<size_t>(count);
  }
  const double rate = static_cast<double>(got) / bench::Since(start);
  (void)::close(fd);
  return rate;
}

// The program draws until more than a ring is full, then says so and stays.
constexpr char kFullScreen[] =
    "i=0; printf '\\033[?1049h'; while [ $i -lt 700 ]; do row=1; "
    "while [ $row -le $1 ]; do printf '\\033[%d;1H\\033[3%dm%0*d' $row "
    "$((row % 8)) $(($2 - 2)) $i; row=$((row+1)); done; i=$((i+1)); done; "
    "echo full >&9; exec sleep 1000";

void MeasurePaint(const std::string& deptyr, deptyr::WindowSize size,
                  int rounds) {
  const bench::Server head(deptyr, "head", {"--headless", "/@/head.sock"});
  const std::string socket = head.Path("head.sock");
  int full[2];
  if (::pipe2(full, O_CLOEXEC) != 0) bench::Die("pipe");
  const pid_t body = bench::Spawn(
      {deptyr, "body", socket, "--size",
       absl::StrCat(size.rows, "x", size.cols), "--", "/bin/sh", "-c",
       kFullScreen, "sh", absl::StrCat(size.rows), absl::StrCat(size.cols)},
      full[1]);
  char byte = 0;
  if (::read(full[0], &byte, 1) != 1) bench::Die("the program did not draw");
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) times.push_back(FirstPaint(socket, size));
  std::printf(
      "attach to first paint, %dx%d, ring full: median %.0f us, "
      "longest %.0f us\n",
      size.cols, size.rows, bench::Median(times),
      *std::max_element(times.begin(), times.end()));
  (void)::kill(body, SIGKILL);
  (void)::waitpid(body, nullptr, 0);
}

void MeasureCost(const std::string& deptyr, const std::string& flooder,
                 int rounds) {
  constexpr size_t kBytes = 64 << 20;
  const bench::Server router(deptyr, "router",
                             {"--raw", "/@/raw", "--", flooder});
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    const bench::Server head(deptyr, "head",
                             {"--headless", "--raw", "/@/raw", "/@/head.sock"});
    const pid_t body = bench::Spawn(
        {deptyr, "body", head.Path("head.sock"), "--", flooder}, -1);
    const double with = Throughput(head.Path("raw"), kBytes);
    (void)::kill(body, SIGKILL);
    (void)::waitpid(body, nullptr, 0);
    const double without = Throughput(router.Path("raw"), kBytes);
    ratios.push_back(with / without);
    std::printf(
        "text to one raw client: %.0f MB/s with the model, %.0f "
        "without\n",
        with, without);
  }
  std::printf("with the model, of the speed without: median %.2f\n",
              bench::Median(ratios));
}

// Connects a raw client of a program that echoes, once that is ready.
int ConnectToEcho(const std::string& socket) {
  const int fd = ConnectTo(socket);
  std::string said;
  while (said.find("ready") == std::string::npos) {
    char room[256];
    const ssize_t count = ::read(fd, room, sizeof room);
    if (count <= 0) bench::Die("no echo");
    said.append(room, static_cast<size_t>(count));
  }
  return fd;
}

double RoundTrip(int fd) {
  char byte = 'x';
  const Clock::time_point start = Clock::now();
  if (::write(fd, &byte, 1) != 1 || ::read(fd, &byte, 1) != 1) {
    bench::Die("no echo");
  }
  return bench::Since(start);
}

double Percentile99(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() * 99 / 100];
}

void MeasureKeys(const std::string& deptyr, int rounds) {
  const std::vector<std::string> echo = {
      "/bin/sh", "-c", "stty raw -echo; printf ready; exec cat"};
  std::vector<std::string> routed = {"--raw", "/@/raw", "--"};
  routed.insert(routed.end(), echo.begin(), echo.end());
  const bench::Server router(deptyr, "router", routed);
  const bench::Server head(deptyr, "head",
                           {"--headless", "--raw", "/@/raw", "/@/head.sock"});
  std::vector<std::string> words = {deptyr, "body", head.Path("head.sock"),
                                    "--"};
  words.insert(words.end(), echo.begin(), echo.end());
  const pid_t body = bench::Spawn(words, -1);
  const int with = ConnectToEcho(head.Path("raw"));
  const int without = ConnectToEcho(router.Path("raw"));
  std::vector<double> times[2];
  for (int i = 0; i < rounds; ++i) {
    times[0].push_back(RoundTrip(with));
    times[1].push_back(RoundTrip(without));
  }
  std::printf(
      "a keystroke: %.0f us with the model (99%%: %.0f), %.0f without "
      "(99%%: %.0f)\n",
      bench::Median(times[0]), Percentile99(times[0]), bench::Median(times[1]),
      Percentile99(times[1]));
  (void)::close(with);
  (void)::close(without);
  (void)::kill(body, SIGKILL);
  (void)::waitpid(body, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s DEPTYR FLOODER [ROUNDS]\n", argv[0]);
    return 100;
  }
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 7;
  for (const deptyr::WindowSize size :
       {deptyr::WindowSize{24, 80}, deptyr::WindowSize{50, 200}}) {
    MeasurePaint(argv[1], size, rounds * 10);
  }
  MeasureKeys(argv[1], rounds * 1000);
  MeasureCost(argv[1], argv[2], rounds);
  return 0;
}
