// How a connection to a client socket begins.
#include "lib/clients/opening.h"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/wire/messages.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

class OpeningTest : public testing::Test {
 protected:
  Opening::Verdict Judge(const std::string& beginning, bool ended = false) {
    return opening_.Judge(beginning, ended);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  const std::string wrong_socket_ = "ask at head.sock";
  int waited_ = 0;
  Opening opening_{*loop_, /*over_tcp=*/true, wrong_socket_,
                   [this] { ++waited_; }};
  const std::string question_ = Encode(Ask{.what = "head", .fields = {}});
};

TEST_F(OpeningTest, WhatAnybodyTypesIsAClients) {
  EXPECT_EQ(Judge("ls\n").kind, Opening::kClient);
}

TEST_F(OpeningTest, HeadsOwnProtocolIsAnsweredInItsWords) {
  const Opening::Verdict verdict = Judge(question_);
  ASSERT_EQ(verdict.kind, Opening::kRefused);
  EXPECT_EQ(verdict.refusal.code, kRefusedWrongSocket);
  absl::string_view answer = verdict.refusal.answer;
  const auto message = Value(TakeMessage(answer));
  ASSERT_TRUE(message && std::holds_alternative<Refused>(*message));
  EXPECT_EQ(std::get<Refused>(*message).text, wrong_socket_);
}

TEST_F(OpeningTest, ABrowserIsAnsweredInHttp) {
  const Opening::Verdict verdict = Judge("GET / HTTP/1.1\r\n");
  ASSERT_EQ(verdict.kind, Opening::kRefused);
  EXPECT_EQ(verdict.refusal.code, kRefusedMalformed);
  EXPECT_THAT(verdict.refusal.answer, HasSubstr("HTTP/1.0 400"));
}

TEST_F(OpeningTest, HalfABeginningIsHeldBackUntilItIsTooLate) {
  EXPECT_EQ(Judge(question_.substr(0, 7)).kind, Opening::kUndecided);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return waited_ > 0; }));
  EXPECT_EQ(Judge(question_.substr(0, 7)).kind, Opening::kClient);
}

TEST_F(OpeningTest, HalfABeginningThatEndsIsAClients) {
  EXPECT_EQ(Judge(question_.substr(0, 7), true).kind, Opening::kClient);
}

TEST_F(OpeningTest, SilenceIsWaitedForAndDecidesNothing) {
  ASSERT_TRUE(RunUntil(*loop_, [&] { return waited_ > 0; }));
  EXPECT_EQ(Judge("").kind, Opening::kUndecided);
  EXPECT_EQ(Judge(question_).kind, Opening::kRefused);
}

}  // namespace
}  // namespace deptyr
