#include "lib/sys/replace_self.h"

#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/base/argv.h"
#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/retry.h"

namespace deptyr {
namespace {

// "FD PID" or "FD trial".  The pid is there because another process may inherit
// the variable by mistake.
constexpr char kOfferVariable[] = "DEPTYR_OFFER";
constexpr char kTrial[] = "trial";

absl::StatusOr<Fd> Written(absl::string_view text) {
  Fd file(::memfd_create("deptyr-offer", MFD_CLOEXEC));
  if (!file.valid()) return Errno("make a memfd");
  while (!text.empty()) {
    const IoResult wrote = WriteSome(file.get(), text);
    if (wrote.state != IoState::kDone) return Errno("write a memfd");
    text.remove_prefix(wrote.bytes);
  }
  return file;
}

absl::StatusOr<std::string> Content(int memfd) {
  constexpr char kWhat[] = "read what was handed over";
  const off_t size = ::lseek(memfd, 0, SEEK_END);
  if (size < 0 || ::lseek(memfd, 0, SEEK_SET) != 0) return Errno(kWhat);
  std::string text(static_cast<size_t>(size), 0);
  for (std::span<char> rest(text); !rest.empty();) {
    const IoResult got = ReadSome(memfd, rest);
    if (got.state != IoState::kDone) return Errno(kWhat);
    rest = rest.subspan(got.bytes);
  }
  return text;
}

void SetCloseOnExec(const std::vector<int>& fds, bool close) {
  for (const int fd : fds) {
    (void)::fcntl(fd, F_SETFD, close ? FD_CLOEXEC : 0);
  }
}

}  // namespace

std::string OwnProgram() {
  // Prefers the name it was called by (getauxval(3)): a symbolic link may lead
  // elsewhere by now.
  const auto* const called =
      // NOLINTNEXTLINE(performance-no-int-to-ptr): so the kernel tells it.
      reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  if (called != nullptr && called[0] == '/' &&
      !absl::StartsWith(called, "/dev/fd/")) {
    return called;
  }
  std::array<char, PATH_MAX> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size < 0 ? "deptyr"
                  : std::string(path.data(), static_cast<size_t>(size));
}

absl::StatusOr<Trial> StartTrial(const std::string& program,
                                 const std::vector<std::string>& argv,
                                 const Offer& offer) {
  ASSIGN_OR_RETURN(const Fd text, Written(offer.text));
  ASSIGN_OR_RETURN(Fd said, Written(""));
  const std::vector<char*> words = ExecArgv(argv);
  const std::string variable = absl::StrCat(text.get(), " ", kTrial);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Errno("start ", program);
  if (pid == 0) {
    // If we die, the trial must not go on holding these descriptors.
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kNotFound);
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    (void)::dup2(null.get(), STDIN_FILENO);
    (void)::dup2(said.get(), STDOUT_FILENO);
    (void)::dup2(said.get(), STDERR_FILENO);
    SetCloseOnExec(offer.fds, false);
    SetCloseOnExec({text.get()}, false);
    (void)::setenv(kOfferVariable, variable.c_str(), 1);
    (void)::execv(program.c_str(), words.data());
    const absl::Status why = Errno("execute ", program);
    (void)!::write(STDERR_FILENO, why.message().data(), why.message().size());
    ::_exit(kNotFound);
  }
  ASSIGN_OR_RETURN(Child child, HoldChild(pid));
  return Trial{std::move(child), std::move(said)};
}

std::string LastLine(const Trial& trial) {
  std::string text = BeginningOf(trial.said.get());
  absl::StripTrailingAsciiWhitespace(&text);
  return text.substr(text.rfind('\n') + 1);
}

absl::Status ReplaceSelf(const std::string& program,
                         const std::vector<std::string>& argv,
                         const Offer& offer) {
  ASSIGN_OR_RETURN(const Fd text, Written(offer.text));
  std::vector<int> fds = offer.fds;
  fds.push_back(text.get());
  (void)::setenv(kOfferVariable,
                 absl::StrCat(text.get(), " ", ::getpid()).c_str(), 1);
  SetCloseOnExec(fds, false);
  (void)::execv(program.c_str(), ExecArgv(argv).data());
  absl::Status why = Errno("execute ", program);
  SetCloseOnExec(fds, true);
  (void)::unsetenv(kOfferVariable);
  return why;
}

absl::StatusOr<std::optional<TakenOffer>> TakeOffer() {
  const char* const variable = std::getenv(kOfferVariable);
  if (variable == nullptr) return std::nullopt;
  const std::vector<std::string> words = absl::StrSplit(variable, ' ');
  (void)::unsetenv(kOfferVariable);
  int number = -1;
  const bool trial = words.back() == kTrial;
  if (words.size() != 2 || !absl::SimpleAtoi(words[0], &number) ||
      (!trial && words[1] != absl::StrCat(::getpid()))) {
    return std::nullopt;
  }
  const Fd file(number);
  const auto read = [number] { return Content(number); };
  ASSIGN_OR_RETURN(std::string text,
                   trial ? read() : RetryForFiveSeconds(read));
  return TakenOffer{std::move(text), trial};
}

Fd TakeOffered(int fd) {
  if (fd >= 0) (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Fd(fd);
}

}  // namespace deptyr
