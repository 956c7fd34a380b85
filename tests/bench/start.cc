// Measures what `deptyr body` adds to the start of a program, including the
// handshake with head: the time from fork to the program's first instruction,
// side by side with a bare program that opens a PTY and executes the same one.
//
//   start DEPTYR BARE PROGRAM [ROUNDS]
//
// The two take turns, so that what else the machine does hits both; what counts
// is the ratio of the medians.
#include "tests/bench/process.h"

namespace {

using bench::Clock;

constexpr int kWarmUp = 20;

// Returns the microseconds from fork to the program's first instruction.
double MeasureOnce(const std::vector<std::string>& words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) bench::Die("pipe");
  const Clock::time_point start = Clock::now();
  const pid_t pid = bench::Spawn(words, ends[1]);
  (void)::close(ends[1]);
  char byte = 0;
  if (::read(ends[0], &byte, 1) != 1) bench::Die("the program did not start");
  const double took = bench::Since(start);
  (void)::close(ends[0]);
  (void)::waitpid(pid, nullptr, 0);
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s DEPTYR BARE PROGRAM [ROUNDS]\n", argv[0]);
    return 100;
  }
  const std::string deptyr = argv[1];
  const std::string bare = argv[2];
  const std::string program = argv[3];
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 400;

  const bench::Server head(deptyr, "head", {"--headless", "/@/head.sock"});
  const std::string socket = head.Path("head.sock");
  std::vector<double> with_body;
  std::vector<double> without;
  for (int i = 0; i < rounds + kWarmUp; ++i) {
    const double a = MeasureOnce({bare, program});
    const double b = MeasureOnce({deptyr, "body", socket, "--", program});
    if (i < kWarmUp) continue;
    without.push_back(a);
    with_body.push_back(b);
  }
  std::printf(
      "%d rounds, medians: bare PTY + exec %.0f us, deptyr body %.0f us, "
      "ratio %.2f\n",
      rounds, bench::Median(without), bench::Median(with_body),
      bench::Median(with_body) / bench::Median(without));
  return 0;
}
