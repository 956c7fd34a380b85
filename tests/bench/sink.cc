// meter sink: clients that read what a flood brings them.
//
//   --kind text|bytes
//   --bytes N      the program writes so many, then the clients have seen all
//   --seconds S    or: the programs write for so long; 0: until this is ended
//   --idle N       clients more of each session that never read
//
// One line of JSON says what came of it.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "tests/bench/meter_clients.h"

namespace bench {
namespace {

constexpr int kStalled = 10;      // ticks without a byte
constexpr double kPatience = 20;  // seconds, where nobody reads

// The part of a flood that one client has got.
struct Got {
  explicit Got(const Client& client)
      : tail(client.exact() ? Tail::kExact : Tail::kRedrawn) {}

  uint64_t bytes = 0;
  Tail tail;
  bool ended = false;
  bool intact = true;
};

class Sink {
 public:
  explicit Sink(const Options& options)
      : options_(options),
        ends_(Connected(options)),
        reader_(ends_.clients),
        got_(ends_.clients.begin(), ends_.clients.end()),
        pattern_(FloodBlockAsRead(options.kind)) {
    block_ = pattern_.size();
    expected_ = options.bytes / FloodBlock(options.kind).size() * block_;
    pattern_ += pattern_.substr(0, kLook);
    for (const Client& client : ends_.clients) {
      if (client.reads()) continue;
      reader_.Forget(client);
      ++idle_;
    }
  }

  void UntilEnd();
  void ForSomeTime();

 private:
  static constexpr size_t kLook = 32;  // bytes compared of each read

  void Receive(Client& client);
  bool ProgramsAreDone();
  size_t Reading() const { return got_.size() - idle_; }

  const Options& options_;
  Ends ends_;
  Reader reader_;
  std::vector<Got> got_;
  std::string pattern_;
  size_t block_ = 0;
  uint64_t expected_ = 0;
  size_t idle_ = 0;
  size_t finished_ = 0;
  uint64_t total_ = 0;
};

void Sink::Receive(Client& client) {
  Got& got = got_[static_cast<size_t>(&client - ends_.clients.data())];
  const absl::string_view bytes = client.Read();
  // A loss or a mix-up shifts everything after it, so checking each read's
  // beginning is enough.
  if (client.exact() && got.bytes + kLook <= expected_) {
    got.intact =
        got.intact && std::memcmp(bytes.data(), &pattern_[got.bytes % block_],
                                  std::min(bytes.size(), kLook)) == 0;
  }
  got.bytes += bytes.size();
  total_ += bytes.size();
  got.tail.Append(bytes);
  got.ended = Sees(client, got.tail, kEnd);
  if (!got.ended && !client.closed()) return;
  reader_.Forget(client);
  ++finished_;
}

bool Sink::ProgramsAreDone() {
  return std::all_of(ends_.controls.begin(), ends_.controls.end(), [](int fd) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, 0) > 0;
  });
}

void Sink::UntilEnd() {
  const uint64_t memory = Memory(options_.relay);
  const uint64_t cpu = CpuTime(options_.relay);
  const Clock::time_point start = Clock::now();
  ends_.Order("flood " + options_.kind + " " + std::to_string(options_.bytes));
  uint64_t total_before = 0;
  int quiet = 0;
  Clock::time_point tick = start;
  while (quiet < kStalled &&
         (finished_ < Reading() || (Reading() == 0 && !ProgramsAreDone()))) {
    if (Reading() == 0) {
      pollfd polled{ends_.controls[0], POLLIN, 0};
      (void)::poll(&polled, 1, 100);
      if (SecondsSince(start) > kPatience) break;
      continue;
    }
    reader_.Turn([this](Client& client) { Receive(client); });
    if (SecondsSince(tick) < 0.1) continue;
    tick = Clock::now();
    quiet = total_ == total_before ? quiet + 1 : 0;
    total_before = total_;
    // A peer that drops output may have dropped the end of it.
    if (quiet > 0 && ProgramsAreDone()) ends_.Order(std::string("say ") + kEnd);
  }
  const double took = SecondsSince(start);
  const double relay_cpu =
      static_cast<double>(CpuTime(options_.relay) - cpu) / 1e9;
  const bool done = ProgramsAreDone();
  double program = 0;
  if (done) {
    const Words words = Split(ReadLine(ends_.controls[0]).value_or(""), ' ');
    if (words.size() == 3) program = std::stod(words[1]);
  }
  const uint64_t marker = std::strlen(kEnd) + (options_.kind == "text" ? 3 : 2);
  uint64_t least = expected_ + marker;
  size_t ended = 0;
  bool intact = true;
  for (size_t i = 0; i < got_.size(); ++i) {
    if (!ends_.clients[i].reads()) continue;
    least = std::min(least, got_[i].bytes);
    ended += got_[i].ended ? 1 : 0;
    intact = intact && got_[i].intact && got_[i].bytes == expected_ + marker;
  }
  std::printf(
      "{\"seconds\": %.6f, \"program_seconds\": %.6f, \"cpu\": %.6f, "
      "\"done\": %s, \"clients\": %zu, \"ended\": %zu, \"intact\": %s, "
      "\"received\": %llu, \"expected\": %llu, \"least\": %.4f, "
      "\"memory\": %lld}\n",
      took, program, relay_cpu, done ? "true" : "false", Reading(), ended,
      intact ? "true" : "false", static_cast<unsigned long long>(total_),
      static_cast<unsigned long long>(expected_),
      Reading() == 0 ? 0
                     : static_cast<double>(least) /
                           static_cast<double>(expected_ + marker),
      static_cast<long long>(Memory(options_.relay)) -
          static_cast<long long>(memory));
}

void Sink::ForSomeTime() {
  ends_.Order("flood " + options_.kind + " 0");
  const auto run = [this](double seconds) {
    const Clock::time_point start = Clock::now();
    while (SecondsSince(start) < seconds) {
      if (got_.empty()) {
        (void)::poll(nullptr, 0, static_cast<int>(seconds * 1000));
      } else {
        reader_.Turn([this](Client& client) { Receive(client); });
      }
    }
  };
  if (options_.seconds == 0) {
    std::printf("running\n");
    (void)std::fflush(stdout);
    run(1e5);
  }
  run(0.2);  // to warm up
  const uint64_t cpu = CpuTime(options_.relay);
  std::vector<Got> before = got_;
  const Clock::time_point start = Clock::now();
  run(options_.seconds);
  const double took = SecondsSince(start);
  std::vector<double> rates(ends_.controls.size());
  if (got_.empty()) {
    ends_.Order("stop");
    for (size_t i = 0; i < rates.size(); ++i) {
      const Words words = Split(ReadLine(ends_.controls[i]).value_or(""), ' ');
      if (words.size() != 3) Die("a program ended early");
      rates[i] = std::stod(words[2]) / std::stod(words[1]);
    }
  }
  for (size_t i = 0; i < got_.size(); ++i) {
    rates[ends_.clients[i].session()] +=
        static_cast<double>(got_[i].bytes - before[i].bytes) / took;
  }
  std::printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"rates\": [", took,
              static_cast<double>(CpuTime(options_.relay) - cpu) / 1e9);
  for (size_t i = 0; i < rates.size(); ++i) {
    std::printf("%s%.0f", i == 0 ? "" : ", ", rates[i]);
  }
  std::printf("]}\n");
}

}  // namespace

int RunSink(const Words& words) {
  const Options options = ParseOptions(words);
  Sink sink(options);
  if (options.bytes > 0) {
    sink.UntilEnd();
  } else {
    sink.ForSomeTime();
  }
  return 0;
}

}  // namespace bench
