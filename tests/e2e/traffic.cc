// Programs that write and read much, or listen well: what the tests of clients
// run under body.  All are raw, so that no byte is another's.
//
//   traffic write N    on a key, writes N bytes of noise; waits for the end
//   traffic read N     reads N bytes; says whether they are the noise
//   traffic both N M   on a key, writes N bytes of noise and slowly reads M;
//                      says whether they are the noise
//   traffic lines FILE writes numbered lines until a key comes; FILE then says
//                      how many, and the longest wait for one
//   traffic numbers FILE
//                      numbered lines, as fast as can be, from a key to the
//                      next; FILE then says how many
//   traffic sizes      says how large its terminal is, again on SIGWINCH, with
//                      a count; sends back what is typed
//   traffic signals    reads nothing; says which signals come, and so of keys
//   traffic asks       on a key, asks what it is and where the cursor is; says
//                      how many answers there were when 'q' comes

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/support/noise.h"

namespace {

using deptyr::Noise;

enum class Interrupts { kAreKeys, kAreSignals };

void MakeRaw(Interrupts interrupts) {
  termios settings{};
  ::tcgetattr(0, &settings);
  ::cfmakeraw(&settings);
  // Without NOFLSH an interrupt would throw away what we have written.
  if (interrupts == Interrupts::kAreSignals) settings.c_lflag |= ISIG | NOFLSH;
  ::tcsetattr(0, TCSANOW, &settings);
}

void Say(const std::string& text) {
  (void)!::write(1, text.data(), text.size());
}

// Reads one byte; false at the end of input.
bool Key() {
  char key = 0;
  return ::read(0, &key, 1) == 1;
}

void WaitForInputsEnd() {
  while (Key()) {
  }
}

void WriteNoise(size_t count) {
  const Noise noise(deptyr::kDownNoise);
  for (size_t done = 0; done < count;) {
    constexpr size_t kMost = 65536;
    const auto bytes = noise.At(done, std::min(kMost, count - done));
    const ssize_t wrote = ::write(1, bytes.data(), bytes.size());
    if (wrote <= 0) std::exit(1);
    done += static_cast<size_t>(wrote);
  }
}

int Write(size_t count) {
  Say("ready\n");
  if (!Key()) return 1;
  WriteNoise(count);
  WaitForInputsEnd();
  return 0;
}

// The bytes read so far, and whether each was the one it had to be.
class Reader {
 public:
  bool Read(size_t most) {
    std::array<char, 65536> room;
    const ssize_t got = ::read(0, room.data(), std::min(most, room.size()));
    if (got <= 0) return false;
    const auto size = static_cast<size_t>(got);
    as_sent_ = as_sent_ && noise_.Matches(count_, {room.data(), size});
    count_ += size;
    return true;
  }
  size_t count() const { return count_; }
  void Report() const {
    Say("read " + std::to_string(count_) +
        (as_sent_ ? " as sent\n" : " other than sent\n"));
  }

