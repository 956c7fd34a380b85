#include "tests/support/deptyr.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace deptyr {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    std::fprintf(stderr, "%s is not set: run the tests by meson test\n", name);
    std::abort();
  }
  return value;
}

ProgramOptions WithOutput(ProgramOptions how, const LogFile& said) {
  how.fds.emplace_back(said.fd(), 1);
  how.fds.emplace_back(said.fd(), 2);
  return how;
}

std::vector<std::string> Join(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

std::string Deptyr() {
  return FromEnvironment("DEPTYR");
}
std::string Actor() {
  return FromEnvironment("DEPTYR_ACTOR");
}
std::string Traffic() {
  return FromEnvironment("DEPTYR_TRAFFIC");
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, absl::string_view text) {
  std::ofstream(path) << text;
}

std::string Quote(absl::string_view word) {
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string Quote(const std::vector<std::string>& words) {
  return absl::StrJoin(words, " ", [](std::string* out, const auto& word) {
    absl::StrAppend(out, Quote(word));
  });
}

testing::AssertionResult TextUntil(
    absl::FunctionRef<std::string()> read,
    const testing::Matcher<const std::string&>& matcher,
    absl::Duration deadline) {
  std::string text;
  const bool matched = WaitFor(
      [&] {
        text = read();
        return matcher.Matches(text);
      },
      deadline);
  if (matched) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "wanted: " << testing::DescribeMatcher<const std::string&>(matcher)
         << "; got:\n"
         << text;
}

LogFile::LogFile() : fd_(::memfd_create("log", MFD_CLOEXEC)) {
  if (::fcntl(fd_.get(), F_SETFL, O_APPEND) != 0) std::abort();
}

std::string LogFile::text() const {
  std::string text;
  std::array<char, 65536> room;
  for (;;) {
    const ssize_t count = ::pread(fd_.get(), room.data(), room.size(),
                                  static_cast<off_t>(text.size()));
    if (count <= 0) return text;
    text.append(room.data(), static_cast<size_t>(count));
  }
}

std::vector<std::string> LogFile::lines() const {
  return absl::StrSplit(text(), '\n', absl::SkipEmpty());
}

testing::AssertionResult LogFile::Until(
    const testing::Matcher<const std::string&>& matcher) const {
  return TextUntil([this] { return text(); }, matcher);
}

std::string OutputOf(const std::vector<std::string>& argv,
                     const ProgramOptions& options) {
  const LogFile said;
  const LogFile complained;
  ProgramOptions how = options;
  how.fds.emplace_back(said.fd(), 1);
  how.fds.emplace_back(complained.fd(), 2);
  Program program = Program::Start(argv, how);
  const auto end = program.Wait();
  if (end != ExitStatus{}) {
    ADD_FAILURE() << absl::StrJoin(argv, " ") << ": "
                  << (end ? Describe(*end) : "no end") << ": "
                  << complained.text();
  }
  return said.text();
}

BodyProcess::BodyProcess(const std::string& socket,
                         const std::vector<std::string>& options,
                         const std::vector<std::string>& program,
                         ProgramOptions how)
    : program_(Program::Start(
          Join(Join(Join({Deptyr(), "body"}, options), {socket, "--"}),
               program),
          WithOutput(std::move(how), said_))) {}

bool BodyProcess::WaitExecuted() const {
  const std::string own = ExeOf(getpid());
  return WaitFor([&] {
    const std::string exe = ExeOf(pid());
    return program_.HasEnded() || (exe != own && exe != Deptyr());
  });
}

HeadProcess::HeadProcess(const std::vector<std::string>& options,
                         HeadProcessOptions more)
    : socket_(more.socket.empty() ? folder_ / "head.sock" : more.socket),
      program_([&] {
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        constexpr int kReadyFd = 40;
        const auto or_else = [](int fd, int other) {
          return fd < 0 ? other : fd;
        };
        ProgramOptions how = std::move(more.how);
        how.fds.emplace_back(or_else(more.stdin_fd, null.get()), 0);
        how.fds.emplace_back(log_.fd(), 1);
        how.fds.emplace_back(or_else(more.stderr_fd, log_.fd()), 2);
        how.fds.emplace_back(ready_pipe_.write_end.get(), kReadyFd);
        return Program::Start(
            Join(Join(Join(more.wrapper, {Deptyr(), "head", "--ready-fd",
                                          absl::StrCat(kReadyFd)}),
                      options),
                 {socket_}),
            how);
      }()) {
  ready_pipe_.write_end.Reset();
  if (!more.at_once) (void)WaitReady();
}

bool HeadProcess::HasSaid() const {
  return WaitForEvents(ready_pipe_.read_end.get(), POLLIN,
                       absl::ZeroDuration()) != 0;
}

bool HeadProcess::WaitReady() {
  // There is a byte when it is ready, and an end of file if it ends instead.
  ready_ = (WaitForEvents(ready_pipe_.read_end.get(), POLLIN) & POLLIN) != 0;
  return ready_;
}

std::optional<ExitStatus> HeadProcess::Stop() {
  program_.Signal(SIGTERM);
  return program_.Wait();
}

size_t CountFdsOf(pid_t pid) {
  size_t count = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(
           absl::StrCat("/proc/", pid, "/fd"), gone)) {
    const std::string target =
        std::filesystem::read_symlink(entry.path(), gone);
    if (!absl::StartsWith(target, "/memfd:deptyr-ring")) ++count;
  }
  return count;
}

std::string StatusFieldOf(pid_t pid, absl::string_view field) {
  const std::string status = ReadFile(absl::StrCat("/proc/", pid, "/status"));
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (absl::StartsWith(line, field)) {
      return std::string(absl::StripAsciiWhitespace(line.substr(field.size())));
    }
  }
  return "";
}

