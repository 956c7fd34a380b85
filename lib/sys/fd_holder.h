// A connection to an s6-fdholder, by s6's own library: how the two talk is
// documented nowhere but there.
//
//   ASSIGN_OR_RETURN(FdHolder holder, FdHolder::Connect(path, kPatience));
//   RETURN_IF_ERROR(holder.Store("deptyr.mytool", controller));
//
// What the holder answers has a code of its own; all else that goes wrong is
// Unavailable, or DeadlineExceeded, and the connection is of no more use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/sys/fd.h"

namespace deptyr {

// s6-fdholderd(8), "Identifiers"; also, none is empty.
inline constexpr size_t kLongestHolderId = 255;

class [[nodiscard]] FdHolder {
 public:
  // PermissionDenied if it is served by another user than root and our own: it
  // gets all we have, and whoever may write to the folder could put one there.
  // `limit` is for this and all that follows, until the next Extend().
  static absl::StatusOr<FdHolder> Connect(const std::string& path,
                                          absl::Duration limit);
  FdHolder(FdHolder&&) noexcept;
  FdHolder& operator=(FdHolder&&) = delete;
  ~FdHolder();

  void Extend(absl::Duration limit);

  // PermissionDenied, of all of these, says which rule is missing.
  absl::StatusOr<std::vector<std::string>> List();
  // It stays stored.  NotFound.
  absl::StatusOr<Fd> Retrieve(const std::string& id);
  // Without expiry.  ResourceExhausted: the holder is full, whether or not the
  // id is stored (do_store() of s6-fdholderd.c); else AlreadyExists.
  absl::Status Store(const std::string& id, int fd);
  absl::Status Delete(const std::string& id);  // NotFound

  // The same of several at once, each Ask with an Answer() of its own, in this
  // order: what takes long is to wake the holder, and to be woken.  `fd` has to
  // stay open until the first answer.
  absl::Status AskToStore(const std::string& id, int fd);
  absl::Status AskToDelete(const std::string& id);
  absl::Status Answer();

 private:
  struct Connection;  // doesn't move: it points into itself
  explicit FdHolder(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace deptyr
