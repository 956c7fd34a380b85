#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/keep/fd_store.h"

namespace deptyr {
namespace {

class SystemdStore : public FdStore {
 public:
  SystemdStore(Readiness& systemd, size_t most, std::vector<StoredFd> returned,
               const std::vector<std::string>& names)
      : systemd_(systemd),
        most_(most),
        returned_(std::move(returned)),
        names_(names.begin(), names.end()) {
    for (const StoredFd& stored : returned_) names_.insert(stored.name);
  }

  absl::string_view name() const override { return "systemd"; }
  bool MayEndWithService() const override { return true; }

  absl::StatusOr<std::vector<StoredFd>> Fetch() override {
    return std::exchange(returned_, {});
  }

  absl::Status Add(const std::vector<FdToStore>& wanted) override {
    std::vector<std::string> added;
    for (const auto& [name, fd] : wanted) {
      if (absl::Status status = AddOne(name, fd); !status.ok()) {
        const absl::Status removed = Remove(added);
        return removed.ok() ? status : removed;
      }
      added.push_back(name);
    }
    return absl::OkStatus();
  }

  absl::Status Remove(const std::vector<std::string>& names) override {
    for (const std::string& name : names) {
      if (!names_.contains(name)) continue;
      RETURN_IF_ERROR(systemd_.NotifyWithFd(
          absl::StrCat("FDSTOREREMOVE=1\nFDNAME=", name), -1));
      names_.erase(name);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AddOne(const std::string& name, int fd) {
    // systemd would keep both descriptors under the one name.
    RETURN_IF_ERROR(Remove({name}));
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

  Readiness& systemd_;
  const size_t most_;
  std::vector<StoredFd> returned_;
  absl::flat_hash_set<std::string> names_;
};

}  // namespace

std::unique_ptr<FdStore> MakeSystemdStore(
    Readiness& systemd, size_t most, std::vector<StoredFd> returned,
    const std::vector<std::string>& names) {
  return std::make_unique<SystemdStore>(systemd, most, std::move(returned),
                                        names);
}

}  // namespace deptyr
