#include "lib/keep/systemd_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"

namespace deptyr {

SystemdStore::SystemdStore(Readiness& systemd, size_t most,
                           std::vector<StoredFd> returned)
    : systemd_(systemd), most_(most), returned_(std::move(returned)) {
  for (const StoredFd& stored : returned_) names_.insert(stored.name);
}

absl::StatusOr<std::vector<StoredFd>> SystemdStore::Fetch() {
  return std::exchange(returned_, {});
}

void SystemdStore::AssumeStored(const std::vector<std::string>& names) {
  names_.insert(names.begin(), names.end());
}

absl::Status SystemdStore::Add(const std::vector<FdToStore>& wanted) {
  std::vector<std::string> added;
  for (const auto& [name, fd] : wanted) {
    if (absl::Status status = AddOne(name, fd); !status.ok()) {
      Remove(added);
      return status;
    }
    added.push_back(name);
  }
  return absl::OkStatus();
}

absl::Status SystemdStore::AddOne(const std::string& name, int fd) {
  // systemd would keep both descriptors under the one name.
  Remove({name});
  if (names_.size() >= most_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "systemd keeps ", most_,
        " descriptors at most; raise FileDescriptorStoreMax= and FDSTORE="));
  }
  // Without FDPOLL=0, systemd drops a terminal that is hung up, and a program
  // that has ended, at once (since 246).
  RETURN_IF_ERROR(systemd_.NotifyWithFd(
      absl::StrCat("FDSTORE=1\nFDPOLL=0\nFDNAME=", name), fd));
  names_.insert(name);
  return absl::OkStatus();
}

void SystemdStore::Remove(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (names_.erase(name) == 0) continue;
    // If this gets lost, systemd keeps a descriptor that nobody needs, and
    // nothing worse happens.
    (void)systemd_.NotifyWithFd(absl::StrCat("FDSTOREREMOVE=1\nFDNAME=", name),
                                -1);
  }
}

}  // namespace deptyr
