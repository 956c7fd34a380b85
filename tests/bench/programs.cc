// The programs that run on the PTY, and the one that starts them for conmon.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>

#include "tests/bench/meter.h"
#include "tests/bench/send_fd.h"

namespace bench {
namespace {

constexpr size_t kBlock = 65536;
constexpr size_t kLine = 128;

void SetTerminal(bool output_processed) {
  termios modes;
  if (::tcgetattr(STDIN_FILENO, &modes) != 0) Die("not on a terminal");
  ::cfmakeraw(&modes);
  if (output_processed) modes.c_oflag |= OPOST | ONLCR;
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &modes);
}

bool HasInput(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) > 0;
}

void Flood(int control, const std::string& kind, uint64_t bytes) {
  SetTerminal(kind == "text");
  const std::string block = FloodBlock(kind);
  const Clock::time_point start = Clock::now();
  uint64_t sent = 0;
  while (bytes == 0 ? !HasInput(control) : sent < bytes) {
    WriteAll(STDOUT_FILENO, block);
    sent += block.size();
  }
  const double took = SecondsSince(start);
  WriteAll(control,
           "done " + std::to_string(took) + " " + std::to_string(sent) + "\n");
  // This comes last, so that everybody who sees the end finds the rest said.
  WriteAll(STDOUT_FILENO, std::string("\r\n") + kEnd);
}

void Echo(int control) {
  SetTerminal(false);
  WriteAll(control, "ready\n");
  for (;;) {
    pollfd polled[] = {{STDIN_FILENO, POLLIN, 0}, {control, POLLIN, 0}};
    (void)::poll(polled, 2, -1);
    if (polled[1].revents != 0) return;
    char key[64];
    const ssize_t count = ::read(STDIN_FILENO, key, sizeof key);
    if (count <= 0) return;
    (void)!::write(STDOUT_FILENO, key, static_cast<size_t>(count));
  }
}

}  // namespace

std::string FloodBlock(const std::string& kind) {
  std::string block;
  if (kind == "text") {
    while (block.size() < kBlock) {
      std::string line = std::to_string(block.size() / kLine) + ' ';
      while (line.size() < kLine - 1) line += "the quick brown fox ";
      block += line.substr(0, kLine - 1) + '\n';
    }
    return block;
  }
  std::minstd_rand noise;
  while (block.size() < kBlock) {
    block += static_cast<char>(' ' + noise() % 95);
  }
  return block;
}

std::string FloodBlockAsRead(const std::string& kind) {
  std::string block;
  for (const char byte : FloodBlock(kind)) {
    if (byte == '\n') block += '\r';
    block += byte;
  }
  return block;
}

// meter program CONTROL NUMBER [CONTROL-OF-OTHERS]
//
// All but number 0 belong to the second control, if there is one, and count
// from 0 there.
int RunProgram(const Words& words) {
  if (words.size() < 2) return 100;
  SetTerminal(true);
  const int number = std::stoi(words[1]);
  const bool other = number > 0 && words.size() > 2;
  const int control = Connect(words[other ? 2 : 0], SOCK_STREAM);
  WriteAll(control, std::to_string(other ? number - 1 : number) + "\n");
  while (const std::optional<std::string> line = ReadLine(control)) {
    const Words order = Split(*line, ' ');
    if (order[0] == "say") WriteAll(STDOUT_FILENO, "\r\n" + order[1]);
    if (order[0] == "flood") Flood(control, order[1], std::stoull(order[2]));
    if (order[0] == "echo") Echo(control);
  }
  return 0;  // whoever measures has gone
}

// Plays an OCI runtime for conmon: it makes the terminal, sends its controlling
// end to the console socket, and leaves the program behind.
//
//   meter runtime create --bundle FOLDER --pid-file FILE --console-socket
//   SOCKET
//
// The words of the program are the lines of FOLDER/program.
int RunRuntime(const Words& words) {
  std::string bundle;
  std::string pid_file;
  std::string console;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--bundle") bundle = words[i + 1];
    if (words[i] == "--pid-file") pid_file = words[i + 1];
    if (words[i] == "--console-socket") console = words[i + 1];
  }
  if (console.empty()) return 0;  // conmon cleans up
  int controller = -1;
  const pid_t pid = ::forkpty(&controller, nullptr, nullptr, nullptr);
  if (pid == 0) {
    Words program;
    std::ifstream lines(bundle + "/program");
    for (std::string line; std::getline(lines, line);) program.push_back(line);
    std::vector<char*> argv;
    for (std::string& word : program) argv.push_back(word.data());
    argv.push_back(nullptr);
    (void)::execv(argv[0], argv.data());
    ::_exit(127);
  }
  const int socket = Connect(console, SOCK_STREAM);
  if (!SendFd(socket, "/dev/ptmx", controller)) Die("sendmsg");
  std::ofstream(pid_file) << pid;
  return 0;
}

}  // namespace bench
