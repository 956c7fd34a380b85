// A person who attaches is told who has the keys, and moves them.
#include "lib/attach/session_keys.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scripted_head.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using absl::StatusCode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kKey[] = "\x14";
constexpr uint64_t kOwn = 3;
constexpr uint64_t kOther = 7;

class SessionKeysTest : public testing::Test, public Attachment::Listener {
 protected:
  SessionKeysTest() { options_.writer_keys = kKey; }

  // A head accepts the client, says who has the keys, and gives each of these
  // answers.
  absl::Status Attach(uint64_t writer, std::vector<std::string> answers = {},
                      bool interactive = true, Rights rights = {}) {
    keys_ = std::make_unique<SessionKeys>(*loop_, head_, announcer_, options_,
                                          interactive);
    Attached attached = SomeAttached();
    attached.client = kOwn;
    attached.writer = writer;
    attached.writer_uid = writer_uid_;
    attached.rights = rights;
    answers.insert(answers.begin(), Encode(attached));
    scripted_ = std::make_unique<ScriptedHead>(std::move(answers));
    EXPECT_THAT(head_.Open(scripted_->path()), IsOk());
    EXPECT_TRUE(RunUntil(*loop_, [&] { return gone_; }));
    return said_;
  }
  bool Says(const std::string& text) {
    announcer_.OnMessage();
    return RunUntil(*loop_, [&] {
      return testing::Value(lines_, Contains(HasSubstr(text)));
    });
  }

  void OnAttached(const Attached& attached, Attachment::Joined) override {
    said_ = keys_->OnAttached(attached);
  }
  void OnMessage(const HeadMessage&) override {}
  void OnFailed(const absl::Status&) override { gone_ = true; }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Attachment head_{*loop_, absl::ZeroDuration(), {.session = "a"}, *this};
  std::vector<std::string> lines_;
  Announcer announcer_{
      *loop_, [this](absl::string_view line) { lines_.emplace_back(line); }};
  AttachOptions options_;
  uid_t writer_uid_ = ::getuid() + 1;
  std::unique_ptr<SessionKeys> keys_;
  std::unique_ptr<ScriptedHead> scripted_;
  absl::Status said_ = absl::UnknownError("not attached");
  bool gone_ = false;
};

TEST_F(SessionKeysTest, AWatcherIsToldWhoHasThemAndMayAsk) {
  EXPECT_THAT(Attach(kOther, {Encode(Done{})}), IsOk());
  EXPECT_TRUE(Says(absl::StrCat("client 7 of uid ", writer_uid_,
                                " has the keys of a; ^T asks for them")));
  EXPECT_FALSE(keys_->TakeCommand("x")) << "another key";
  EXPECT_TRUE(keys_->TakeCommand(kKey));
  EXPECT_TRUE(Says("asked for the keys"));
}

TEST_F(SessionKeysTest, TheyAreTakenFromAClientOfTheSameUser) {
  writer_uid_ = ::getuid();
  EXPECT_THAT(Attach(kOther, {Encode(Done{})}), IsOk());
  EXPECT_TRUE(keys_->TakeCommand(kKey));
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_THAT(lines_, IsEmpty()) << "head tells that they are taken";
}

TEST_F(SessionKeysTest, WhoMayAdministerTakesThem) {
  EXPECT_THAT(Attach(kOther, {Encode(Done{})}, true, Rights::All()), IsOk());
  EXPECT_TRUE(keys_->TakeCommand(kKey));
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(SessionKeysTest, WhatHeadRefusesIsSaid) {
  EXPECT_THAT(Attach(kOwn, {Encode(Refused{.code = kRefusedNoSession,
                                           .text = "client 9 has left"})}),
              IsOk());
  EXPECT_FALSE(keys_->TakeCommand(kKey)) << "nobody asks";
  keys_->OnAsked({{"client", "9"}, {"uid", "12"}});
  EXPECT_TRUE(Says("client 9 of uid 12 asks for the keys of a; ^T gives them"));
  EXPECT_TRUE(keys_->TakeCommand(kKey));
  EXPECT_TRUE(Says("client 9 has left"));
}

TEST_F(SessionKeysTest, ARequestIsOverWhenTheyMove) {
  EXPECT_THAT(Attach(kOwn), IsOk());
  keys_->OnAsked({{"client", "9"}});
  EXPECT_THAT(keys_->OnWriter({{"client", "9"}}), IsOk());
  EXPECT_FALSE(keys_->TakeCommand(kKey));
}

TEST_F(SessionKeysTest, AScriptIsNotLeftTypingForNobody) {
  EXPECT_THAT(Attach(kOther, {}, /*interactive=*/false),
              StatusIs(StatusCode::kUnavailable,
                       HasSubstr("has the keys of a; --exclusive takes them")));
}

TEST_F(SessionKeysTest, AScriptThatOnlyReadsMayWatch) {
  options_.read_only = true;
  EXPECT_THAT(Attach(kOther, {}, /*interactive=*/false), IsOk());
  EXPECT_FALSE(keys_->TakeCommand(kKey));
}

}  // namespace
}  // namespace deptyr
