// systemd's descriptor store as a keeper: FDSTORE=1 of sd_notify(3), whose
// descriptors come back as inherited ones (sd_listen_fds(3)).
//
// How many it takes is in the environment variable FDSTORE (systemd 254; before
// that, the unit has to say it beside FileDescriptorStoreMax=): whatever is
// over that it closes, and tells nobody but its log.
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
  // `most` descriptors at once; `returned`: what was inherited under our names.
  SystemdStore(Readiness& systemd, size_t most, std::vector<StoredFd> returned);

  absl::string_view kind() const override { return "systemd"; }
  absl::StatusOr<std::vector<StoredFd>> TakeBack() override;
  void Resume(const std::vector<std::string>& names) override;
  absl::Status Keep(const std::vector<FdToStore>& wanted) override;
  void Drop(const std::vector<std::string>& names) override;

 private:
  absl::Status KeepOne(const std::string& name, int fd);

  Readiness& systemd_;
  const size_t most_;
  std::vector<StoredFd> returned_;
  absl::flat_hash_set<std::string> names_;
};

}  // namespace deptyr
