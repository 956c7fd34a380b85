// systemd's descriptor store: FDSTORE=1 of sd_notify(3).  Its descriptors come
// back as inherited ones (sd_listen_fds(3)).
//
// The environment variable FDSTORE says how many it takes (since systemd 254;
// before that, the unit has to set it beside FileDescriptorStoreMax=).  It
// closes whatever exceeds that, and mentions it only in its own log.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"

#include "lib/keep/fd_store.h"
#include "lib/sys/readiness.h"

namespace deptyr {

class SystemdStore final : public FdStore {
 public:
  // `most` descriptors fit; `returned` were inherited under our names.
  SystemdStore(Readiness& systemd, size_t most, std::vector<StoredFd> returned);

  absl::string_view name() const override { return "systemd"; }
  bool MayEndWithService() const override { return true; }
  absl::StatusOr<std::vector<StoredFd>> Fetch() override;
  void AssumeStored(const std::vector<std::string>& names) override;
  absl::Status Add(const std::vector<FdToStore>& wanted) override;
  void Remove(const std::vector<std::string>& names) override;

 private:
  absl::Status AddOne(const std::string& name, int fd);

  Readiness& systemd_;
  const size_t most_;
  std::vector<StoredFd> returned_;
  absl::flat_hash_set<std::string> names_;
};

}  // namespace deptyr
