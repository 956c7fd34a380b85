#include "lib/sys/unix_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/base/status.h"
#include "lib/sys/name_service.h"

namespace deptyr {
namespace {

constexpr size_t kLongestPath = sizeof(sockaddr_un::sun_path);
constexpr int kLockAttempts = 200;
constexpr int kLockPauseMilliseconds = 10;

struct Address {
  sockaddr_un address;
  socklen_t size;
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&address);
  }
};

absl::StatusOr<Address> AddressOf(absl::string_view path) {
  RETURN_IF_ERROR(CheckSocketPath(path));
  Address result{};
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path, path.data(), path.size());
  result.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return result;
}

absl::StatusOr<Fd> NewSocket(int flags) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd.valid()) return Errno("make a socket");
  return fd;
}

// Keeps others of us away from a socket's path, so that the look at the file
// and its replacement are one step to every other deptyr.  A file beside it is
// locked, one that nobody else can open: a lock on the folder could be held by
// whoever may read that.
class PathLock {
 public:
  static absl::StatusOr<PathLock> Take(const std::string& path) {
    PathLock lock(path + ".lock");
    // Nobody of ours holds it for longer than a few system calls.
    for (int i = 0; i < kLockAttempts; ++i) {
      lock.file_ = Fd(::open(lock.path_.c_str(),
                             O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!lock.file_.valid()) break;
      if (::flock(lock.file_.get(), LOCK_EX | LOCK_NB) == 0) {
        if (lock.IsInPlace()) return lock;
        continue;  // whoever held it has removed it
      }
      if (errno != EWOULDBLOCK && errno != EINTR) break;
      (void)::poll(nullptr, 0, kLockPauseMilliseconds);
    }
    const absl::Status status = Errno("lock ", lock.path_);
    lock.file_.Reset();
    return status;
  }
  PathLock(PathLock&&) noexcept = default;
  PathLock& operator=(PathLock&&) = delete;
  ~PathLock() {
    if (file_.valid()) (void)::unlink(path_.c_str());
  }

 private:
  explicit PathLock(std::string path) : path_(std::move(path)) {}
  bool IsInPlace() const {
    struct stat locked {};
    struct stat named {};
    return ::fstat(file_.get(), &locked) == 0 &&
           ::lstat(path_.c_str(), &named) == 0 &&
           locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
  }

  std::string path_;
  Fd file_;
};

// OK if the file at `address` is a socket without a listener, now removed.
absl::Status RemoveIfStale(const Address& address, const std::string& path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Errno("look at ", path);
  }
  if (!S_ISSOCK(file.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " exists and is not a socket; remove it or name another path"));
  }
  ASSIGN_OR_RETURN(Fd probe, NewSocket(SOCK_NONBLOCK));
  if (::connect(probe.get(), address.get(), address.size) == 0 ||
      errno == EAGAIN) {  // served; EAGAIN: its backlog is full
    return absl::AlreadyExistsError(absl::StrCat(
        path,
        " is already served by another process; stop that head first "
        "or name another path"));
  }
  if (errno != ECONNREFUSED) return Errno("find out who serves ", path);
  if (::unlink(path.c_str()) != 0)
    return Errno("remove the stale socket ", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSocketPath(absl::string_view path) {
  if (path.empty()) return absl::InvalidArgumentError("a socket path is empty");
  if (absl::StrContains(path, '\0')) {
    return absl::InvalidArgumentError("a socket path holds a NUL byte");
  }
  if (path.size() > kLongestPath) {
    return absl::InvalidArgumentError(
        absl::StrCat("socket path of ", path.size(),
                     " bytes; the kernel allows ", kLongestPath, ": ", path));
  }
  return absl::OkStatus();
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::move(other.fd_);
    path_ = std::move(other.path_);
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

bool ListeningSocket::FileIsOurs() const {
  struct stat file {};
  return ::lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
         file.st_ino == inode_;
}

void ListeningSocket::Close() {
  if (!fd_.valid()) return;
  if (!inherited() && FileIsOurs()) (void)::unlink(path_.c_str());
  fd_.Reset();
}

absl::StatusOr<ListeningSocket> Listen(absl::string_view path,
                                       const SocketRights& rights) {
  ASSIGN_OR_RETURN(const Address address, AddressOf(path));
  const std::string name(path);
  gid_t group = static_cast<gid_t>(-1);
  if (!rights.group.empty()) {
    ASSIGN_OR_RETURN(group, FindGroup(rights.group));
  }
  ASSIGN_OR_RETURN(const PathLock lock, PathLock::Take(name));
  RETURN_IF_ERROR(RemoveIfStale(address, name));

  ListeningSocket result;
  ASSIGN_OR_RETURN(result.fd_, NewSocket(SOCK_NONBLOCK));
  result.path_ = name;
  {
    const mode_t before = ::umask(0177);
    const absl::Cleanup restore = [before] { ::umask(before); };
    if (::bind(result.fd_.get(), address.get(), address.size) != 0) {
      return Errno("bind ", path);
    }
  }
  absl::Cleanup remove = [&name] { (void)::unlink(name.c_str()); };
  struct stat file {};
  if (::lstat(name.c_str(), &file) != 0) return Errno("look at ", path);
  result.device_ = file.st_dev;
  result.inode_ = file.st_ino;
  if (rights.owner && ::geteuid() == 0 &&
      ::lchown(name.c_str(), *rights.owner, static_cast<gid_t>(-1)) != 0) {
    return Errno("give ", path, " to the user ", *rights.owner);
  }
  if (!rights.group.empty() &&
      ::lchown(name.c_str(), static_cast<uid_t>(-1), group) != 0) {
    return Errno("give ", path, " to the group ", rights.group);
  }
  if (rights.mode != 0600 && ::chmod(name.c_str(), rights.mode) != 0) {
    return Errno("set the mode of ", path);
  }
  if (::listen(result.fd_.get(), SOMAXCONN) != 0) {
    return Errno("listen on ", path);
  }
  std::move(remove).Cancel();
  return result;
}

absl::StatusOr<ListeningSocket> ListenAbstract(absl::string_view name) {
  ASSIGN_OR_RETURN(Address address, AddressOf(name));
  address.address.sun_path[0] = '\0';
  ASSIGN_OR_RETURN(Fd fd, NewSocket(SOCK_NONBLOCK));
  if (::bind(fd.get(), address.get(), address.size) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return Errno("listen on ", name);
  }
  return ListeningSocket(std::move(fd), std::string(name));
}

absl::StatusOr<Fd> Connect(absl::string_view path, absl::Duration timeout,
                           absl::string_view whom) {
  ASSIGN_OR_RETURN(const Address address, AddressOf(path));
  ASSIGN_OR_RETURN(Fd fd, NewSocket(0));
  RETURN_IF_ERROR(SetTimeouts(fd.get(), timeout));
  const absl::Time until = absl::Now() + timeout;
  while (::connect(fd.get(), address.get(), address.size) != 0) {
    if (errno == EINTR && absl::Now() < until) continue;
    // The backlog stayed full.
    if (errno == EAGAIN || errno == EINTR) errno = ETIMEDOUT;
    const bool nobody = errno == ENOENT || errno == ECONNREFUSED;
    const absl::Status failed = Errno("connect to ", whom, " at ", path);
    if (!nobody) return failed;
    return absl::UnavailableError(
        absl::StrCat(failed.message(), "; does ", whom, " run there?"));
  }
  return fd;
}

absl::Status SetTimeouts(int socket, absl::Duration timeout) {
  // 0 would mean "for ever".
  const timeval limit =
      absl::ToTimeval(std::max(timeout, absl::Milliseconds(1)));
  for (const int option : {SO_SNDTIMEO, SO_RCVTIMEO}) {
    if (::setsockopt(socket, SOL_SOCKET, option, &limit, sizeof limit) != 0) {
      return Errno("limit how long a socket may wait");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Fd>> Accept(int listener) {
  Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.valid()) return std::optional<Fd>(std::move(fd));
  switch (errno) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
      return std::optional<Fd>();
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return absl::ResourceExhaustedError(
          absl::StrCat(::strerrordesc_np(errno)));
    default:
      return Errno("accept a connection");
  }
}

void ShutDownWriting(int socket) {
  (void)::shutdown(socket, SHUT_WR);
}

std::optional<std::string> ListeningPath(int fd) {
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_ACCEPTCONN) != 1 || option(SO_DOMAIN) != AF_UNIX ||
      option(SO_TYPE) != SOCK_STREAM) {
    return std::nullopt;
  }
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return std::nullopt;
  }
  const size_t offset = offsetof(sockaddr_un, sun_path);
  const size_t length = size > offset ? size - offset : 0;
  return std::string(
      address.sun_path,
      ::strnlen(address.sun_path, std::min(length, kLongestPath)));
}

absl::Status CheckFolder(const std::string& path) {
  struct stat file {};
  const bool known = ::stat(path.c_str(), &file) == 0;
  if (known && S_ISDIR(file.st_mode)) return absl::OkStatus();
  if (!known && errno != ENOENT && errno != ENOTDIR) {
    return Errno("look at ", path);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no such folder: ", path, "; make it first"));
}

bool IsSocket(const std::string& path) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace deptyr
