#include "lib/keep/s6_store.h"

#include <optional>
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
// Of what need not be: to wait is for a holder that has no time.
constexpr absl::Duration kNoPatience = absl::Milliseconds(1);

// What could not be stored, for this reason: it may be stored already.
absl::Status Replace(FdHolder& holder, const std::string& name, int fd,
                     const absl::Status& why) {
  // A full holder says so of a name that it has, too.
  if (!absl::IsAlreadyExists(why) && !absl::IsResourceExhausted(why)) {
    return why;
  }
  const absl::Status deleted = holder.Delete(name);
  if (absl::IsNotFound(deleted)) return why;
  RETURN_IF_ERROR(deleted);
  return holder.Store(name, fd);
}

absl::Status CheckName(const std::string& name) {
  if (name.size() <= kLongestHolderId) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a name of ", name.size(),
                                                 " bytes; s6-fdholder allows ",
                                                 kLongestHolderId, ": ", name));
}

absl::StatusOr<std::vector<StoredFd>> RetrieveOurs(FdHolder& holder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, holder.List());
  std::vector<StoredFd> kept;
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

absl::Status KeepAll(FdHolder& holder, const std::vector<FdToStore>& wanted,
                     std::vector<std::string>& kept) {
  for (const auto& [name, fd] : wanted) {
    RETURN_IF_ERROR(CheckName(name));
    RETURN_IF_ERROR(holder.AskToStore(name, fd));
  }
  std::vector<absl::Status> stored(wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    stored[i] = holder.Answer();
    if (stored[i].ok()) kept.push_back(wanted[i].name);
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (stored[i].ok()) continue;
    const auto& [name, fd] = wanted[i];
    RETURN_IF_ERROR(Replace(holder, name, fd, stored[i]));
    kept.push_back(name);
  }
  return absl::OkStatus();
}

class FdHolderKeeper : public FdStore {
 public:
  explicit FdHolderKeeper(std::string path) : path_(std::move(path)) {}

  absl::string_view kind() const override { return "s6-fdholder"; }

  absl::Status Check() { return Ask(CheckRights); }

  absl::StatusOr<std::vector<StoredFd>> TakeBack() override {
    std::vector<StoredFd> kept;
    RETURN_IF_ERROR(Ask([&kept](FdHolder& holder) -> absl::Status {
      ASSIGN_OR_RETURN(kept, RetrieveOurs(holder));
      return absl::OkStatus();
    }));
    return kept;
  }

  // A connection: then the holder has looked its rules up when it is needed.
  bool Prepare() override {
    if (ready_) return true;
    absl::StatusOr<FdHolder> holder = FdHolder::Connect(path_, kNoPatience);
    if (!holder.ok()) return false;
    ready_.emplace(*std::move(holder));
    return true;
  }
  void Relax() override { ready_.reset(); }

  absl::Status Keep(const std::vector<FdToStore>& wanted) override {
    std::vector<std::string> kept;
    absl::Status status = Ask([&](FdHolder& holder) {
      kept.clear();
      return KeepAll(holder, wanted, kept);
    });
    if (!status.ok() && !kept.empty()) Drop(kept);
    return status;
  }

  void Drop(const std::vector<std::string>& names) override {
    const absl::Status status = Ask([&names](FdHolder& holder) {
      for (const std::string& name : names) {
        RETURN_IF_ERROR(holder.AskToDelete(name));
      }
      for (size_t i = 0; i < names.size(); ++i) {
        RETURN_IF_ERROR(UnlessNotFound(holder.Answer()));
      }
      return absl::OkStatus();
    });
    if (!status.ok()) Log(Severity::kWarning, status.message());
  }

 private:
  // A connection for each, made now or by Prepare(): with one that lasts, a
  // holder that is told to end would wait for ours.  All of these may be done
  // twice.  So they are, where the first connection failed: the holder may have
  // been about to end.
  absl::Status Ask(absl::FunctionRef<absl::Status(FdHolder&)> what) {
    absl::Status status = AskOnce(what);
    return absl::IsUnavailable(status) ? AskOnce(what) : status;
  }
  absl::Status AskOnce(absl::FunctionRef<absl::Status(FdHolder&)> what) {
    absl::StatusOr<FdHolder> holder = Connection();
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

  absl::StatusOr<FdHolder> Connection() {
    if (!ready_) return FdHolder::Connect(path_, kPatience);
    FdHolder holder = *std::move(ready_);
    ready_.reset();
    holder.Extend(kPatience);
    return holder;
  }

  const std::string path_;
  std::optional<FdHolder> ready_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FdStore>> ConnectToS6Store(
    const std::string& socket_path) {
  auto keeper = std::make_unique<FdHolderKeeper>(socket_path);
  RETURN_IF_ERROR(keeper->Check());
  return keeper;
}

std::unique_ptr<FdStore> S6StoreAt(const std::string& socket_path) {
  return std::make_unique<FdHolderKeeper>(socket_path);
}

}  // namespace deptyr
