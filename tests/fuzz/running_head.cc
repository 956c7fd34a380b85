#include "tests/fuzz/running_head.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <variant>

#include "absl/time/clock.h"

#include "lib/sys/io.h"
#include "tests/fuzz/stranger.h"
#include "tests/support/temp_dir.h"

namespace deptyr {

void Settle(EventLoop& loop) {
  constexpr int kMostTurns = 100'000;
  bool idle = false;
  const Timer probe = loop.WhenIdle([&idle] { idle = true; });
  int turns = 0;
  while (!idle) Expect(turns++ < kMostTurns && loop.RunOnce().ok());
}

void TurnUntil(EventLoop& loop, absl::FunctionRef<bool()> predicate) {
  constexpr absl::Duration kDeadline = absl::Seconds(20);
  constexpr absl::Duration kLookAgain = absl::Milliseconds(1);
  const absl::Time until = absl::Now() + kDeadline;
  while (!predicate()) {
    const Timer look_again = loop.After(kLookAgain, [] {});
    Expect(absl::Now() < until && loop.RunOnce().ok());
  }
}

std::string ReadAll(int fd, size_t most) {
  std::string text;
  std::array<char, 16 << 10> room;
  while (text.size() < most) {
    const size_t left = std::min(room.size(), most - text.size());
    const IoResult got = ReadSome(fd, {room.data(), left});
    if (got.bytes == 0) break;
    text.append(room.data(), got.bytes);
  }
  return text;
}

std::vector<HeadMessage> TakeMessages(std::string& inbox) {
  std::vector<HeadMessage> messages;
  absl::string_view rest = inbox;
  for (;;) {
    auto message = TakeMessage(rest);
    Expect(message.ok());
    if (!message->has_value()) break;
    messages.push_back(**std::move(message));
  }
  inbox.erase(0, inbox.size() - rest.size());
  return messages;
}

HeadMessage AskHead(EventLoop& loop, const std::string& socket,
                    const Ask& question) {
  const Fd connection = ConnectTo(socket);
  Expect(connection.valid());
  const std::string bytes = Encode(question);
  Expect(WriteSome(connection.get(), bytes).bytes == bytes.size());
  std::string inbox;
  std::vector<HeadMessage> answer;
  TurnUntil(loop, [&] {
    inbox += ReadAll(connection.get());
    for (HeadMessage& message : TakeMessages(inbox)) {
      answer.push_back(std::move(message));
    }
    return !answer.empty() && (std::holds_alternative<Done>(answer.back()) ||
                               std::holds_alternative<Refused>(answer.back()));
  });
  return answer.back();
}

void ExpectAnswers(EventLoop& loop, Head& head) {
  const auto answers = [&](absl::string_view what, absl::string_view session) {
    const Ask question{.what = std::string(what),
                       .fields = {{"session", std::string(session)}}};
    const HeadMessage last = AskHead(loop, head.socket(), question);
    const auto* const refused = std::get_if<Refused>(&last);
    Expect(refused == nullptr || refused->code == kRefusedLimit);
  };
  Settle(loop);  // those who came before are served before
  answers("head", "");
  answers("sessions", "");
  std::vector<std::string> names;
  for (const auto& [name, session] : head.sessions()) names.push_back(name);
  for (const std::string& name : names) {
    answers("status", name);
    answers("snapshot", name);
  }
}

namespace {

size_t CountEntries(const char* path) {
  DIR* const folder = ::opendir(path);
  Expect(folder != nullptr);
  size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  (void)::closedir(folder);
  return count;
}

}  // namespace

size_t CountDescriptors() {
  return CountEntries("/proc/self/fd");
}

size_t CountThreads() {
  return CountEntries("/proc/self/task");
}

void AwaitThreads(size_t count) {
  const absl::Time until = absl::Now() + absl::Seconds(20);
  while (CountThreads() > count) {
    Expect(absl::Now() < until);
    absl::SleepFor(absl::Microseconds(200));
  }
}

const std::string& Folder() {
  static const TempDir folder;
  // For those of another user, too.
  constexpr mode_t kToPass = 0711;
  static const int passable = ::chmod(folder.path().c_str(), kToPass);
  Expect(passable == 0);
  return folder.path();
}

}  // namespace deptyr
