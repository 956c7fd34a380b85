// The two ends of a measurement: the program on the PTY, and the clients that
// read what it writes and type to it.  tests/bench/compare puts deptyr, or one
// of its peers, between them.
//
// The ends also talk past it, by lines on a socket, the *control*:
//
//   to the program      say TEXT          writes a line break and TEXT
//                       flood KIND BYTES  writes so many, and kEnd; 0: until
//                                         the next line comes
//                       echo              sends back each key, for good
//   from the program    NUMBER            at the start: which one it is
//                       done SECONDS BYTES  after a flood, what it took
//                       ready             the next key will be sent back
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

inline constexpr char kEnd[] = "<end-of-flood>";

// The programs (programs.cc), the measurements (sink.cc, keys.cc, start.cc).
int RunProgram(const Words& words);
int RunRuntime(const Words& words);
int RunSink(const Words& words);
int RunKeys(const Words& words);
int RunFirst(const Words& words);

// Returns the 64 KiB that a flood writes again and again:
//   text   lines of 127 characters, which the terminal ends with CR LF
//   bytes  printable noise, which passes as it is
std::string FloodBlock(const std::string& kind);
// Returns the same as it comes out of the terminal.
std::string FloodBlockAsRead(const std::string& kind);

// These are in meter_io.cc; a failure ends the process, with a message.
[[noreturn]] void Die(const std::string& what);
double SecondsSince(Clock::time_point start);
int Connect(const std::string& path, int type);  // waits for the listener
void WriteAll(int fd, const std::string& bytes);
std::optional<std::string> ReadLine(int fd);  // nothing at the end
Words Split(const std::string& text, char separator);
// The nanoseconds that these processes have run, with all threads.
uint64_t CpuTime(const std::vector<pid_t>& pids);
// Their own bytes, and their share of shared memory (PSS).
uint64_t Memory(const std::vector<pid_t>& pids);
// Starts a program on a terminal of its own, 80x24; returns the controlling
// end.
int StartOnTerminal(const std::string& command);

}  // namespace bench
