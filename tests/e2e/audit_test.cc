// Head tells who did something to a session, and what they typed.

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class AuditTest : public testing::Test {
 protected:
  void Start(const std::string& level) {
    head_.emplace(std::vector<std::string>{"--audit", level, "--audit-file",
                                           folder_ / "audit"});
  }
  std::string Text() const { return ReadFile(folder_ / "audit"); }
  testing::AssertionResult TextBecomes(
      const testing::Matcher<const std::string&>& matcher) const {
    return TextUntil([this] { return Text(); }, matcher);
  }
  void Run(const std::vector<std::string>& words) {
    std::vector<std::string> argv = {Deptyr(), words[0], head_->socket(), "a"};
    argv.insert(argv.end(), words.begin() + 1, words.end());
    (void)OutputOf(argv);
  }
  // Asks for a name and then for a password.
  BodyProcess Login() {
    BodyProcess body(head_->socket(), {"--name", "a"},
                     {"sh", "-c",
                      "echo name?; read name; stty -echo; echo password?; "
                      "read word; stty echo; echo done; cat"});
    EXPECT_TRUE(ShowsUntil("name?"));
    return body;
  }
  testing::AssertionResult ShowsUntil(const std::string& text) {
    EXPECT_TRUE(head_->log().Until(HasSubstr("registered")));
    return TextUntil(
        [this] {
          return OutputOf({Deptyr(), "history", head_->socket(), "a"});
        },
        HasSubstr(text));
  }

  const TempDir folder_;
  std::optional<HeadProcess> head_;
};

