// What /proc tells of a process (proc(5)).  It is about whoever has the number
// at that moment; a caller who holds a pidfd asks HasEnded() afterwards.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace deptyr {

// The rest of the line of `text` that begins with `label`; "" if there is none.
absl::string_view LineOf(absl::string_view text, absl::string_view label);

// From /proc/PID/stat; nothing if there is no such process, or /proc hides it.
struct StatFacts {
  char state = '?';  // 'T' if it is stopped
  pid_t parent = 0;
  dev_t terminal = 0;  // its controlling terminal; 0 for none
  std::chrono::nanoseconds started = {};  // since the machine booted
};
std::optional<StatFacts> StatOf(pid_t pid);
// Does the same for the process's thread.
std::optional<StatFacts> StatOf(pid_t pid, pid_t thread);

// The users that decide who may signal a process, and its age.
struct ProcessFacts {
  uid_t real;
  uid_t effective;
  uid_t saved;
  std::chrono::nanoseconds started;  // since the machine booted
};
// Nothing if the process has ended, or /proc doesn't tell.
std::optional<ProcessFacts> FactsOf(int pidfd);

// The name of the process's program, 15 bytes at most; "" if it is gone.
std::string NameOfProcess(pid_t pid);

}  // namespace deptyr
