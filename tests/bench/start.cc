// What `deptyr body` costs at the start of a program, handshake with head
// included: the time from fork to the program's first instruction, side by side
// with a bare program that opens a PTY and executes the same one.
//
//   start DEPTYR BARE PROGRAM [ROUNDS]
//
// The two take turns, so that what else the machine does hits both; what counts
// is the ratio of the medians.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kProgramFd = 9;  // the program writes a byte to it, first thing
constexpr int kWarmUp = 20;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

pid_t Spawn(std::vector<std::string> words, int program_fd) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (program_fd >= 0) (void)::dup2(program_fd, kProgramFd);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  (void)::execv(argv[0], argv.data());
  Die(argv[0]);
}

// Microseconds from fork to the program's first instruction.
double MeasureOnce(const std::vector<std::string>& words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) Die("pipe");
  const Clock::time_point start = Clock::now();
  const pid_t pid = Spawn(words, ends[1]);
  (void)::close(ends[1]);
  char byte = 0;
  if (::read(ends[0], &byte, 1) != 1) Die("the program did not start");
  const std::chrono::duration<double, std::micro> took = Clock::now() - start;
  (void)::close(ends[0]);
  (void)::waitpid(pid, nullptr, 0);
  return took.count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
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

  std::string folder = "/tmp/deptyr-start-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) Die("mkdtemp");
  const std::string socket = folder + "/head.sock";
  // Ready when the descriptor says so.
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) Die("pipe");
  const int log =
      ::open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int kept = ::dup(STDERR_FILENO);
  (void)::dup2(log, STDERR_FILENO);
  const pid_t head = Spawn({deptyr, "head", "--headless", "--ready-fd",
                            std::to_string(kProgramFd), socket},
                           ready[1]);
  (void)::dup2(kept, STDERR_FILENO);
  (void)::close(ready[1]);
  char byte = 0;
  if (::read(ready[0], &byte, 1) != 1) Die("head did not start");

  std::vector<double> with_body;
  std::vector<double> without;
  for (int i = 0; i < rounds + kWarmUp; ++i) {
    const double a = MeasureOnce({bare, program});
    const double b = MeasureOnce({deptyr, "body", socket, "--", program});
    if (i < kWarmUp) continue;
    without.push_back(a);
    with_body.push_back(b);
  }
  (void)::kill(head, SIGTERM);
  (void)::waitpid(head, nullptr, 0);
  (void)::unlink((folder + "/log").c_str());
  (void)::rmdir(folder.c_str());
  std::printf(
      "%d rounds, medians: bare PTY + exec %.0f us, deptyr body %.0f us, "
      "ratio %.2f\n",
      rounds, Median(without), Median(with_body),
      Median(with_body) / Median(without));
  return 0;
}
