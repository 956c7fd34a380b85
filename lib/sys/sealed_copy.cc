#include "lib/sys/sealed_copy.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <array>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

#include "lib/base/argv.h"
#include "lib/base/status.h"
#include "lib/sys/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U  // linux/memfd.h, Linux 6.3
#endif

namespace deptyr {
namespace {

constexpr char kOwnFile[] = "/proc/self/exe";
constexpr char kName[] = "deptyr";

bool IsCopy() {
  std::array<char, 64> target{};
  const ssize_t size = ::readlink(kOwnFile, target.data(), target.size());
  return size > 0 &&
         absl::StartsWith({target.data(), static_cast<size_t>(size)},
                          "/memfd:deptyr ");
}

}  // namespace

absl::Status ContinueInSealedCopy(const std::vector<std::string>& argv) {
  if (IsCopy()) return absl::OkStatus();
  const Fd own(::open(kOwnFile, O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return Errno("open ", kOwnFile);
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Fd copy(::memfd_create(kName, kFlags | MFD_EXEC));
  // Older kernels execute any.
  if (!copy.valid()) copy = Fd(::memfd_create(kName, kFlags));
  if (!copy.valid()) return Errno("make a memfd");
  constexpr size_t kPiece = 1 << 30;
  ssize_t copied = 0;
  do {
    copied = ::sendfile(copy.get(), own.get(), nullptr, kPiece);
  } while (copied > 0);
  constexpr int kSeals =
      F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (copied < 0 || ::fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0) {
    return Errno("copy ", kOwnFile);
  }
  (void)::fexecve(copy.get(), ExecArgv(argv).data(), environ);
  return Errno("execute a copy of ", kOwnFile);
}

}  // namespace deptyr
