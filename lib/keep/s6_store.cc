#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/keep/fd_store.h"
#include "lib/sys/fd_holder.h"

namespace deptyr {
namespace {

// Each of two tries may take this long.
constexpr absl::Duration kPatience = absl::Milliseconds(500);
// Optional calls don't wait for a busy holder.
constexpr absl::Duration kNoPatience = absl::Milliseconds(1);

// Stores a name again after the holder refused it for the reason `why`, which
// may be that it has the name already.
absl::Status Replace(FdHolder& holder, const std::string& name, int fd,
                     const absl::Status& why) {
  // A full holder says that it is full even if it has the name.
  if (!absl::IsAlreadyExists(why) && !absl::IsResourceExhausted(why)) {
    return why;
  }
  const absl::Status deleted = holder.Delete(name);
  if (absl::IsNotFound(deleted)) return why;
  RETURN_IF_ERROR(deleted);
  return holder.Store(name, fd);
}

absl::Status RetrieveOurs(FdHolder& holder, std::vector<StoredFd>& stored) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, holder.List());
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, kStoredPrefix)) continue;
    holder.Extend(kPatience);
    absl::StatusOr<Fd> fd = holder.Retrieve(name);
    if (absl::IsNotFound(fd.status())) continue;  // deleted meanwhile
    RETURN_IF_ERROR(fd.status());
    stored.push_back({name, *std::move(fd)});
  }
  return absl::OkStatus();
}

absl::Status UnlessNotFound(const absl::Status& status) {
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

// Finds out now what would fail later.
absl::Status CheckRights(FdHolder& holder) {
  RETURN_IF_ERROR(holder.List().status());
  // Nothing is stored under this name, so the answer is NotFound if we may ask.
  const std::string unused = kStoredPrefix;
  RETURN_IF_ERROR(UnlessNotFound(holder.Retrieve(unused).status()));
  return UnlessNotFound(holder.Delete(unused));
}

absl::Status AddAll(FdHolder& holder, const std::vector<FdToStore>& wanted,
                    std::vector<std::string>& added) {
  for (const auto& [name, fd] : wanted) {
    if (name.size() > kLongestHolderId) {
      return absl::InvalidArgumentError(
          absl::StrCat("a name of ", name.size(), " bytes; s6-fdholder allows ",
                       kLongestHolderId, ": ", name));
    }
    RETURN_IF_ERROR(holder.AskToStore(name, fd));
  }
  std::vector<absl::Status> answers(wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    answers[i] = holder.Answer();
    if (answers[i].ok()) added.push_back(wanted[i].name);
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (answers[i].ok()) continue;
    const auto& [name, fd] = wanted[i];
    RETURN_IF_ERROR(Replace(holder, name, fd, answers[i]));
    added.push_back(name);
  }
  return absl::OkStatus();
}

class S6Store : public FdStore {
 public:
  explicit S6Store(std::string path) : path_(std::move(path)) {}

  absl::string_view name() const override { return "s6-fdholder"; }

  absl::Status Check() { return Ask(CheckRights); }

  absl::StatusOr<std::vector<StoredFd>> Fetch() override {
    std::vector<StoredFd> stored;
    RETURN_IF_ERROR(Ask([&stored](FdHolder& holder) {
      stored.clear();
      return RetrieveOurs(holder, stored);
    }));
    return stored;
  }

  // Connects, so that the holder has looked its rules up by the time it is
  // needed.
  bool Prepare() override {
    if (prepared_) return true;
    absl::StatusOr<FdHolder> holder = FdHolder::Connect(path_, kNoPatience);
    if (!holder.ok()) return false;
    prepared_.emplace(*std::move(holder));
    return true;
  }
  void Relax() override { prepared_.reset(); }

  absl::Status Add(const std::vector<FdToStore>& wanted) override {
    std::vector<std::string> stored;
    absl::Status status = Ask([&](FdHolder& holder) {
      stored.clear();
      return AddAll(holder, wanted, stored);
    });
    if (status.ok() || stored.empty()) return status;
    const absl::Status removed = Remove(stored);
    return removed.ok() ? status : removed;
  }

  absl::Status Remove(const std::vector<std::string>& names) override {
    return Ask([&names](FdHolder& holder) {
      for (const std::string& name : names) {
        RETURN_IF_ERROR(holder.AskToDelete(name));
      }
      for (size_t i = 0; i < names.size(); ++i) {
        RETURN_IF_ERROR(UnlessNotFound(holder.Answer()));
      }
      return absl::OkStatus();
    });
  }

 private:
  // Each call has a connection of its own, made now or by Prepare(): the holder
  // may be restarted in between and lose what it held, and one that is told to
  // end would wait for the end of a lasting connection.  Where the first one
  // fails, the holder may have been about to end; every call can safely be made
  // twice, so it is.
  absl::Status Ask(absl::FunctionRef<absl::Status(FdHolder&)> what) {
    absl::Status status = AskOnce(what);
    return absl::IsUnavailable(status) ? AskOnce(what) : status;
  }
  absl::Status AskOnce(absl::FunctionRef<absl::Status(FdHolder&)> what) {
    absl::StatusOr<FdHolder> holder =
        prepared_ ? absl::StatusOr<FdHolder>(*std::move(prepared_))
                  : FdHolder::Connect(path_, kPatience);
    prepared_.reset();
    if (!holder.ok()) {
      return absl::Status(holder.status().code(),
                          absl::StrCat(holder.status().message(),
                                       "; start it, or look at its log"));
    }
    holder->Extend(kPatience);
    absl::Status status = what(*holder);
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat("s6-fdholder at ", path_,
                                                    ": ", status.message()));
  }

  const std::string path_;
  std::optional<FdHolder> prepared_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FdStore>> ConnectToS6Store(
    const std::string& socket_path, bool known) {
  auto store = std::make_unique<S6Store>(socket_path);
  if (!known) RETURN_IF_ERROR(store->Check());
  return store;
}

}  // namespace deptyr
