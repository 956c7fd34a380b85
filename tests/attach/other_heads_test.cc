// Clients understand what our head rarely says, and what a head of another
// version says.
#include <unistd.h>

#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/attach/attach.h"
#include "lib/body/body.h"
#include "lib/verbs/history.h"
#include "lib/verbs/record.h"
#include "lib/wire/messages.h"
#include "tests/support/program.h"
#include "tests/support/scripted_head.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Returns what a client in a process of its own writes, and then how it ended.
// Nothing is typed: its standard input is silent.
std::string SaidBy(absl::FunctionRef<absl::Status()> client) {
  const Pipe silence;
  Pipe output;
  Program process = Program::Fork(
      [&] {
        const absl::Status status = client();
        std::cout << "; " << status.message() << std::flush;
        return status.ok() ? 0 : 1;
      },
      {.fds = {{silence.read_end.get(), 0},
               {output.write_end.get(), 1},
               {output.write_end.get(), 2}}});
  output.write_end.Reset();
  OutputReader reader(output.read_end.get());
  EXPECT_TRUE(reader.UntilEnd());
  (void)process.Wait();
  return reader.text();
}

std::string Told(const std::string& event, const KeyValues& fields = {}) {
  KeyValues all = fields;
  all.insert(all.begin(), {"event", event});
  return Encode(Notice{all});
}

std::string Beginning(uint64_t offset, uint64_t end) {
  Attached attached = SomeAttached(offset);
  attached.end = end;
  return Encode(attached);
}

const std::string missed = Told("missed", {{"bytes", "5"}, {"offset", "25"}});

TEST(OtherHeadsTest, AHistoryEndsThoughPartOfItWasPassedOver) {
  const ScriptedHead head(
      {absl::StrCat(Beginning(10, 30), Encode(Output{"0123456789"}), missed,
                    Told("resized"), Encode(Output{"abcdefgh"}))});
  EXPECT_THAT(SaidBy([&] {
                return RunHistory({.where = {head.path(), "a"}});
              }),
              AllOf(StartsWith("0123456789"), EndsWith("abcde; "),
                    HasSubstr("[deptyr: 5 bytes are missing]")));
}

TEST(OtherHeadsTest, ARecordingSaysWhatItLacks) {
  const ScriptedHead head(
      {Encode(Item{}) + Encode(Done{}),
       absl::StrCat(Beginning(0, 0), Encode(Output{"one"}), missed,
                    Told("started", {{"number", "2"}}), Told("other"),
                    Told("ended", {{"number", "2"}}))});
  EXPECT_THAT(SaidBy([&] {
                return RunRecord(
                    {.where = {head.path(), "a"}, .file = "-", .once = true});
              }),
              AllOf(HasSubstr("\"one\""), HasSubstr("5 bytes are missing")));
}

TEST(OtherHeadsTest, ARecordingOnceEndsWithItsProgramsHead) {
  Attached other = SomeAttached();
  other.stream = 8;
  const ScriptedHead head({Encode(Item{}) + Encode(Done{}),
                           absl::StrCat(Beginning(0, 0), Encode(Output{"one"})),
                           Encode(other)});
  EXPECT_THAT(
      SaidBy([&] {
        return RunRecord(
            {.where = {head.path(), "a"}, .file = "", .once = true});
      }),
      AllOf(HasSubstr("\"one\""), HasSubstr("went away with its head")));
}

TEST(OtherHeadsTest, ARecordingOnceOfWhatHasEndedIsShort) {
  Attached ended = SomeAttached();
  ended.running = false;
  const ScriptedHead head({Encode(Item{}) + Encode(Done{}), Encode(ended)});
  EXPECT_THAT(SaidBy([&] {
                return RunRecord(
                    {.where = {head.path(), "a"}, .file = "", .once = true});
              }),
              AllOf(HasSubstr("\"version\""), Not(HasSubstr("\"o\""))));
}

TEST(OtherHeadsTest, AReaderThatWasPassedOverIsTold) {
  const ScriptedHead head(
      {absl::StrCat(Beginning(0, 0), Encode(Output{"one "}), missed,
                    Told("ended", {{"number", "1"}, {"code", "3"}}))});
  EXPECT_THAT(SaidBy([&] {
                return RunAttach({.where = {head.path(), "a"},
                                  .detach_keys = "",
                                  .once = true})
                    .status();
              }),
              AllOf(HasSubstr("one "),
                    HasSubstr("was faster than its reader; 5 bytes were")));
}

TEST(OtherHeadsTest, WhoMayOnlyLookTypesNothingFromAPipe) {
  Attached looks = SomeAttached();
  looks.rights = Rights{Right::kSee};
  const ScriptedHead head({Encode(looks)});
  EXPECT_THAT(
      SaidBy([&] {
        return RunAttach({.where = {head.path(), "a"}, .detach_keys = ""})
            .status();
      }),
      HasSubstr("nothing was typed: you may see a"));
}

TEST(OtherHeadsTest, ABodyThatIsAnsweredSomethingElseSaysSo) {
  const auto run = [](const std::string& answer) {
    const ScriptedHead head({answer});
    return SaidBy([&] {
      const int status = RunBody({.socket = head.path(),
                                  .name = "a",
                                  .size = {},
                                  .term = "",
                                  .wait = absl::ZeroDuration(),
                                  .program = {"true"}});
      return absl::UnknownError(absl::StrCat(status));
    });
  };
  EXPECT_THAT(run(Encode(Done{})),
              AllOf(HasSubstr("head answered something else"),
                    testing::EndsWith("; 111")));
  EXPECT_THAT(run(Encode(Refused{.code = kRefusedStopping, .text = "it ends"})),
              AllOf(HasSubstr("it ends"), testing::EndsWith("; 111")));
  EXPECT_THAT(
      run(Encode(Refused{.code = kRefusedStopping, .text = ""}).substr(0, 7)),
      HasSubstr("head went away without an answer"));
}

}  // namespace
}  // namespace deptyr
