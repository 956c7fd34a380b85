#include "lib/keep/fd_store.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

#include "lib/base/log.h"

namespace deptyr {
namespace {

// How many descriptors systemd's store takes; 0 without a store.
size_t SystemdStoreSize(const Readiness& systemd) {
  size_t most = 0;
  const char* const store = std::getenv("FDSTORE");
  const bool known = store != nullptr && absl::SimpleAtoi(store, &most);
  return systemd.is_notified() && known ? most : 0;
}

}  // namespace

std::vector<StoredFd> TakeStored(std::vector<InheritedFd>& inherited) {
  std::vector<StoredFd> stored;
  for (InheritedFd& one : inherited) {
    if (!absl::StartsWith(one.name, kStoredPrefix)) continue;
    stored.push_back({std::move(one.name), std::move(one.fd)});
  }
  std::erase_if(inherited,
                [](const InheritedFd& one) { return !one.fd.valid(); });
  return stored;
}

absl::StatusOr<std::unique_ptr<FdStore>> FindStore(
    const KeeperSpec& wanted, const std::string& head_socket,
    Readiness& systemd, std::vector<StoredFd> returned,
    const std::vector<std::string>* stored_before) {
  if (wanted.kind == KeeperSpec::kNobody) return nullptr;
  const bool takes_over = stored_before != nullptr;
  if (wanted.kind == KeeperSpec::kFdHolder) {
    return ConnectToS6Store(wanted.path, /*known=*/takes_over);
  }
  if (const size_t most = SystemdStoreSize(systemd); most > 0) {
    return MakeSystemdStore(
        systemd, most, std::move(returned),
        takes_over ? *stored_before : std::vector<std::string>());
  }
  if (wanted.kind == KeeperSpec::kSystemd) {
    return absl::FailedPreconditionError(
        "systemd offers no descriptor store: the unit needs "
        "FileDescriptorStoreMax=N and, before systemd 254, "
        "Environment=FDSTORE=N");
  }
  const std::string beside =
      std::filesystem::path(head_socket).replace_filename("fdholder.sock");
  std::error_code ignored;
  if (!std::filesystem::is_socket(beside, ignored)) return nullptr;
  auto found =
      ConnectToS6Store(beside, /*known=*/takes_over && !stored_before->empty());
  if (found.ok()) return found;
  // Nobody asked for this one, so head does without it.
  Log(Severity::kWarning,
      "goes on without a keeper: ", found.status().message(),
      "; --keeper s6:", beside, " insists on it");
  return nullptr;
}

}  // namespace deptyr