TEST_F(AuditTest, WhoTellsWhoDidWhatAndHowMuchTheyTyped) {
  Start("who");
  const BodyProcess body = Login();
  Run({"send", "bob\\n"});
  EXPECT_TRUE(TextBecomes(
      AllOf(ContainsRegex(
                "T[0-9:.]*[-+][0-9:]* audit: session=a attached client="
                "[0-9]+ kind=attach uid=[0-9]+ user=[^ ]+ client-pid=[0-9]+\n"),
            ContainsRegex("session=a detached client=[0-9]+ typed=4\n"))));
  Run({"resize", "30x90"});
  EXPECT_TRUE(TextBecomes(ContainsRegex(
      "sized uid=[0-9]+ user=[^ ]+ client-pid=[0-9]+ rows=30 cols=90\n")));
  Run({"signal", "WINCH"});
  EXPECT_TRUE(TextBecomes(ContainsRegex(absl::StrCat(
      "signalled uid=[0-9]+ user=[^ ]+ signal=", SIGWINCH, "\n"))));
  Run({"kick"});
  EXPECT_TRUE(TextBecomes(
      ContainsRegex("kicked uid=[0-9]+ user=[^ ]+ client-pid=[0-9]+\n")));
  EXPECT_THAT(Text(), Not(HasSubstr("bob")));
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "audit").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(AuditTest, TextTellsLinesButNoPassword) {
  Start("text");
  const BodyProcess body = Login();
  Run({"send", "b\\x03ob\x7f\\n"});
  ASSERT_TRUE(head_.has_value());
  EXPECT_TRUE(TextBecomes(
      ContainsRegex(R"(typed client=[0-9]+ typed=[0-9]+ text="b\\x03)")));
}

TEST_F(AuditTest, WhatTheTerminalHidesIsWithheld) {
  Start("text");
  const BodyProcess body = Login();
  Run({"send", "bob\\n"});
  ASSERT_TRUE(ShowsUntil("password?"));
  Run({"send", "secret\\n"});
  ASSERT_TRUE(ShowsUntil("done"));
  Run({"send", "more\\n"});
  EXPECT_TRUE(
      TextBecomes(AllOf(ContainsRegex("typed=4 text=\"bob\\\\n\"\n"),
                        ContainsRegex("withheld client=[0-9]+ typed=7\n"),
                        ContainsRegex("typed=5 text=\"more\\\\n\"\n"))));
  EXPECT_THAT(Text(), Not(HasSubstr("secret")));
}

TEST_F(AuditTest, WhoTellsWhoHasTheKeys) {
  Start("who");
  const BodyProcess body = Login();
  Run({"send", "--exclusive", "bob\\n"});
  EXPECT_TRUE(TextBecomes(AllOf(
      ContainsRegex("session=a writer client=[0-9]+ kind=attach uid=[0-9]+ "
                    "user=[^ ]+ client-pid=[0-9]+\n"),
      HasSubstr("session=a writer client=0\n"))));
}

TEST_F(AuditTest, ATcpClientIsToldByItsAddress) {
  head_.emplace(std::vector<std::string>{"--audit", "who", "--audit-file",
                                         folder_ / "audit", "--raw",
                                         "tcp:127.0.0.1:0=a"});
  const BodyProcess body = Login();
  const testing::Matcher<const std::string&> listens =
      ContainsRegex("tcp:127.0.0.1:[1-9][0-9]*");
  ASSERT_TRUE(head_->log().Until(listens));
  const std::string log = head_->log().text();
  const size_t begin = log.find("tcp:");
  const Connection client = Connection::To(log.substr(
      begin, log.find_first_not_of("tcp:.0123456789", begin) - begin));
  EXPECT_TRUE(TextBecomes(
      ContainsRegex("attached client=[0-9]+ kind=raw from=127.0.0.1\n")));
}

TEST_F(AuditTest, TheFileIsMadeAnewAfterASignal) {
  Start("who");
  const BodyProcess body = Login();
  ASSERT_EQ(::rename((folder_ / "audit").c_str(), (folder_ / "old").c_str()),
            0);
  head_->program().Signal(SIGHUP);
  EXPECT_TRUE(WaitFor([&] {
    Run({"send", "x"});
    return !Text().empty();
  }));
}

TEST_F(AuditTest, ALineThatWasCutIsMarkedAndTheNextBeginsALine) {
  // As a machine that lost its power may leave it.
  WriteFile(folder_ / "audit", std::string("one\ntw\0\0\0", 9));
  Start("who");
  const BodyProcess body = Login();
  Run({"send", "x"});
  EXPECT_TRUE(
      TextBecomes(ContainsRegex("^one\ntw \\[cut\\]\n[-0-9]+T[^\n]* audit: "
                                "session=a attached ")));
}

TEST_F(AuditTest, ALineThatFoundNoRoomIsMarkedOnceThereIsSome) {
  constexpr rlim_t kLarge = 1 << 20;
  Start("who");
  const BodyProcess body = Login();
  const auto limit = [this](rlim_t bytes) {
    const rlimit wanted{bytes, RLIM_INFINITY};
    EXPECT_EQ(::prlimit(head_->pid(), RLIMIT_FSIZE, &wanted, nullptr), 0);
  };
  WriteFile(folder_ / "audit", std::string(kLarge - 7, 'x') + "\n");
  limit(kLarge);
  Run({"send", "x"});
  EXPECT_TRUE(head_->log().Until(ContainsRegex(
      "can't write to the audit file .*: File too large; its lines are here")));
  limit(RLIM_INFINITY);
  Run({"send", "x"});
  EXPECT_TRUE(TextBecomes(ContainsRegex(
      "xxx\n20[0-9]{2}-[01] \\[cut\\]\n[-0-9]+T[^\n]* audit: session=a ")));
}

TEST_F(AuditTest, ListenersHearTheSame) {
  Start("text");
  const BodyProcess body(head_->socket(), {"--name", "a"}, {"cat"});
  ASSERT_TRUE(head_->log().Until(HasSubstr("registered")));
  const LogFile events;
  const Program listener = Program::Start({Deptyr(), "events", head_->socket()},
                                          {.fds = {{events.fd(), 1}}});
  // Nothing tells when it listens.
  EXPECT_TRUE(TextUntil(
      [&] {
        Run({"send", "x\\n"});
        return events.text();
      },
      AllOf(HasSubstr("\"event\":\"typed\""), HasSubstr("\"text\":\"x\\n\""),
            HasSubstr("\"human\":true"))));
}

// In head's log, without a file.
TEST(AuditLogTest, WithoutAFileLinesAreInTheLog) {
  const HeadProcess head({"--audit", "who"});
  const BodyProcess body(head.socket(), {"--name", "a"}, {"cat"});
  EXPECT_TRUE(head.log().Until(HasSubstr("registered")));
  (void)OutputOf({Deptyr(), "send", head.socket(), "a", "x"});
  EXPECT_TRUE(head.log().Until(ContainsRegex(
      "deptyr: audit: session=a detached client=[0-9]+ typed=1")));
}

}  // namespace
}  // namespace deptyr
