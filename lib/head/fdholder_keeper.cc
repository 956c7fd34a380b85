#include "lib/head/fdholder_keeper.h"

#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/fd_holder.h"

namespace deptyr {
namespace {

// Of each of two tries.
constexpr absl::Duration kPatience = absl::Milliseconds(500);

absl::Status Replace(FdHolder& holder, const std::string& name, int fd) {
  absl::Status stored = holder.Store(name, fd);
  // A full holder says so of a name that it has, too.
  if (!absl::IsAlreadyExists(stored) && !absl::IsResourceExhausted(stored)) {
    return stored;
  }
  const absl::Status deleted = holder.Delete(name);
  if (absl::IsNotFound(deleted)) return stored;
  RETURN_IF_ERROR(deleted);
  return holder.Store(name, fd);
}

absl::Status CheckName(const std::string& name) {
  if (name.size() <= kLongestHolderId) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a name of ", name.size(),
                                                 " bytes; s6-fdholder allows ",
                                                 kLongestHolderId, ": ", name));
}

absl::StatusOr<std::vector<KeptFd>> RetrieveOurs(FdHolder& holder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, holder.List());
  std::vector<KeptFd> kept;
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, kKeptPrefix)) continue;
    holder.Extend(kPatience);
    absl::StatusOr<Fd> fd = holder.Retrieve(name);
    if (absl::IsNotFound(fd.status())) continue;  // deleted meanwhile
    RETURN_IF_ERROR(fd.status());
    kept.push_back({name, *std::move(fd)});
  }
  return kept;
}

absl::Status UnlessNotFound(const absl::Status& status) {
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

// Finds out at once what would fail later.
absl::Status CheckRights(FdHolder& holder) {
  RETURN_IF_ERROR(holder.List().status());
  // A name that isn't used: may we, the answer is that it isn't there.
  const std::string nobodys = kKeptPrefix;
  RETURN_IF_ERROR(UnlessNotFound(holder.Retrieve(nobodys).status()));
  return UnlessNotFound(holder.Delete(nobodys));
}

class FdHolderKeeper : public Keeper {
 public:
  explicit FdHolderKeeper(std::string path) : path_(std::move(path)) {}

  absl::string_view kind() const override { return "s6-fdholder"; }

  absl::Status Check() const { return Ask(CheckRights); }

  absl::StatusOr<std::vector<KeptFd>> TakeBack() override {
    std::vector<KeptFd> kept;
    RETURN_IF_ERROR(Ask([&kept](FdHolder& holder) -> absl::Status {
      ASSIGN_OR_RETURN(kept, RetrieveOurs(holder));
      return absl::OkStatus();
    }));
    return kept;
  }

  absl::Status Keep(const std::vector<ToKeep>& wanted) override {
    size_t kept = 0;
    const auto keep_all = [&](FdHolder& holder) {
      for (kept = 0; kept < wanted.size(); ++kept) {
        const auto& [name, fd] = wanted[kept];
        RETURN_IF_ERROR(CheckName(name));
        RETURN_IF_ERROR(Replace(holder, name, fd));
      }
      return absl::OkStatus();
    };
    absl::Status status = Ask(keep_all);
    if (!status.ok()) DropFirst(kept, wanted);
    return status;
  }

  void Drop(const std::vector<std::string>& names) override {
    const absl::Status status = Ask([&names](FdHolder& holder) {
      for (const std::string& name : names) {
        RETURN_IF_ERROR(UnlessNotFound(holder.Delete(name)));
      }
      return absl::OkStatus();
    });
    if (!status.ok()) Log(Severity::kWarning, status.message());
  }

 private:
  // A connection for each: with one that lasts, a holder that is told to end
  // would wait for ours.  All of these may be done twice.  So they are, where
  // the first connection failed: the holder may have been about to end.
  absl::Status Ask(absl::FunctionRef<absl::Status(FdHolder&)> what) const {
    absl::Status status = AskOnce(what);
    return absl::IsUnavailable(status) ? AskOnce(what) : status;
  }
  absl::Status AskOnce(absl::FunctionRef<absl::Status(FdHolder&)> what) const {
    absl::StatusOr<FdHolder> holder = FdHolder::Connect(path_, kPatience);
    if (!holder.ok()) {
      return absl::Status(holder.status().code(),
                          absl::StrCat(holder.status().message(),
                                       "; start it, or look at its log"));
    }
    absl::Status status = what(*holder);
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat("s6-fdholder at ", path_,
                                                    ": ", status.message()));
  }

  const std::string path_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Keeper>> ConnectToFdHolder(
    const std::string& socket_path) {
  auto keeper = std::make_unique<FdHolderKeeper>(socket_path);
  RETURN_IF_ERROR(keeper->Check());
  return keeper;
}

std::unique_ptr<Keeper> FdHolderAt(const std::string& socket_path) {
  return std::make_unique<FdHolderKeeper>(socket_path);
}

}  // namespace deptyr
