// meter keys: how long a keystroke takes to the program and back.
//
//   --keys N     so many, after a few more to warm up
//   --clients N  the first types, and a round trip ends when all have the echo
//   --stay 1     says that all are connected, and begins when its input ends
//
// meter first: how long it takes from fork to a program's first instruction.
//
//   meter first FIFO COUNT COMMAND [ARG...]
//
// The program opens FIFO and writes a byte to it (first_instruction.cc).  An
// ARG's "@" is the number of the try.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/bench/meter_clients.h"

namespace bench {
namespace {

// Neither escape sequences nor status lines have these characters.
constexpr absl::string_view kKeys = "#%&+";

constexpr int kWarmUp = 3;  // starts

void RoundTrip(Ends& ends, Reader& reader, char key) {
  ends.clients[0].Type(key);
  size_t missing = ends.clients.size();
  const Clock::time_point start = Clock::now();
  while (missing > 0) {
    reader.Turn([&](Client& client) {
      if (client.Read().find(key) != absl::string_view::npos) --missing;
      if (client.closed()) Die("a client was closed");
    });
    if (missing > 0 && SecondsSince(start) > 10) Die("a key was lost");
  }
}

void PrintQuantiles(std::vector<double> seconds, double cpu) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double part) {
    const size_t index =
        static_cast<size_t>(part * static_cast<double>(seconds.size()));
    return seconds[std::min(index, seconds.size() - 1)] * 1e6;
  };
  std::printf(
      "{\"p10\": %.2f, \"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, "
      "\"p999\": %.2f, \"cpu\": %.3f}\n",
      at(0.1), at(0.5), at(0.9), at(0.99), at(0.999),
      cpu * 1e6 / static_cast<double>(seconds.size()));
}

}  // namespace

int RunKeys(const Words& words) {
  const Options options = ParseOptions(words);
  Ends ends = Connected(options);
  Reader reader(ends.clients);
  if (options.stay) {
    std::printf("connected\n");
    (void)std::fflush(stdout);
    (void)ReadLine(STDIN_FILENO);
  }
  // One program echoes; others of the same relay may be there, idle.
  WriteAll(ends.controls[0], "echo\n");
  if (ReadLine(ends.controls[0]) != "ready") Die("no echo");
  std::vector<double> times;
  uint64_t cpu = 0;
  const int warm_up = options.keys / 10 + 1;
  for (int i = -warm_up; i < options.keys; ++i) {
    if (i == 0) cpu = CpuTime(options.relay);
    const char key = kKeys[static_cast<size_t>(i + warm_up) % kKeys.size()];
    const Clock::time_point start = Clock::now();
    RoundTrip(ends, reader, key);
    if (i >= 0) times.push_back(SecondsSince(start));
  }
  PrintQuantiles(std::move(times),
                 static_cast<double>(CpuTime(options.relay) - cpu) / 1e9);
  return 0;
}

int RunFirst(const Words& words) {
  if (words.size() < 3) return 100;
  const int fifo = ::open(words[0].c_str(), O_RDWR | O_CLOEXEC);
  if (fifo < 0) Die(words[0]);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int count = std::stoi(words[1]);
  std::vector<double> times;
  for (int i = -kWarmUp; i < count; ++i) {
    Words command(words.begin() + 2, words.end());
    for (std::string& word : command) {
      const size_t at = word.find('@');
      if (at != std::string::npos)
        word.replace(at, 1, std::to_string(i + kWarmUp));
    }
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    const Clock::time_point start = Clock::now();
    const pid_t pid = ::fork();
    if (pid == 0) {
      (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (const int fd : {0, 1, 2}) (void)::dup2(null, fd);
      (void)::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    (void)::alarm(10);
    char byte = 0;
    if (::read(fifo, &byte, 1) != 1) Die("the program did not start");
    if (i >= 0) times.push_back(SecondsSince(start));
    (void)::waitpid(pid, nullptr, 0);
  }
  PrintQuantiles(std::move(times), 0);
  return 0;
}

}  // namespace bench
