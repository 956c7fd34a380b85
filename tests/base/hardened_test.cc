// This test is compiled as deptyr is (meson.build, `hardened`): a mistake ends
// the program at once, and does nothing else.

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

// The compiler must not know this number.
volatile size_t too_many = 64;
char* Seen(char* memory) {
  asm volatile("" : "+r"(memory) : : "memory");
  return memory;
}

// Returns the output of a child that has to end by SIGABRT.
std::string Aborted(absl::FunctionRef<int()> main) {
  Pipe log;
  Program child =
      Program::Fork(main, {.fds = {{log.write_end.get(), STDERR_FILENO}}});
  log.write_end.Reset();
  OutputReader output(log.read_end.get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(child.Wait(), ExitStatus{.signal = SIGABRT});
  return output.text();
}

TEST(HardenedTest, AnElementThatIsNotThereIsNotRead) {
  EXPECT_THAT(Aborted([] {
                const std::vector<int> numbers(3);
                return numbers[too_many];
              }),
              HasSubstr("__n < this->size()"));
}

TEST(HardenedTest, NothingIsCopiedBeyondABuffer) {
  EXPECT_THAT(Aborted([] {
                char room[8];
                std::memset(room, 0, too_many);
                return int{*Seen(room)};
              }),
              HasSubstr("buffer overflow detected"));
}

// The length of the room is known only at run time here.
TEST(HardenedTest, NothingIsCopiedBeyondWhatWasAllocated) {
  EXPECT_THAT(Aborted([] {
                const size_t size = too_many / 8;
                auto* const room = static_cast<char*>(std::malloc(size));
                std::memset(room, 0, too_many);
                return int{*Seen(room)};
              }),
              HasSubstr("buffer overflow detected"));
}

[[gnu::noinline]] int WriteBeyondOwnFrame() {
  char room[8] = {};
  char* const beyond = Seen(room);
  for (size_t i = 0; i < too_many; ++i) beyond[i] = 1;
  return *Seen(room);
}

TEST(HardenedTest, AFrameThatWasWrittenOverIsNotReturnedFrom) {
  EXPECT_THAT(Aborted([] { return WriteBeyondOwnFrame(); }),
              HasSubstr("stack smashing detected"));
}

}  // namespace
}  // namespace deptyr
