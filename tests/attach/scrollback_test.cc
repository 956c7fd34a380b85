// What scrolled off, as far as head remembers it, and heads that don't tell.
#include "lib/attach/scrollback.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/messages.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WindowSize kSize{.rows = 2, .cols = 10};

std::string Beginning(uint64_t offset) {
  Attached attached;
  attached.session = "a";
  attached.offset = offset;
  return Encode(attached);
}

class ScrollbackTest : public testing::Test {
 protected:
  // Of a head that says this to whoever connects, and goes when they do.
  absl::StatusOr<std::vector<std::string>> Read(const std::string& said,
                                                uint64_t offset,
                                                WindowSize size = kSize) const {
    const Program head = Program::Fork(
        [&] {
          if (WaitForEvents(listener_.fd(), POLLIN) == 0) return 1;
          const Fd client(
              ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
          (void)WriteSome(client.get(), said);
          ShutDownWriting(client.get());
          char byte = 0;
          while (::read(client.get(), &byte, 1) > 0) {
          }
          return 0;
        },
        {.keep = {listener_.fd()}});
    return ReadScrollback(dir_ / "head", "a", offset, size, 100);
  }

  const TempDir dir_;
  const ListeningSocket listener_ = Value(Listen(dir_ / "head", {}));
};

TEST_F(ScrollbackTest, IsWhatLeftTheScreenUpToAnOffset) {
  const std::string said =
      absl::StrCat(Beginning(10), Encode(Output{"one\r\ntwo\r\n"}),
                   Encode(Output{"three\r\nfour\r\nfive\r\nsix"}));
  // Up to "three\r\n", which leaves one screen of two rows.
  EXPECT_THAT(Value(Read(said, 27)), ElementsAre("one", "two"));
  EXPECT_THAT(Value(Read(Beginning(10), 10)), IsEmpty());
}

// It wouldn't come any more.
TEST_F(ScrollbackTest, WhatWasPassedOverIsNotWaitedFor) {
  const std::string said =
      absl::StrCat(Beginning(0), Encode(Output{"1\r\n2\r\n"}),
                   Encode(Notice{{{"offset", "1000"}}}));
  EXPECT_THAT(Value(Read(said, 1000)), ElementsAre("1"));
}

TEST_F(ScrollbackTest, ARefusalIsToldWithWhatToDo) {
  EXPECT_THAT(Read(Encode(Refused{.code = kRefusedLimit, .text = "full"}), 10),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("full; head's log says which")));
}

TEST_F(ScrollbackTest, AHeadThatGoesAwayIsTold) {
  EXPECT_THAT(Read("", 10), StatusIs(absl::StatusCode::kUnavailable,
                                     HasSubstr("head went away")));
}

TEST_F(ScrollbackTest, NoTerminalIsAsLargeAsASizeCanBe) {
  const std::string said =
      absl::StrCat(Beginning(0), Encode(Output{std::string(2000, '\n')}));
  EXPECT_THAT(Value(Read(said, 2000, {.rows = 65535, .cols = 1})),
              testing::SizeIs(100));
}

}  // namespace
}  // namespace deptyr
