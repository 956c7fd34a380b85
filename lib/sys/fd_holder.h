// A connection to an s6-fdholder.  It uses s6's own library, because the
// protocol is documented nowhere else.
//
// Each answer of the holder has a code of its own.  Every other failure is
// Unavailable or DeadlineExceeded, after which the connection can't be used.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/sys/fd.h"

namespace deptyr {

// The longest identifier (s6-fdholderd(8), "Identifiers"); none is empty.
inline constexpr size_t kLongestHolderId = 255;

class [[nodiscard]] FdHolder {
 public:
  // Returns PermissionDenied if a user other than root or our own serves the
  // socket, who would get everything we have.  `limit` is the time for this and
  // everything that follows, until the next Extend().
  static absl::StatusOr<FdHolder> Connect(const std::string& path,
                                          absl::Duration limit);
  FdHolder(FdHolder&&) noexcept;
  ~FdHolder();

  void Extend(absl::Duration limit);

  // For every request, PermissionDenied says which rule is missing.
  absl::StatusOr<std::vector<std::string>> List();
  // The descriptor stays stored.  Returns NotFound for an id that isn't there.
  absl::StatusOr<Fd> Retrieve(const std::string& id);
  // Stores `fd` without expiry.  Returns ResourceExhausted if the holder is
  // full, whether or not the id is stored (do_store() of s6-fdholderd.c), or
  // else AlreadyExists.
  absl::Status Store(const std::string& id, int fd);
  absl::Status Delete(const std::string& id);  // NotFound

  // These do the same for several at once, which is faster: each Ask has an
  // Answer() of its own, in the same order.  `fd` has to stay open until the
  // first answer.
  absl::Status AskToStore(const std::string& id, int fd);
  absl::Status AskToDelete(const std::string& id);
  absl::Status Answer();

 private:
  struct Connection;  // doesn't move: it points into itself
  explicit FdHolder(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace deptyr
