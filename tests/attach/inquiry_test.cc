// A client that asks head from within its event loop.
#include "lib/attach/inquiry.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scripted_head.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

class InquiryTest : public testing::Test {
 protected:
  // Asks, and waits for the answer.
  absl::StatusOr<Inquiry::Answer> Ask(Inquiry& inquiry) {
    std::optional<absl::StatusOr<Inquiry::Answer>> answer;
    inquiry.Ask({.what = "status", .fields = {}},
                [&](auto said) { answer = std::move(said); });
    EXPECT_FALSE(answer);
    EXPECT_TRUE(RunUntil(*loop_, [&] { return answer.has_value(); }));
    return *std::move(answer);
  }
  static std::string SaidOf(const std::string& name) {
    return absl::StrCat(Encode(Item{{{"name", name}}}), Encode(Paint{{"one"}}),
                        Encode(Paint{{"two"}}), Encode(Done{}));
  }
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
};

TEST_F(InquiryTest, AnAnswerHasItsItemsAndItsPicture) {
  const ScriptedHead head({SaidOf("a")});
  Inquiry inquiry(*loop_, head.path());
  const Inquiry::Answer answer = Value(Ask(inquiry));
  ASSERT_EQ(answer.items.size(), 1u);
  EXPECT_EQ(ValueOf(answer.items[0], "name"), "a");
  EXPECT_EQ(answer.paint, "onetwo");
}

TEST_F(InquiryTest, ConnectionsThatEndAreMadeAnew) {
  const ScriptedHead head(
      {Encode(Item{{{"name", "lost"}}}),
       Encode(Refused{.code = kRefusedNoSession, .text = "none such"}),
       SaidOf("a"), SaidOf("b")});
  Inquiry inquiry(*loop_, head.path());
  EXPECT_THAT(Ask(inquiry).status(), StatusIs(absl::StatusCode::kUnavailable,
                                              HasSubstr("head went away")));
  EXPECT_THAT(Ask(inquiry).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none such")));
  EXPECT_EQ(ValueOf(Value(Ask(inquiry)).items.at(0), "name"), "a");
}

TEST_F(InquiryTest, AnAnswerMayAskTheNextQuestion) {
  const ScriptedHead head({SaidOf("a") + SaidOf("b")});
  Inquiry inquiry(*loop_, head.path());
  std::vector<std::string> names;
  const auto note = [&](const absl::StatusOr<Inquiry::Answer>& answer) {
    names.emplace_back(ValueOf(answer->items.at(0), "name"));
  };
  inquiry.Ask({.what = "status", .fields = {}}, [&](auto answer) {
    note(answer);
    inquiry.Ask({.what = "status", .fields = {}}, note);
  });
  ASSERT_TRUE(RunUntil(*loop_, [&] { return names.size() == 2; }));
  EXPECT_EQ(names[1], "b");
}

TEST_F(InquiryTest, WhereThereIsNoHeadTheAnswerSaysSo) {
  const TempDir folder;
  Inquiry inquiry(*loop_, folder / "none");
  EXPECT_THAT(Ask(inquiry).status(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("does head run there?")));
  EXPECT_THAT(inquiry.NoAnswer(absl::Seconds(1)), IsOk());
}

TEST_F(InquiryTest, AQuestionThatIsForgottenIsNotAnswered) {
  const ScriptedHead head({SaidOf("a"), SaidOf("b")});
  Inquiry inquiry(*loop_, head.path());
  inquiry.Ask({.what = "status", .fields = {}},
              [](auto) { ADD_FAILURE() << "the first was answered"; });
  EXPECT_FALSE(inquiry.NoAnswer(absl::Seconds(1)).ok());
  EXPECT_EQ(ValueOf(Value(Ask(inquiry)).items.at(0), "name"), "b");
}

}  // namespace
}  // namespace deptyr
