// This process, or a trial beside it, becomes another program, a shell that
// reports what it was given.
#include "lib/sys/replace_self.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr char kShell[] = "/bin/sh";

std::vector<std::string> Script(const std::string& text) {
  return {"sh", "-c", text};
}

bool ClosesOnExec(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

std::optional<ExitStatus> EndOf(const Trial& trial) {
  std::optional<ExitStatus> end;
  (void)WaitFor([&] {
    end = Value(ReapChild(trial.child.pidfd.get()));
    return end.has_value();
  });
  return end;
}

// Returns how a trial of this script ends, and its last line.
std::pair<std::optional<ExitStatus>, std::string> Try(const std::string& script,
                                                      const Offer& offer = {}) {
  const Trial trial = Value(StartTrial(kShell, Script(script), offer));
  const auto end = EndOf(trial);
  return {end, LastLine(trial)};
}

TEST(ReplaceSelfTest, OwnProgramIsThisOne) {
  EXPECT_THAT(OwnProgram(), EndsWith("replace_self-test"));
}

TEST(TrialTest, HasTheTextAndTheDescriptorsUnderTheirNumbers) {
  const Pipe pipe;
  const int fd = pipe.write_end.get();
  OutputReader output(pipe.read_end.get());
  const std::string text(200'000, 'x');
  const auto [end, said] = Try(
      absl::StrCat("set -- $DEPTYR_OFFER; [ $2 = trial ] || exit 1; [ $(wc -c "
                   "< /dev/fd/$1) = 200000 ] || exit 2; echo there >&",
                   fd, "; echo first; echo last; cat"),
      {text, {fd}});
  EXPECT_EQ(end, ExitStatus{});
  EXPECT_EQ(said, "last");
  EXPECT_TRUE(output.Until(HasSubstr("there")));
  EXPECT_TRUE(ClosesOnExec(fd));
  EXPECT_EQ(std::getenv("DEPTYR_OFFER"), nullptr);
}

TEST(TrialTest, HasNoOtherDescriptor) {
  const Pipe pipe;
  const Pipe other;
  const auto [end, said] =
      Try(absl::StrCat("[ -e /dev/fd/", other.read_end.get(),
                       " ] && exit 1; exit 0"),
          {"", {pipe.read_end.get()}});
  EXPECT_EQ(end, ExitStatus{});
}

TEST(TrialTest, TellsHowItEnded) {
  EXPECT_EQ(Try("exit 3").first, ExitStatus{.code = 3});
  EXPECT_EQ(Try("kill -SEGV $$").first, ExitStatus{.signal = SIGSEGV});
  EXPECT_EQ(Try("printf 'a\\nb' >&2").second, "b");
  EXPECT_EQ(Try("exit 0").second, "");
}

TEST(TrialTest, OfNoProgramSaysSo) {
  const Trial trial = Value(StartTrial("/nowhere/x", {"x"}, {}));
  EXPECT_EQ(EndOf(trial), ExitStatus{.code = 127});
  EXPECT_THAT(LastLine(trial), HasSubstr("/nowhere/x: No such file"));
}

TEST(TrialTest, LeavesNoDescriptorsHere) {
  const size_t before = CountOpenFds();
  (void)Try("exit 0", {"text", {}});
  EXPECT_EQ(CountOpenFds(), before);
}

TEST(ReplaceSelfTest, IsTheSameProcessWithWhatItOffers) {
  const Pipe pipe;
  OutputReader output(pipe.read_end.get());
  Program self = Program::Fork(
      [&] {
        const int fd = pipe.write_end.get();
        (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
        const absl::Status why = ReplaceSelf(
            kShell,
            Script(absl::StrCat("set -- $DEPTYR_OFFER; echo $$ $2 $(cat "
                                "/dev/fd/$1) >&",
                                fd)),
            {"the text", {fd}});
        return 1;
      },
      {.keep = {pipe.write_end.get()}});
  EXPECT_EQ(self.Wait(), ExitStatus{});
  EXPECT_TRUE(output.Until(
      testing::Eq(absl::StrCat(self.pid(), " ", self.pid(), " the text\n"))));
}

TEST(ReplaceSelfTest, ThatFailsLeavesEverythingAsItWas) {
  const Pipe pipe;
  const size_t before = CountOpenFds();
  EXPECT_THAT(
      ReplaceSelf("/nowhere/x", {"x"},
                  {"text", {pipe.read_end.get(), pipe.write_end.get()}}),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nowhere/x")));
  EXPECT_TRUE(ClosesOnExec(pipe.read_end.get()));
  EXPECT_TRUE(ClosesOnExec(pipe.write_end.get()));
  EXPECT_EQ(CountOpenFds(), before);
  EXPECT_EQ(std::getenv("DEPTYR_OFFER"), nullptr);
}

class TakeOfferTest : public testing::Test {
 protected:
  ~TakeOfferTest() override { ::unsetenv("DEPTYR_OFFER"); }
  // Leaves an offer as the earlier process does; the descriptor is
  // TakeOffer()'s.
  static int Leave(const std::string& text, const std::string& whom) {
    const int fd = ::memfd_create("offer", 0);
    EXPECT_EQ(::write(fd, text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
    ::setenv("DEPTYR_OFFER", absl::StrCat(fd, " ", whom).c_str(), 1);
    return fd;
  }
};

TEST_F(TakeOfferTest, WithoutOneThereIsNone) {
  EXPECT_EQ(Value(TakeOffer()), std::nullopt);
}

TEST_F(TakeOfferTest, IsTakenOnce) {
  const int fd = Leave(std::string("a\0b", 3), absl::StrCat(::getpid()));
  const auto taken = Value(TakeOffer());
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->text, std::string("a\0b", 3));
  EXPECT_FALSE(taken->trial);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(std::getenv("DEPTYR_OFFER"), nullptr);
  EXPECT_EQ(Value(TakeOffer()), std::nullopt);
}

TEST_F(TakeOfferTest, KnowsATrial) {
  (void)Leave("x", "trial");
  const auto taken = Value(TakeOffer());
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->trial);
}

TEST_F(TakeOfferTest, OfAnotherProcessIsNotOurs) {
  const Fd fd(Leave("x", "1"));
  EXPECT_EQ(Value(TakeOffer()), std::nullopt);
  EXPECT_NE(::fcntl(fd.get(), F_GETFD), -1);
  EXPECT_EQ(std::getenv("DEPTYR_OFFER"), nullptr);
  ::setenv("DEPTYR_OFFER", "nonsense", 1);
  EXPECT_EQ(Value(TakeOffer()), std::nullopt);
}

TEST_F(TakeOfferTest, ADescriptorClosesOnExecAgain) {
  Pipe pipe;
  ::fcntl(pipe.read_end.get(), F_SETFD, 0);
  const Fd taken = TakeOffered(pipe.read_end.Release());
  EXPECT_TRUE(ClosesOnExec(taken.get()));
  EXPECT_FALSE(TakeOffered(-1).valid());
}

}  // namespace
}  // namespace deptyr
