// meter SUBCOMMAND...: see meter.h.
#include "tests/bench/meter.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

namespace {

// meter child PROGRAM [ARG...]: runs PROGRAM, which ends with its starter.
int RunChild(const bench::Words& words) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  if (!words.empty()) (void)::execvp(argv[0], argv.data());
  bench::Die(words.empty() ? "child" : words[0]);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Words words(argv + 1, argv + argc);
  const std::string subcommand = words.empty() ? "" : words[0];
  const bench::Words rest(words.begin() + (words.empty() ? 0 : 1), words.end());
  if (subcommand == "child") return RunChild(rest);
  if (subcommand == "program") return bench::RunProgram(rest);
  if (subcommand == "runtime") return bench::RunRuntime(rest);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (subcommand == "sink") return bench::RunSink(rest);
  if (subcommand == "keys") return bench::RunKeys(rest);
  if (subcommand == "first") return bench::RunFirst(rest);
  std::fprintf(stderr,
               "usage: meter child|first|keys|program|runtime|sink ...\n");
  return 100;
}
