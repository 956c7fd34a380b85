// deptyr adopt: head takes over the terminal of a program that runs elsewhere.
//
//   AdoptOptions adopt{.pid = 1234};
//   ASSIGN_OR_RETURN(const AdoptResult result, AdoptTerminals(adopt));
//   for (const std::string& name : result.sessions) std::puts(name.c_str());
//
// The program and its children notice nothing: their terminal stays the same,
// and only the process that holds its controlling end changes.  The holder (a
// terminal emulator, tmux, sshd) is stopped while the end moves, so that no
// byte goes to both or to none; what it had read before is its own.  Head says
// before that whether it will take the terminals, so a refusal changes nothing.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

#include "lib/base/named.h"

namespace deptyr {

// It says what becomes of the holder, who would read the terminal, too, if it
// went on.
enum class HolderEnd { kKill, kStop, kAsk };
inline constexpr Named<HolderEnd> kHolderEnds[] = {{"kill", HolderEnd::kKill},
                                                   {"stop", HolderEnd::kStop},
                                                   {"ask", HolderEnd::kAsk}};

struct AdoptOptions {
  std::string socket = {};  // "": where head usually is; if none is, one starts
  pid_t pid = 0;            // somebody on the terminal
  // The name of that terminal's session; "" for one after the program.
  std::string name = {};
  // All terminals of the holder, who may be the process itself.
  bool all = false;
  HolderEnd holder = HolderEnd::kKill;
  // Asks a person whether the holder may be ended; for kAsk.
  absl::AnyInvocable<bool(const std::string& question) const> ask = {};
};

struct AdoptResult {
  std::vector<std::string> sessions;  // that of the process first
  std::string line;                   // what became of the holder
};

// Blocking.  After an error nothing has changed, or its text says what.
absl::StatusOr<AdoptResult> AdoptTerminals(const AdoptOptions& options);

}  // namespace deptyr
