#include "tests/support/supervision.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/sys/io.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

namespace fs = std::filesystem;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value != nullptr) return value;
  std::cerr << name << " isn't set; run this by `meson test`\n";
  std::exit(64);
}

Pty TerminalOf(WindowSize size) {
  return Value(OpenPty(size));
}

Program StartHead(const Pty& pty, const std::string& socket) {
  const std::string deptyr = Variable("DEPTYR");
  return Program::Fork(
      [&] {
        if (!BecomeTerminalProcess(3).ok()) return 1;
        (void)::close(3);
        (void)::execl(deptyr.c_str(), "deptyr", "head", socket.c_str(),
                      nullptr);
        return 127;
      },
      {.fds = {{pty.terminal.get(), 3}}, .env = {"TERM=xterm"}});
}

}  // namespace

void SetUpPrivateRun() {
  if (!fs::exists("/run/with-systemd") && std::getenv("SCANDIR") == nullptr) {
    std::cerr << "/run is the machine's; run this by `meson test`\n";
    std::exit(64);
  }
  (void)::umask(022);
  fs::create_directory(kFiles);
  fs::permissions(kFiles, fs::perms::all | fs::perms::sticky_bit);
  fs::create_directory(kBinaries);
  for (const char* name : {"DEPTYR", "DEPTYR_REPORT", "DEPTYR_TRAFFIC"}) {
    const fs::path binary = Variable(name);
    fs::copy(binary, kBinaries / binary.filename());
  }
}

Said Shell(const std::string& command) {
  Pipe pipe;
  Program sh = Program::Start(
      {"sh", "-c", command},
      {.fds = {{pipe.write_end.get(), 1}, {pipe.write_end.get(), 2}},
       .env = {}});
  pipe.write_end.Reset();
  OutputReader output(pipe.read_end.get());
  EXPECT_TRUE(output.UntilEnd()) << command;
  return {sh.Wait().value_or(ExitStatus{.signal = SIGKILL}), output.text()};
}

std::string MustShell(const std::string& command) {
  Said said = Shell(command);
  EXPECT_EQ(said.status, ExitStatus{}) << command << "\n" << said.text;
  return said.status == ExitStatus{} ? said.text : "";
}

std::string ReadFile(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  // The file appears whole or not at all, because a supervisor may look at any
  // time.
  std::ofstream(path + ".new") << text;
  fs::rename(path + ".new", path);
}

void WriteScript(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  fs::permissions(path + ".new", fs::perms(0755));
  fs::rename(path + ".new", path);
}

std::string SourceFile(const std::string& path) {
  return absl::StrCat(Variable("DEPTYR_SOURCE_DIR"), "/", path);
}

std::string LastLines(const std::string& text) {
  size_t begin = text.size();
  for (int lines = 0; begin > 0 && lines <= 20; --begin) {
    lines += text[begin - 1] == '\n' ? 1 : 0;
  }
  return text.substr(begin);
}

std::string DocumentedFile(const std::string& path, const std::string& page) {
  const std::string text = ReadFile(SourceFile(page));
  const size_t name = text.find("\n`" + path + "`:\n```");
  if (name == std::string::npos) {
    ADD_FAILURE() << "no " << path << " in " << page;
    return "";
  }
  const size_t begin = text.find('\n', text.find("```", name)) + 1;
  return text.substr(begin, text.find("```\n", begin) - begin);
}

std::vector<std::string> DocumentedCommands(const std::string& heading,
                                            const std::string& fence,
                                            const std::string& page) {
  std::vector<std::string> commands;
  bool here = false;
  bool in_block = false;
  bool is_file = false;
  std::istringstream text(ReadFile(SourceFile(page)));
  for (std::string line; std::getline(text, line);) {
    if (in_block) {
      in_block = line != "```";
      if (in_block) commands.push_back(line);
    } else if (absl::StartsWith(line, "## ")) {
      here = line == "## " + heading;
    } else if (line == "```" + fence) {
      in_block = here && !is_file;
    }
    is_file = absl::StartsWith(line, "`") && absl::EndsWith(line, "`:");
  }
  EXPECT_FALSE(commands.empty());
  return commands;
}

std::string ProgramOf(pid_t pid) {
  std::error_code error;
  return fs::read_symlink(absl::StrCat("/proc/", pid, "/exe"), error)
      .filename()
      .string();
}

std::string NameOf(pid_t pid) {
  const std::string name = ReadFile(absl::StrCat("/proc/", pid, "/comm"));
  return std::string(absl::StripTrailingAsciiWhitespace(name));
}

namespace {

// The fields of /proc/PID/stat after the name: the state, the parent...
std::vector<std::string> StatOf(pid_t pid) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  const size_t parenthesis = stat.rfind(')');
  if (parenthesis == std::string::npos) return {"", "0"};
  return absl::StrSplit(stat.substr(parenthesis + 2), ' ');
}

}  // namespace

pid_t ParentOf(pid_t pid) {
  return std::atoi(StatOf(pid)[1].c_str());
}

bool Lives(pid_t pid) {
  const std::string state = StatOf(pid)[0];
  return !state.empty() && state != "Z" && state != "X";
}

bool Sleeps(pid_t pid) {
  return StatOf(pid)[0] == "S";
}

long CpuTicksOf(pid_t pid) {
  const std::vector<std::string> stat = StatOf(pid);
  constexpr size_t kUser = 11;  // proc(5), less the two before the state
  if (stat.size() <= kUser + 1) return 0;
  return std::atol(stat[kUser].c_str()) + std::atol(stat[kUser + 1].c_str());
}

Report::Report(const std::string& name)
    : path_(absl::StrCat(kFiles, "/", name)) {
  EXPECT_TRUE(WaitFor([&] { return fs::exists(path_); })) << path_;
  text_ = ReadFile(path_);
}

std::string Report::operator[](const std::string& key) const {
  for (absl::string_view line : absl::StrSplit(text_, '\n')) {
    if (absl::ConsumePrefix(&line, key + " ")) return std::string(line);
  }
  return "";
}

pid_t Report::pid() const {
  return std::atoi((*this)["pid"].c_str());
}

std::vector<std::string> Report::AsFound(
    const std::vector<std::string>& except) const {
  std::vector<std::string> result;
  for (absl::string_view line : absl::StrSplit(text_, '\n')) {
    if (!absl::ConsumePrefix(&line, "as-found ")) continue;
    const bool excepted = absl::c_any_of(except, [&](const std::string& name) {
      return absl::StartsWith(line, absl::StrCat("env ", name, "="));
    });
    if (!excepted) result.emplace_back(line);
  }
  return result;
}

testing::AssertionResult Report::Had(const std::string& signal) const {
  const std::string path = path_ + ".signals";
  if (WaitFor([&] {
        return absl::StrContains("\n" + ReadFile(path), "\n" + signal + "\n");
      })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "it had only: " << ReadFile(path);
}

Screen::Screen(const std::string& socket)
    : pty_(TerminalOf({.rows = 24, .cols = 80})),
      head_(StartHead(pty_, socket)),
      shown_(pty_.controller.get()) {
  pty_.terminal.Reset();
}

void Screen::Type(absl::string_view keys) {
  EXPECT_EQ(WriteSome(pty_.controller.get(), keys).bytes, keys.size());
}

}  // namespace deptyr
