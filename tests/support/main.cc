// main() of the end-to-end tests.  A process that a test leaves running is its
// failure, and ends here.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "tests/support/deptyr.h"

namespace deptyr {
namespace {

std::vector<pid_t> Descendants(pid_t of) {
  std::vector<pid_t> result;
  for (const pid_t child : ChildrenOf(of)) {
    result.push_back(child);
    const auto theirs = Descendants(child);
    result.insert(result.end(), theirs.begin(), theirs.end());
  }
  return result;
}

// Returns true once nobody is left.
bool Reap() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return Descendants(::getpid()).empty();
}

class NothingIsLeftBehind : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    // A program that lost its terminal may take a moment to end.
    if (WaitFor(Reap)) return;
    for (const pid_t pid : Descendants(::getpid())) {
      ADD_FAILURE() << "left behind: " << pid << " "
                    << ReadFile(absl::StrCat("/proc/", pid, "/cmdline"));
      (void)::kill(pid, SIGKILL);
    }
    (void)WaitFor(Reap);
  }
};

}  // namespace
}  // namespace deptyr

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  // Orphans become children of this process.
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
  testing::UnitTest::GetInstance()->listeners().Append(
      new deptyr::NothingIsLeftBehind);
  return RUN_ALL_TESTS();
}
