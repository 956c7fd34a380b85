#include "lib/sys/process_facts.h"

#include <unistd.h>

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/sys/io.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

std::optional<StatFacts> StatIn(const std::string& folder) {
  const std::string stat = ReadSmallFile(folder + "/stat").value_or("");
  // The name before may have spaces and parentheses.
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(stat.rfind(')') + 1), ' ');
  // Field 3 of the page is the first after the name.
  constexpr size_t kState = 1;
  constexpr size_t kParent = 2;
  constexpr size_t kTerminal = 5;
  constexpr size_t kStarted = 20;
  StatFacts facts;
  int64_t ticks = 0;
  // The kernel prints the device as a signed number.
  int terminal = 0;
  if (fields.size() <= kStarted || fields[kState].empty() ||
      !absl::SimpleAtoi(fields[kParent], &facts.parent) ||
      !absl::SimpleAtoi(fields[kTerminal], &terminal) ||
      !absl::SimpleAtoi(fields[kStarted], &ticks)) {
    return std::nullopt;
  }
  facts.state = fields[kState][0];
  facts.terminal = static_cast<unsigned>(terminal);
  facts.started = std::chrono::nanoseconds(std::chrono::seconds(1)) * ticks /
                  ::sysconf(_SC_CLK_TCK);
  return facts;
}

}  // namespace

absl::string_view LineOf(absl::string_view text, absl::string_view label) {
  const size_t at = text.find(absl::StrCat("\n", label));
  if (at == absl::string_view::npos) return "";
  text.remove_prefix(at + 1 + label.size());
  return text.substr(0, text.find('\n'));
}

std::optional<StatFacts> StatOf(pid_t pid) {
  return StatIn(absl::StrCat("/proc/", pid));
}

std::optional<StatFacts> StatOf(pid_t pid, pid_t thread) {
  return StatIn(absl::StrCat("/proc/", pid, "/task/", thread));
}

std::optional<ProcessFacts> FactsOf(int pidfd) {
  const absl::StatusOr<pid_t> pid = PidOf(pidfd);
  if (!pid.ok() || *pid == 0) return std::nullopt;
  const std::string status =
      ReadSmallFile(absl::StrCat("/proc/", *pid, "/status")).value_or("");
  const std::optional<StatFacts> stat = StatOf(*pid);
  // While it lives nobody else has its number, so the files were its own.
  if (HasEnded(pidfd)) return std::nullopt;
  const std::vector<absl::string_view> users =
      absl::StrSplit(LineOf(status, "Uid:\t"), '\t');
  ProcessFacts facts{};
  if (!stat || users.size() < 3 || !absl::SimpleAtoi(users[0], &facts.real) ||
      !absl::SimpleAtoi(users[1], &facts.effective) ||
      !absl::SimpleAtoi(users[2], &facts.saved)) {
    return std::nullopt;
  }
  facts.started = stat->started;
  return facts;
}

std::string NameOfProcess(pid_t pid) {
  const std::string name =
      ReadSmallFile(absl::StrCat("/proc/", pid, "/comm")).value_or("");
  return std::string(absl::StripSuffix(name, "\n"));
}

}  // namespace deptyr
