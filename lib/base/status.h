// Errors are values: absl::Status and absl::StatusOr.  The message is the
// sentence a person will read: what we were doing, on what, and why it failed.
//
//   if (::listen(socket, SOMAXCONN) != 0) return Errno("listen on ", path);
//   ASSIGN_OR_RETURN(Fd peer, Connect(path, patience));
//
// InvalidArgument is the user's error, and decides the exit status: see
// lib/base/exit_codes.h.
#pragma once

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace deptyr {

// Returns "WHAT...: No such file or directory", from the errno of the call just
// made.  absl::ErrnoToStatus() won't do: it turns EINVAL into InvalidArgument,
// which here means an error of the user.
template <typename... Args>
absl::Status Errno(const Args&... what) {
  const int error = errno;
  const char* reason = strerrordesc_np(error);
  return absl::UnavailableError(absl::StrCat(
      what..., ": ", reason == nullptr ? "unknown error" : reason));
}

}  // namespace deptyr

#define RETURN_IF_ERROR(expression)                                   \
  do {                                                                \
    if (absl::Status status_here = (expression); !status_here.ok()) { \
      return status_here;                                             \
    }                                                                 \
  } while (false)

#define DEPTYR_JOIN_(a, b) a##b
#define DEPTYR_JOIN(a, b) DEPTYR_JOIN_(a, b)
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_(DEPTYR_JOIN(status_or_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_(result, declaration, expression) \
  auto result = (expression);                              \
  if (!result.ok()) return std::move(result).status();     \
  declaration = *std::move(result)