 private:
  const Noise noise_{deptyr::kUpNoise};
  size_t count_ = 0;
  bool as_sent_ = true;
};

int Read(size_t count) {
  Say("ready\n");
  Reader reader;
  while (reader.count() < count && reader.Read(count - reader.count())) {
  }
  reader.Report();
  WaitForInputsEnd();
  return 0;
}

int Both(size_t write_count, size_t read_count) {
  Say("ready\n");
  if (!Key()) return 1;
  const Noise noise(deptyr::kDownNoise);
  Reader reader;
  size_t written = 0;
  while (written < write_count || reader.count() < read_count) {
    pollfd terminal{0, 0, 0};
    if (written < write_count) terminal.events |= POLLOUT;
    // It reads slowly, a little for much that is written.
    if (reader.count() < read_count) terminal.events |= POLLIN;
    if (::poll(&terminal, 1, -1) < 0) return 1;
    if ((terminal.revents & POLLOUT) != 0) {
      constexpr size_t kMost = 1024;  // fits in, once there is room
      const auto bytes =
          noise.At(written, std::min(kMost, write_count - written));
      const ssize_t wrote = ::write(1, bytes.data(), bytes.size());
      if (wrote > 0) written += static_cast<size_t>(wrote);
    }
    if ((terminal.revents & POLLIN) != 0 && !reader.Read(1000)) return 1;
  }
  reader.Report();
  WaitForInputsEnd();
  return 0;
}

int Lines(const char* path) {
  using Clock = std::chrono::steady_clock;
  Clock::duration longest{};
  size_t count = 0;
  Say("ready\n");
  for (;; ++count) {
    pollfd input{0, POLLIN, 0};
    if (::poll(&input, 1, 0) > 0) break;
    std::array<char, 64> line;
    const int size = std::snprintf(line.data(), line.size(), "%015zu\n", count);
    const auto before = Clock::now();
    if (::write(1, line.data(), static_cast<size_t>(size)) != size) return 1;
    longest = std::max(longest, Clock::now() - before);
  }
  std::FILE* const file = std::fopen(path, "we");
  if (file == nullptr) return 1;
  std::fprintf(
      file, "%zu %lld\n", count,
      static_cast<long long>(
          std::chrono::duration_cast<std::chrono::milliseconds>(longest)
              .count()));
  std::fclose(file);
  Say("over\n");
  while (Key()) {
  }
  return 0;
}

int Numbers(const char* path) {
  Say("ready\n");
  if (!Key()) return 1;
  size_t count = 0;
  pollfd input{0, POLLIN, 0};
  while (::poll(&input, 1, 0) == 0) {
    std::array<char, 4096> lines;
    for (size_t at = 0; at < lines.size(); at += 16, ++count) {
      char* const line = lines.data() + at;
      size_t rest = count;
      for (size_t digit = 15; digit-- > 0; rest /= 10) {
        line[digit] = static_cast<char>('0' + rest % 10);
      }
      line[15] = '\n';
    }
    for (size_t done = 0; done < lines.size();) {
      const ssize_t wrote =
          ::write(1, lines.data() + done, lines.size() - done);
      if (wrote <= 0) return 1;
      done += static_cast<size_t>(wrote);
    }
  }
  std::FILE* const file = std::fopen(path, "we");
  if (file == nullptr) return 1;
  std::fprintf(file, "%zu\n", count);
  return std::fclose(file) == 0 ? 0 : 1;
}

int Sizes() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGWINCH);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
  const auto say_size = [](int count) {
    winsize size{};
    (void)::ioctl(0, TIOCGWINSZ, &size);
    Say("size " + std::to_string(size.ws_row) + "x" +
        std::to_string(size.ws_col) + " after " + std::to_string(count) + "\n");
  };
  say_size(0);
  for (int count = 0;;) {
    std::array<pollfd, 2> either = {pollfd{signals, POLLIN, 0},
                                    pollfd{0, POLLIN, 0}};
    if (::poll(either.data(), either.size(), -1) < 0) return 1;
    if (either[0].revents != 0) {
      signalfd_siginfo info{};
      (void)!::read(signals, &info, sizeof info);
      say_size(++count);
      continue;
    }
    // It echoes, so that the test knows how far we are.
    std::array<char, 256> room;
    const ssize_t got = ::read(0, room.data(), room.size());
    if (got <= 0) return 0;
    Say({room.data(), static_cast<size_t>(got)});
  }
}

int SaySignals() {
  sigset_t set;
  ::sigfillset(&set);
  ::sigdelset(&set, SIGHUP);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Say("ready\n");
  for (;;) {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) return 1;
    Say("signal " + std::to_string(signal) + "\n");
  }
}

int Asks() {
  Say("ready\n");
  if (!Key()) return 1;
  Say("\x1b[c\x1b[6n");
  std::string input;
  for (;;) {
    std::array<char, 256> room;
    const ssize_t got = ::read(0, room.data(), room.size());
    if (got <= 0) return 1;
    input.append(room.data(), static_cast<size_t>(got));
    // 'q' is in no answer.
    if (input.find('q') == std::string::npos) continue;
    const auto count = [&](char final) {
      return std::to_string(std::count(input.begin(), input.end(), final));
    };
    Say("answers " + count('c') + " and " + count('R') + "\r\n");
    input.clear();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  const auto number = [argv](int i) {
    return static_cast<size_t>(std::atoll(argv[i]));
  };
  MakeRaw(role == "signals" ? Interrupts::kAreSignals : Interrupts::kAreKeys);
  if (role == "write" && argc == 3) return Write(number(2));
  if (role == "read" && argc == 3) return Read(number(2));
  if (role == "both" && argc == 4) return Both(number(2), number(3));
  if (role == "lines" && argc == 3) return Lines(argv[2]);
  if (role == "numbers" && argc == 3) return Numbers(argv[2]);
  if (role == "sizes") return Sizes();
  if (role == "signals") return SaySignals();
  if (role == "asks") return Asks();
  std::fputs("traffic: see tests/e2e/traffic.cc\n", stderr);
  return 100;
}
