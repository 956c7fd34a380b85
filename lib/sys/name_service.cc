#include "lib/sys/name_service.h"

#include <pwd.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/base/argv.h"
#include "lib/base/status.h"
#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr int kNotThere = 2;  // getent(1), "Exit status"

// Returns the first line of getent's answer, or an error with the code
// `not_there` if it knows none.
absl::StatusOr<std::string> Getent(const std::string& database,
                                   absl::string_view name,
                                   absl::string_view what,
                                   absl::StatusCode not_there) {
  const Fd answer(::memfd_create("deptyr-getent", MFD_CLOEXEC));
  if (!answer.valid()) return Errno("make a memfd");
  posix_spawn_file_actions_t actions;
  (void)::posix_spawn_file_actions_init(&actions);
  const absl::Cleanup destroy = [&actions] {
    (void)::posix_spawn_file_actions_destroy(&actions);
  };
  (void)::posix_spawn_file_actions_adddup2(&actions, answer.get(),
                                           STDOUT_FILENO);
  const std::vector<std::string> argv = {"getent", "--", database,
                                         std::string(name)};
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, "getent", &actions, nullptr,
                                   ExecArgv(argv).data(), environ);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("can't ask getent for ", what, " ", name, ": ",
                     ::strerrordesc_np(error), "; say its number or address"));
  }
  int status = 0;
  (void)TEMP_FAILURE_RETRY(::waitpid(pid, &status, 0));
  const std::string said = BeginningOf(answer.get());
  if (!said.empty()) return said.substr(0, said.find('\n'));
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotThere) {
    return absl::Status(not_there, absl::StrCat("no such ", what, ": ", name,
                                                "; see getent ", database));
  }
  return absl::UnavailableError(absl::StrCat("can't ask getent for ", what, " ",
                                             name, ": it failed; try getent ",
                                             database, " ", name));
}

// passwd(5) and group(5) have the number in the same field.
absl::StatusOr<uint32_t> FindId(const std::string& database,
                                absl::string_view text,
                                absl::string_view what) {
  uint32_t id = 0;
  if (absl::SimpleAtoi(text, &id)) {
    if (id != UINT32_MAX) return id;
    // The kernel takes this number for "leave it unchanged", and we for
    // "unknown".
    return absl::InvalidArgumentError(
        absl::StrCat("no ", what, " can have the number ", text));
  }
  ASSIGN_OR_RETURN(
      const std::string line,
      Getent(database, text, what, absl::StatusCode::kInvalidArgument));
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ':');
  if (fields.size() > 2 && absl::SimpleAtoi(fields[2], &id)) return id;
  return absl::UnavailableError(
      absl::StrCat("getent says of ", what, " ", text, ": ", line));
}

std::string NameOf(const std::string& database, uint32_t id) {
  const auto line = Getent(database, absl::StrCat(id), "name",
                           absl::StatusCode::kInvalidArgument);
  return line.ok() ? line->substr(0, line->find(':')) : absl::StrCat(id);
}

}  // namespace

std::string UserName(uid_t uid) {
  return NameOf("passwd", uid);
}

std::string GroupName(gid_t gid) {
  return NameOf("group", gid);
}

std::string LocalUserName(uid_t uid) {
  FILE* const file = std::fopen("/etc/passwd", "re");
  if (file == nullptr) return "";
  const absl::Cleanup close = [file] { (void)std::fclose(file); };
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> room;
  while (::fgetpwent_r(file, &entry, room.data(), room.size(), &found) == 0) {
    if (found->pw_uid == uid) return found->pw_name;
  }
  return "";
}

absl::StatusOr<Account> FindAccount(absl::string_view user) {
  constexpr auto kUnknown = absl::StatusCode::kInvalidArgument;
  ASSIGN_OR_RETURN(const std::string line,
                   Getent("passwd", user, "user", kUnknown));
  const std::vector<std::string> fields = absl::StrSplit(line, ':');
  constexpr size_t kFields = 7;
  Account account;
  if (fields.size() < kFields || !absl::SimpleAtoi(fields[2], &account.uid) ||
      !absl::SimpleAtoi(fields[3], &account.gid)) {
    return absl::UnavailableError(
        absl::StrCat("getent says of user ", user, ": ", line));
  }
  account.name = fields[0];
  account.home = fields[5];
  account.shell = fields[6];
  ASSIGN_OR_RETURN(const std::string groups,
                   Getent("initgroups", account.name, "user", kUnknown));
  for (const absl::string_view word :
       absl::StrSplit(groups, ' ', absl::SkipEmpty())) {
    gid_t group = 0;
    // The first word is the name, which may be digits only.
    if (word.data() != groups.data() && absl::SimpleAtoi(word, &group)) {
      account.groups.push_back(group);
    }
  }
  return account;
}

absl::StatusOr<uid_t> FindUser(absl::string_view text) {
  return FindId("passwd", text, "user");
}

absl::StatusOr<gid_t> FindGroup(absl::string_view text) {
  return FindId("group", text, "group");
}

absl::StatusOr<std::string> FindHost(absl::string_view name) {
  ASSIGN_OR_RETURN(
      const std::string line,
      Getent("ahosts", name, "host", absl::StatusCode::kUnavailable));
  return line.substr(0, line.find(' '));
}

}  // namespace deptyr
