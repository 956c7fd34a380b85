// No turn is long: whatever a user's program writes, and a user's client sends,
// another user's questions are answered meanwhile.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/wire/key_values.h"
#include "lib/wire/messages.h"
#include "tests/support/deptyr.h"
#include "tests/support/other_user.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr uid_t kHostile = 12345;
constexpr uid_t kOther = 12346;
// A turn may take 20 ms, but on a busy machine an answer may take longer.
constexpr absl::Duration kPatience = absl::Seconds(5);

// A connection to the head socket.
class Guest {
 public:
  Guest(const std::string& path, uid_t uid)
      : fd_(ConnectAs(path, {.uid = uid})) {}

  void Say(absl::string_view bytes) {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Waits for the end of an answer, and returns the fields of its first item,
  // or nothing if there is none in time.
  std::optional<KeyValues> Answer() {
    std::optional<KeyValues> first;
    for (;;) {
      absl::string_view rest = inbox_;
      const auto message = Value(TakeMessage(rest));
      inbox_.erase(0, inbox_.size() - rest.size());
      if (message && std::holds_alternative<Done>(*message)) return first;
      if (message && !first && std::holds_alternative<Item>(*message)) {
        first = std::get<Item>(*message).fields;
      }
      if (!message && !Receive()) return std::nullopt;
    }
  }
  std::optional<KeyValues> AnswerTo(const Ask& question) {
    Say(Encode(question));
    return Answer();
  }

 private:
  bool Receive() {
    if (WaitForEvents(fd_.get(), POLLIN, kPatience) == 0) return false;
    std::array<char, 65536> room;
    const ssize_t count = ::read(fd_.get(), room.data(), room.size());
    if (count <= 0) return false;
    inbox_.append(room.data(), static_cast<size_t>(count));
    return true;
  }

  Fd fd_;
  std::string inbox_;
};

class TurnsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be other users";
    // Other users can reach it here.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
    std::filesystem::copy(Deptyr(), folder_ / "deptyr");
    head_.emplace(std::vector<std::string>{"--mode=0666"},
                  HeadProcessOptions{.socket = folder_ / "head.sock"});
    ASSERT_TRUE(head_->ready()) << head_->log().text();
  }
  // Starts a program on the largest screen there is.
  void StartHostile(const std::string& script) {
    program_.emplace(Program::Start(
        {folder_ / "deptyr", "body", "--name=hostile", "--size=1000x250",
         head_->socket(), "--", "sh", "-c", script},
        {.prepare = Become<kHostile>}));
    ASSERT_TRUE(head_->log().Until(HasSubstr("session=hostile pid=")));
  }
  Guest Connect(uid_t uid) { return {head_->socket(), uid}; }

  TempDir folder_;
  std::optional<HeadProcess> head_;
  std::optional<Program> program_;
};

const Ask kAboutHead{.what = "head", .fields = {}};
const Ask kStatus{.what = "status", .fields = {{"session", "hostile"}}};
const Ask kSnapshot{.what = "snapshot", .fields = {{"session", "hostile"}}};

// Three bytes fill all cells of a screen.
TEST_F(TurnsTest, AProgramThatFillsItsScreenForEverDelaysNobody) {
  StartHostile("exec yes \"$(printf '\\033#8')\"");
  Guest hostile = Connect(kHostile);
  Guest other = Connect(kOther);
  constexpr long kFlood = 2'000'000;
  ASSERT_TRUE(WaitFor([&] {
    const auto session = hostile.AnswerTo(kStatus);
    return session &&
           std::stol(std::string(ValueOf(*session, "bytes"))) > kFlood;
  }));
  constexpr int kPictures = 20;
  for (int i = 0; i < kPictures; ++i) hostile.Say(Encode(kSnapshot));
  for (int i = 0; i < kPictures; ++i) {
    ASSERT_TRUE(other.AnswerTo(kAboutHead)) << i;
    ASSERT_TRUE(hostile.Answer()) << i;
  }
}

// It has all parameters that there are.
TEST_F(TurnsTest, AStyleWithEverythingInItIsSurvived) {
  StartHostile(
      "yes \"$(printf "
      "'\\033[1;2;3;4:3;5;7;8;9;53;38;2;255;254;253;48;2;200;201;"
      "202mx\\033[m')\" | head -n 5000; exec cat");
  Guest hostile = Connect(kHostile);
  ASSERT_TRUE(WaitFor([&] {
    if (head_->program().HasEnded()) return true;
    const auto session = hostile.AnswerTo(kStatus);
    return session &&
           std::stol(std::string(ValueOf(*session, "bytes"))) > 300'000;
  }));
  ASSERT_FALSE(head_->program().HasEnded());
  ASSERT_TRUE(hostile.AnswerTo(kSnapshot));
  EXPECT_TRUE(Connect(kOther).AnswerTo(kAboutHead));
  EXPECT_FALSE(head_->program().HasEnded());
}

TEST_F(TurnsTest, AStormOfSizesDelaysNobodyAndTheLastOneCounts) {
  StartHostile("printf '\\033[?1049hhello'; exec cat");
  ASSERT_TRUE(TextUntil(
      [&] {
        return OutputOf({Deptyr(), "snapshot", head_->socket(), "hostile"});
      },
      HasSubstr("hello")));
  Guest hostile = Connect(kHostile);
  std::string storm = Encode(Attach{.session = "hostile", .from = From::kNow});
  for (int i = 0; i < 5500; ++i) {
    storm += Encode(i % 2 == 0 ? Resize{.rows = 1000, .cols = 250}
                               : Resize{.rows = 250, .cols = 1000});
  }
  storm += Encode(Resize{.rows = 321, .cols = 123});
  hostile.Say(storm);
  Guest other = Connect(kOther);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(other.AnswerTo(kAboutHead)) << i;
  Guest owner = Connect(kHostile);
  EXPECT_TRUE(WaitFor([&] {
    const auto session = owner.AnswerTo(kStatus);
    return session && ValueOf(*session, "rows") == "321" &&
           ValueOf(*session, "cols") == "123";
  }));
}

}  // namespace
}  // namespace deptyr
