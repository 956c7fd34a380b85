// Much, to many, both ways: every byte, in order, and nothing kept.
//
//   DEPTYR_TEST_GIB=1       a GiB where it is 64 MiB else
//   DEPTYR_TEST_SECONDS=60  of clients that come and go, where it is 10 else

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include <gmock/gmock.h>

#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/frames.h"
#include "tests/support/noise.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr size_t kMiB = 1 << 20;
// Head never takes more than its code, a ring of 1 MiB and its clients.
constexpr size_t kMostMemory = 32 << 10;  // KiB

size_t FromEnvironment(const char* name, size_t otherwise) {
  const char* const text = std::getenv(name);
  size_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

size_t PeakMemoryOf(pid_t pid) {
  const std::string peak = StatusFieldOf(pid, "VmHWM:");
  size_t kibibytes = 0;
  EXPECT_TRUE(absl::SimpleAtoi(peak.substr(0, peak.find(' ')), &kibibytes));
  return kibibytes;
}

class RelayTest : public testing::Test {
 protected:
  // Deadlines are for a GiB on a busy machine.
  static constexpr absl::Duration kLongDeadline = absl::Minutes(4);

  // A client that gets no turn for 100 ms is behind, too; unless that is what
  // is tested, everybody is waited for.
  void Begin(const std::vector<std::string>& program,
             const std::string& when_behind = "block") {
    (void)RaiseDescriptorLimit();
    body_.reset();
    head_.reset();
    head_.emplace(std::vector<std::string>{"--when-behind", when_behind,
                                           "--raw", raw_, "--uwsgi", framed_});
    ASSERT_TRUE(head_->ready()) << head_->log().text();
    body_.emplace(head_->socket(), std::vector<std::string>{}, program);
  }
  // Attaches, and reads past the program's "ready".
  Connection Attach(const std::string& address) {
    Connection client = Connection::To(address);
    EXPECT_TRUE(client.output().Until("ready\n"));
    client.output().Forget();
    return client;
  }
  void RelayTo(size_t clients, size_t size);
  void TypeNoise(const Connection& client, bool framed, size_t size);

  TempDir folder_;
  const std::string raw_ = folder_ / "raw";
  const std::string framed_ = folder_ / "framed";
  std::optional<HeadProcess> head_;
  std::optional<BodyProcess> body_;
};

// Takes a byte a second, when asked often.
class SlowReader {
 public:
  explicit SlowReader(const Connection* client) : client_(client) {}
  void Read() {
    if (client_ == nullptr || absl::Now() < next_) return;
    std::array<char, 1> byte;
    (void)ReadSome(client_->fd(), byte);
    next_ = absl::Now() + absl::Seconds(1);
  }

 private:
  const Connection* client_;
  absl::Time next_ = absl::Now();
};

// Reads until each of the clients has `size` bytes of noise.
testing::AssertionResult ReadNoise(const std::vector<Connection>& clients,
                                   size_t size, absl::Duration deadline,
                                   SlowReader slow = SlowReader(nullptr)) {
  const absl::Time until = absl::Now() + deadline;
  const Noise noise(kDownNoise);
  std::vector<pollfd> polls;
  std::vector<size_t> counts(clients.size());
  for (const Connection& client : clients) {
    polls.push_back({client.fd(), POLLIN, 0});
  }
  for (size_t open = clients.size(); open > 0;) {
    if (absl::Now() > until) {
      return testing::AssertionFailure() << open << " are still without all";
    }
    (void)::poll(polls.data(), polls.size(), 1000);
    slow.Read();
    for (size_t i = 0; i < polls.size(); ++i) {
      if (polls[i].fd < 0 || polls[i].revents == 0) continue;
      std::array<char, 1 << 16> room;
      const IoResult got = ReadSome(polls[i].fd, room);
      if (got.state == IoState::kWouldBlock) continue;
      if (!noise.Matches(counts[i], {room.data(), got.bytes}) ||
          got.state != IoState::kDone) {
        return testing::AssertionFailure()
               << "client " << i << " differs after " << counts[i] << " bytes";
      }
      counts[i] += got.bytes;
      if (counts[i] < size) continue;
      polls[i].fd = -1;
      --open;
    }
  }
  return testing::AssertionSuccess();
}

void RelayTest::RelayTo(size_t count, size_t size) {
  Begin({Traffic(), "write", absl::StrCat(size)});
  std::vector<Connection> clients;
  for (size_t i = 0; i < count; ++i) {
    clients.push_back(Attach(i % 2 == 0 ? raw_ : framed_));
  }
  const absl::Time start = absl::Now();
  clients[0].Send("x");
  EXPECT_TRUE(ReadNoise(clients, size, kLongDeadline));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  std::printf("%zu MiB to %zu clients: %.2f s, %.0f MiB/s each\n", size / kMiB,
              count, seconds, static_cast<double>(size / kMiB) / seconds);
  EXPECT_LT(PeakMemoryOf(head_->pid()), kMostMemory);
}

TEST_F(RelayTest, EveryByteReachesOneClient) {
  RelayTo(1,
          FromEnvironment("DEPTYR_TEST_GIB", 0) > 0 ? 1024 * kMiB : 64 * kMiB);
}

TEST_F(RelayTest, EveryByteReachesThreeClientsOfBothKinds) {
  RelayTo(3,
          FromEnvironment("DEPTYR_TEST_GIB", 0) > 0 ? 1024 * kMiB : 64 * kMiB);
}

TEST_F(RelayTest, EveryByteReachesFiftyClients) {
  RelayTo(50, 16 * kMiB);
}

// There are two others: one never reads, and one takes a byte a second.
TEST_F(RelayTest, EveryByteReachesNinetyEightBesideTwoThatDoNotRead) {
  constexpr size_t kSize = 16 * kMiB;
  // If the machine stands still while one reads, head takes it for a third; but
  // not time and again.
  constexpr int kRounds = 5;
  testing::AssertionResult all = testing::AssertionFailure();
  for (int round = 0; round < kRounds && !all; ++round) {
    Begin({Traffic(), "write", absl::StrCat(kSize)}, "skip");
    const Connection stuck = Attach(raw_);
    const Connection slow = Attach(framed_);
    std::vector<Connection> clients;
    for (size_t i = 0; i < 98; ++i) {
      clients.push_back(Attach(i % 2 == 0 ? raw_ : framed_));
    }
    clients[0].Send("x");
    all = ReadNoise(clients, kSize, kLongDeadline, SlowReader(&slow));
    EXPECT_LT(PeakMemoryOf(head_->pid()), kMostMemory);
  }
  EXPECT_TRUE(all);
}

// --- up

void RelayTest::TypeNoise(const Connection& client, bool framed, size_t size) {
  const Noise noise(kUpNoise);
  std::mt19937 random(1);
  for (size_t sent = 0; sent < size;) {
    const size_t most = std::min(size - sent, kLongestPayload);
    const auto piece = noise.At(sent, 1 + random() % most);
    client.Send(framed ? KeysFrame(piece) : std::string(piece));
    sent += piece.size();
  }
}

TEST_F(RelayTest, EveryByteOfARawClientReachesTheProgram) {
  constexpr size_t kSize = 8 * kMiB;
  Begin({Traffic(), "read", absl::StrCat(kSize)});
  Connection client = Attach(raw_);
  TypeNoise(client, /*framed=*/false, kSize);
  EXPECT_TRUE(
      client.output().Until(absl::StrCat("read ", kSize, " as sent\n")));
}

TEST_F(RelayTest, EveryByteOfAFramedClientReachesTheProgram) {
  constexpr size_t kSize = 8 * kMiB;
  Begin({Traffic(), "read", absl::StrCat(kSize)});
  Connection client = Attach(framed_);
  TypeNoise(client, /*framed=*/true, kSize);
  EXPECT_TRUE(
      client.output().Until(absl::StrCat("read ", kSize, " as sent\n")));
}

// --- both ways at once

TEST_F(RelayTest, APasteAndAFloodPassEachOther) {
  constexpr size_t kSize = 10 * kMiB;
  Begin({Traffic(), "both", absl::StrCat(kSize), absl::StrCat(kSize)});
  Connection client = Attach(raw_);
  const Noise down(kDownNoise);
  const Noise up(kUpNoise);
  const std::string wanted = absl::StrCat("read ", kSize, " as sent\n");
  client.Send("x");
  size_t sent = 0;
  size_t received = 0;
  std::string last_words;
  const absl::Time until = absl::Now() + kLongDeadline;
  while (!absl::StrContains(last_words, wanted) && absl::Now() < until) {
    pollfd socket{client.fd(), POLLIN, 0};
    if (sent < kSize) socket.events |= POLLOUT;
    (void)::poll(&socket, 1, 1000);
    if ((socket.revents & POLLOUT) != 0) {
      sent += client.SendSome(up.At(sent, kSize - sent));
    }
    std::array<char, 1 << 16> room;
    const IoResult got = ReadSome(client.fd(), room);
    absl::string_view bytes(room.data(), got.bytes);
    const absl::string_view noise = bytes.substr(0, kSize - received);
    ASSERT_TRUE(down.Matches(received, noise)) << "after " << received;
    received += noise.size();
    bytes.remove_prefix(noise.size());
    last_words.append(bytes.data(), bytes.size());
    ASSERT_NE(got.state, IoState::kEnd) << last_words;
  }
  EXPECT_EQ(sent, kSize);
  EXPECT_EQ(received, kSize);
  EXPECT_EQ(last_words, wanted);
  EXPECT_LT(PeakMemoryOf(head_->pid()), kMostMemory);
}

TEST_F(RelayTest, AnInterruptPassesAnothersPaste) {
  Begin({Traffic(), "signals"});
  Connection pastes = Attach(raw_);
  Connection types = Attach(framed_);
  const std::string paste(10 * kMiB, 'x');
  size_t sent = 0;
  // A key that comes before everything is full is behind the paste for good.
  EXPECT_TRUE(WaitFor([&] {
    sent += pastes.SendSome(absl::string_view(paste).substr(sent));
    types.Send(KeysFrame("\x03"));
    return static_cast<bool>(
        types.output().Until(HasSubstr("signal 2\n"), absl::Milliseconds(10)));
  }));
  EXPECT_LT(sent, paste.size());
  EXPECT_LT(PeakMemoryOf(head_->pid()), kMostMemory);
}

// --- coming and going

// Reads lines, each with the next number, until the program says that it is
// over. Returns the last number, or nothing if one was wrong.
class Follower {
 public:
  explicit Follower(const std::string& address)
      : client_(Connection::To(address)) {}

  int fd() const { return client_.fd(); }
  bool over() const { return over_; }
  size_t next() const { return next_; }
  // False if a line is missing.
  bool Read() {
    std::array<char, 1 << 16> room;
    const IoResult got = ReadSome(client_.fd(), room);
    if (got.state == IoState::kEnd || got.state == IoState::kError) {
      return false;
    }
    rest_.append(room.data(), got.bytes);
    size_t start = 0;
    for (size_t end = 0; (end = rest_.find('\n', start)) != rest_.npos;
         start = end + 1) {
      const absl::string_view line =
          absl::string_view(rest_).substr(start, end - start);
      if (line == "ready") continue;
      over_ = line == "over";
      size_t number = 0;
      if (over_) continue;
      if (!absl::SimpleAtoi(line, &number) || number != next_) {
        std::fprintf(stderr, "wanted line %zu, got \"%s\"\n", next_,
                     std::string(line).c_str());
        return false;
      }
      ++next_;
    }
    rest_.erase(0, start);
    return true;
  }

 private:
  Connection client_;
  std::string rest_;
  size_t next_ = 0;
  bool over_ = false;
};

// A process of its own, that has nothing else to do.
int Follow(const std::vector<std::string>& addresses, int ready) {
  std::vector<Follower> followers;
  for (const std::string& address : addresses) followers.emplace_back(address);
  (void)!::write(ready, "\n", 1);
  for (;;) {
    std::vector<pollfd> polls;
    for (const Follower& follower : followers) {
      polls.push_back({follower.over() ? -1 : follower.fd(), POLLIN, 0});
    }
    if (::poll(polls.data(), polls.size(), -1) < 0) return 2;
    bool all_over = true;
    for (size_t i = 0; i < followers.size(); ++i) {
      if (polls[i].revents != 0 && !followers[i].Read()) return 3;
      all_over = all_over && followers[i].over();
    }
    if (!all_over) continue;
    for (const Follower& follower : followers) {
      if (follower.next() != followers[0].next()) return 4;
    }
    std::printf("%zu\n", followers[0].next());
    return 0;
  }
}

// Does things to one of many clients, by chance.
class Crowd {
 public:
  Crowd(size_t size, std::vector<std::string> addresses)
      : addresses_(std::move(addresses)), members_(size) {}

  void ActOnce() {
    std::optional<Connection>& member = members_[random_() % members_.size()];
    if (!member) {
      const bool framed = random_() % 2 == 0;
      member.emplace(Connection::To(addresses_[framed ? 1 : 0]));
      ++connections_;
      // The program ends at a key, so none is typed.
      if (framed) member->Send(SizeFrames(Side(), Side()));
      return;
    }
    switch (random_() % 4) {
      case 0:  // reads much, or never did
      case 1: {
        std::array<char, 1 << 16> room;
        (void)ReadSome(member->fd(), room);
        return;
      }
      case 2:
        member->HalfClose();
        return;
      default:
        member.reset();
    }
  }
  size_t connections() const { return connections_; }
  void Leave() { members_.clear(); }

 private:
  uint16_t Side() { return static_cast<uint16_t>(10 + random_() % 100); }

  const std::vector<std::string> addresses_;
  std::mt19937 random_{1};
  std::vector<std::optional<Connection>> members_;
  size_t connections_ = 0;
};

TEST_F(RelayTest, AThousandComeAndGoAndNobodyElseFeelsIt) {
  const std::string report = folder_ / "report";
  Begin({Traffic(), "lines", report}, "skip");
  ASSERT_TRUE(head_->log().Until(HasSubstr("registered")));
  const size_t fds_before = CountFdsOf(head_->pid());

  const LogFile followed;
  Pipe pipe;
  Program followers = Program::Fork(
      [&] {
        return Follow({raw_, framed_, raw_}, pipe.write_end.get());
      },
      {.fds = {{followed.fd(), 1},
               {pipe.write_end.get(), pipe.write_end.get()}}});
  ASSERT_NE(WaitForEvents(pipe.read_end.get(), POLLIN), 0);

  Crowd crowd(1000, {raw_, framed_});
  const absl::Time end =
      absl::Now() + absl::Seconds(static_cast<int>(
                        FromEnvironment("DEPTYR_TEST_SECONDS", 10)));
  while (absl::Now() < end && !followers.HasEnded()) crowd.ActOnce();
  crowd.Leave();

  Connection::To(raw_).Send("x");
  ASSERT_EQ(followers.Wait(kLongDeadline), ExitStatus{}) << followed.text();
  const std::vector<std::string> said =
      absl::StrSplit(ReadFile(report), absl::ByAnyChar(" \n"));
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(absl::StrCat(said[0], "\n"), followed.text());
  std::printf(
      "%zu connections while %s lines were written; the program's "
      "longest wait: %s ms\n",
      crowd.connections(), said[0].c_str(), said[1].c_str());
  int longest_wait = 0;
  ASSERT_TRUE(absl::SimpleAtoi(said[1], &longest_wait));
  EXPECT_LT(absl::Milliseconds(longest_wait), kDeadline);
  EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head_->pid()) <= fds_before; }))
      << CountFdsOf(head_->pid()) << ", before: " << fds_before;
  EXPECT_LT(PeakMemoryOf(head_->pid()), kMostMemory);
}

}  // namespace
}  // namespace deptyr
