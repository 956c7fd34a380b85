#include "lib/keep/systemd_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"

namespace deptyr {

SystemdStore::SystemdStore(Readiness& systemd, size_t most,
                           std::vector<StoredFd> returned)
    : systemd_(systemd), most_(most), returned_(std::move(returned)) {
  for (const StoredFd& kept : returned_) names_.insert(kept.name);
}

absl::StatusOr<std::vector<StoredFd>> SystemdStore::TakeBack() {
  return std::exchange(returned_, {});
}

void SystemdStore::Resume(const std::vector<std::string>& names) {
  names_.insert(names.begin(), names.end());
}

absl::Status SystemdStore::Keep(const std::vector<FdToStore>& wanted) {
  std::vector<std::string> kept;
  for (const auto& [name, fd] : wanted) {
    if (absl::Status status = KeepOne(name, fd); !status.ok()) {
      Drop(kept);
      return status;
    }
    kept.push_back(name);
  }
  return absl::OkStatus();
}

absl::Status SystemdStore::KeepOne(const std::string& name, int fd) {
  // It would keep both under one name.
  Drop({name});
  if (names_.size() >= most_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "systemd keeps ", most_,
        " descriptors at most; raise FileDescriptorStoreMax= and FDSTORE="));
  }
  // Without FDPOLL=0 a terminal that is hung up, and a program that has ended,
  // would be dropped at once (since systemd 246).
  RETURN_IF_ERROR(systemd_.NotifyWithFd(
      absl::StrCat("FDSTORE=1\nFDPOLL=0\nFDNAME=", name), fd));
  names_.insert(name);
  return absl::OkStatus();
}

void SystemdStore::Drop(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (names_.erase(name) == 0) continue;
    // One that didn't get through would be kept for nothing: no more than that.
    (void)systemd_.NotifyWithFd(absl::StrCat("FDSTOREREMOVE=1\nFDNAME=", name),
                                -1);
  }
}

}  // namespace deptyr