long OwnKilobytes(pid_t pid) {
  long total = 0;
  for (absl::string_view line : absl::StrSplit(
           ReadFile(absl::StrCat("/proc/", pid, "/smaps_rollup")), '\n')) {
    if (!absl::ConsumePrefix(&line, "Pss_Anon:") &&
        !absl::ConsumePrefix(&line, "Pss_Shmem:")) {
      continue;
    }
    long kilobytes = 0;
    line = absl::StripAsciiWhitespace(line);
    (void)absl::SimpleAtoi(line.substr(0, line.find(' ')), &kilobytes);
    total += kilobytes;
  }
  return total;
}

std::string StatFieldOf(pid_t pid, size_t n) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  // The second field is a name in parentheses, whatever is in it.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  const std::vector<std::string> fields =
      absl::StrSplit(stat.substr(name_end + 2), ' ');
  return n >= 3 && n - 3 < fields.size() ? fields[n - 3] : "";
}

long CpuTimeOf(pid_t pid) {
  constexpr size_t kUser = 14;
  constexpr size_t kSystem = 15;
  long user = 0;
  long system = 0;
  if (!absl::SimpleAtoi(StatFieldOf(pid, kUser), &user) ||
      !absl::SimpleAtoi(StatFieldOf(pid, kSystem), &system)) {
    return -1;
  }
  return user + system;
}

bool WaitUntilQuiet(pid_t pid) {
  constexpr size_t kState = 3;
  constexpr absl::Duration kWhile = absl::Milliseconds(300);
  std::string before;
  absl::Time since;
  return WaitFor([&] {
    const std::string switches = StatusFieldOf(pid, "voluntary_ctxt_switches:");
    if (switches != before || StatFieldOf(pid, kState) != "S") {
      since = absl::Now();
    }
    before = switches;
    return absl::Now() - since > kWhile;
  });
}

bool Catches(pid_t pid, int signal) {
  uint64_t set = 0;
  return absl::SimpleHexAtoi(StatusFieldOf(pid, "SigCgt:"), &set) &&
         (set >> (signal - 1) & 1) != 0;
}

std::string ExeOf(pid_t pid) {
  std::error_code gone;
  return std::filesystem::read_symlink(absl::StrCat("/proc/", pid, "/exe"),
                                       gone);
}

bool Runs(pid_t pid) {
  constexpr size_t kState = 3;
  const std::string state = StatFieldOf(pid, kState);
  return !state.empty() && state != "Z" && state != "X";
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  constexpr size_t kParent = 4;
  std::vector<pid_t> children;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    pid_t child = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &child) &&
        StatFieldOf(child, kParent) == absl::StrCat(pid)) {
      children.push_back(child);
    }
  }
  return children;
}

}  // namespace deptyr
