#include "lib/sys/unix_socket.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

#include "lib/base/status.h"
#include "lib/sys/folder.h"
#include "lib/sys/name_service.h"
#include "lib/sys/random.h"

namespace deptyr {
namespace {

constexpr size_t kLongestPath = sizeof(sockaddr_un::sun_path);

absl::StatusOr<UnixAddress> AddressOfFile(absl::string_view path) {
  RETURN_IF_ERROR(CheckSocketPath(path));
  UnixAddress result{};
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path, path.data(), path.size());
  result.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return result;
}

// Whether somebody has to allow it before another attempt can succeed.
bool IsRefusal(int error) {
  return error == EACCES || error == EPERM;
}

absl::StatusOr<Fd> NewSocket(int flags) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (fd.valid()) return fd;
  const int error = errno;
  absl::Status failed = Errno("make a UNIX socket");
  if (error == EAFNOSUPPORT) {
    return absl::FailedPreconditionError(
        absl::StrCat(failed.message(),
                     "; let RestrictAddressFamilies= of the unit, or whatever "
                     "else filters system calls, allow AF_UNIX"));
  }
  if (IsRefusal(error)) {
    return absl::PermissionDeniedError(
        absl::StrCat(failed.message(),
                     "; let SystemCallFilter= of the unit, or whatever else "
                     "filters system calls, allow socket(2)"));
  }
  return failed;
}

bool Exists(const std::string& path) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0;
}

// "mode 0660, user root, group games".
std::string RightsOf(const struct stat& file) {
  return absl::StrFormat("mode %04o, user %s, group %s", file.st_mode & 07777,
                         UserName(file.st_uid), GroupName(file.st_gid));
}

// Says who may connect to the socket, if that is known, or who may enter the
// first folder on the way that this user may not.
std::string WhoMay(const std::string& path, bool found,
                   const struct stat& socket) {
  if (found) {
    return absl::StrCat(
        "the socket has ", RightsOf(socket),
        "; ask as a user whom that lets in, or change it: --mode and --group "
        "of deptyr head, or SocketMode= and SocketGroup= of its unit");
  }
  std::string folder = FolderOf(path);
  struct stat file {};
  while (::stat(folder.c_str(), &file) != 0 && folder.size() > 1) {
    folder = FolderOf(folder);
  }
  return absl::StrCat("this user may not enter the folder ", folder,
                      ", which has ", RightsOf(file), "; ask as user ",
                      UserName(file.st_uid), ", or name another socket");
}

// Says why `whom` can't be reached at `path`, from connect(2)'s `error`.
absl::Status ConnectError(int error, const std::string& path,
                          absl::string_view whom) {
  errno = error;
  absl::Status failed = Errno("connect to ", whom, " at ", path);
  const auto with = [&failed](absl::string_view advice) {
    return absl::StrCat(failed.message(), "; ", advice);
  };
  struct stat file {};
  const bool found = ::stat(path.c_str(), &file) == 0;
  // The kernel says "Connection refused" or "Permission denied" of these.
  if (found && !S_ISSOCK(file.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "connect to ", whom, " at ", path, ": it is ",
        S_ISDIR(file.st_mode) ? "a folder" : "a file", ", not a socket"));
  }
  if (IsRefusal(error)) {
    return absl::PermissionDeniedError(with(WhoMay(path, found, file)));
  }
  switch (error) {
    case ENOENT:
    case ECONNREFUSED: {
      const std::string folder = FolderOf(path);
      const bool missing = error == ENOENT && !Exists(folder);
      return absl::UnavailableError(with(absl::StrCat(
          missing ? absl::StrCat("the folder ", folder, " is missing; ") : "",
          "does ", whom, " run there?")));
    }
    case ENOTDIR:
    case ELOOP:
    case EPROTOTYPE:
      return absl::FailedPreconditionError(
          with(absl::StrCat(whom, " can't be there; name its socket")));
    default:
      return failed;
  }
}

// Returns the kind of the file (S_IFSOCK, S_IFLNK, ...), or 0 if there is none.
mode_t KindAt(int folder, const std::string& name) {
  struct stat file {};
  return ::fstatat(folder, name.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0
             ? file.st_mode & S_IFMT
             : 0;
}

bool IsFileAt(int folder, const std::string& name, dev_t device, ino_t inode) {
  struct stat file {};
  return ::fstatat(folder, name.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 &&
         file.st_dev == device && file.st_ino == inode;
}

// Files that are made while the result lives have this mode, whatever the umask
// was.
auto ExactMode(mode_t mode) {
  return absl::MakeCleanup(
      [before = ::umask(0777 & ~mode)] { (void)::umask(before); });
}

// A folder beside the socket's path that only this user and root may enter.
// While it lives it is the working folder: nobody else can replace a file that
// is made there, and names in it are short.  It is locked, so that looking at
// the path and replacing what is there are one step for every other deptyr.
class Workshop {
 public:
  static absl::StatusOr<Workshop> Enter(int folder, const std::string& path) {
    const auto failed = [&path] { return Errno("make ", path, kSuffix); };
    Workshop shop(folder, NameIn(path));
    shop.before_ = Fd(::open(".", kFolder));
    // After EACCES nothing is lost by not coming back: no relative path leads
    // anywhere from there.
    if (!shop.before_.valid() && errno != EACCES) return failed();
    shop.name_ = shop.socket_ + kSuffix;
    for (int left = kAttempts; left > 0; --left) {
      const auto mode = ExactMode(0700);
      const bool made = ::mkdirat(folder, shop.name_.c_str(), 0700) == 0;
      if (!made && errno != EEXIST) return failed();
      Fd here(::openat(folder, shop.name_.c_str(), kFolderToLock));
      if (!here.valid() && errno == ENOENT) continue;  // another deptyr left
      if (!here.valid() && made) {
        const absl::Status status = failed();
        (void)::unlinkat(folder, shop.name_.c_str(), AT_REMOVEDIR);
        return status;
      }
      struct stat status {};
      if (!here.valid() || ::fstat(here.get(), &status) != 0 ||
          !IsPrivate(status)) {
        // It is a stranger's, or was given to one at once (NFS).
        if (made) (void)::unlinkat(folder, shop.name_.c_str(), AT_REMOVEDIR);
        shop.name_ = absl::StrCat(shop.socket_, kSuffix, "-", RandomNumber());
        continue;
      }
      if (::flock(here.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed();
        return absl::AlreadyExistsError(
            absl::StrCat("another process is about to listen at ", path,
                         "; try again, or name another path"));
      }
      if (!IsFileAt(folder, shop.name_, status.st_dev, status.st_ino)) continue;
      shop.here_ = std::move(here);
      shop.RemoveSocket();  // a deptyr that was killed left it
      if (::fchdir(shop.here()) != 0) return failed();
      return shop;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "make ", path, kSuffix,
        ": no folder there stays this user's; name a path in a folder that "
        "others may not write to"));
  }
  Workshop(Workshop&&) noexcept = default;
  ~Workshop() {
    if (!here_.valid()) return;
    if (!before_.valid() || ::fchdir(before_.get()) != 0) (void)!::chdir("/");
    RemoveSocket();
    (void)::unlinkat(folder_, name_.c_str(), AT_REMOVEDIR);
  }

  int here() const { return here_.get(); }

 private:
  static constexpr char kSuffix[] = ".new";
  static constexpr int kAttempts = 100;
  static constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;
  static constexpr int kFolderToLock =
      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

  Workshop(int folder, std::string socket)
      : folder_(folder), socket_(std::move(socket)) {}
  static bool IsPrivate(const struct stat& folder) {
    return folder.st_uid == ::geteuid() && (folder.st_mode & 0077) == 0;
  }
  void RemoveSocket() {
    if (KindAt(here_.get(), socket_) == S_IFSOCK) {
      (void)::unlinkat(here_.get(), socket_.c_str(), 0);
    }
  }

  int folder_;
  std::string socket_;  // its name, in the workshop and at the path
  std::string name_;
  Fd before_;
  Fd here_;
};

// Removes a socket without a listener; whatever else is at the path is an
// error. We look at it under a second name, in the workshop.
absl::Status RemoveIfStale(int folder, const Workshop& shop,
                           const std::string& path) {
  const std::string name = NameIn(path);
  const auto other = [&path] {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " exists and is not a socket; remove it or name another path"));
  };
  if (::linkat(folder, name.c_str(), shop.here(), name.c_str(), 0) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    absl::Status failed = Errno("look at ", path);
    const mode_t kind = KindAt(folder, name);
    return kind == 0 || kind == S_IFSOCK ? failed : other();
  }
  const absl::Cleanup remove = [&] {
    (void)::unlinkat(shop.here(), name.c_str(), 0);
  };
  if (KindAt(shop.here(), name) != S_IFSOCK) return other();
  ASSIGN_OR_RETURN(const UnixAddress address, AddressOfFile(name));
  ASSIGN_OR_RETURN(Fd probe, NewSocket(SOCK_NONBLOCK));
  if (::connect(probe.get(), address.get(), address.size) == 0 ||
      errno == EAGAIN) {  // EAGAIN: it is served, and its backlog is full
    return absl::AlreadyExistsError(absl::StrCat(
        path,
        " is already served by another process; stop that head first "
        "or name another path"));
  }
  if (errno != ECONNREFUSED) return Errno("find out who serves ", path);
  return ::unlinkat(folder, name.c_str(), 0) == 0
             ? absl::OkStatus()
             : Errno("remove the stale socket ", path);
}

}  // namespace

absl::Status CheckSocketPath(absl::string_view path) {
  if (path.empty()) return absl::InvalidArgumentError("a socket path is empty");
  if (absl::StrContains(path, '\0')) {
    return absl::InvalidArgumentError("a socket path holds a NUL byte");
  }
  if (absl::EndsWith(path, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("a socket path ends in a slash: ", path));
  }
  if (path.size() > kLongestPath) {
    return absl::InvalidArgumentError(
        absl::StrCat("socket path of ", path.size(),
                     " bytes; the kernel allows ", kLongestPath, ": ", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<UnixAddress> UnixAddressOf(absl::string_view name) {
  ASSIGN_OR_RETURN(UnixAddress result, AddressOfFile(name));
  if (name[0] == '@') result.address.sun_path[0] = '\0';
  return result;
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  Close();
  fd_ = std::move(other.fd_);
  path_ = std::move(other.path_);
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

bool ListeningSocket::FileIsOurs() const {
  return IsFileAt(AT_FDCWD, path_, device_, inode_);
}

void ListeningSocket::Close() {
  if (!fd_.valid()) return;
  // While the socket is open no other file has its inode number.
  if (!inherited()) {
    const auto folder = OpenFolder(FolderOf(path_));
    const std::string name = NameIn(path_);
    if (folder.ok() && IsFileAt(folder->get(), name, device_, inode_)) {
      (void)::unlinkat(folder->get(), name.c_str(), 0);
    }
  }
  fd_.Reset();
}

absl::StatusOr<ListeningSocket> Listen(absl::string_view path_text,
                                       const SocketRights& rights) {
  RETURN_IF_ERROR(CheckSocketPath(path_text));
  const std::string path(path_text);
  const std::string name = NameIn(path);
  ASSIGN_OR_RETURN(const UnixAddress address, AddressOfFile(name));
  constexpr uint32_t kUnchanged = UINT32_MAX;
  gid_t group = kUnchanged;
  if (!rights.group.empty()) {
    ASSIGN_OR_RETURN(group, FindGroup(rights.group));
  }
  ASSIGN_OR_RETURN(const Fd folder, OpenFolder(FolderOf(path)));
  ASSIGN_OR_RETURN(const Workshop shop, Workshop::Enter(folder.get(), path));
  RETURN_IF_ERROR(RemoveIfStale(folder.get(), shop, path));

  ASSIGN_OR_RETURN(Fd socket, NewSocket(SOCK_NONBLOCK));
  {
    const auto mode = ExactMode(rights.mode);
    if (::bind(socket.get(), address.get(), address.size) != 0) {
      return Errno("bind ", path);
    }
  }
  const auto give = [&](uid_t user, gid_t to_group) {
    return ::fchownat(shop.here(), name.c_str(), user, to_group,
                      AT_SYMLINK_NOFOLLOW) == 0;
  };
  if (!rights.group.empty() && !give(kUnchanged, group)) {
    return Errno("give ", path, " to the group ", rights.group);
  }
  if (rights.owner && ::geteuid() == 0 && !give(*rights.owner, kUnchanged)) {
    return Errno("give ", path, " to the user ", *rights.owner);
  }
  if (::listen(socket.get(), SOMAXCONN) != 0) return Errno("listen on ", path);
  struct stat file {};
  if (::fstatat(shop.here(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    return Errno("look at ", path);
  }
  // A file that somebody has put there meanwhile is not replaced.  NFS can't
  // rename like this, and gets a second name instead; elsewhere that would keep
  // the workshop in existence for as long as the socket.
  const char* const at = name.c_str();
  if (::renameat2(shop.here(), at, folder.get(), at, RENAME_NOREPLACE) != 0 &&
      (errno != EINVAL ||
       ::linkat(shop.here(), at, folder.get(), at, 0) != 0)) {
    return Errno("put ", path, " in its place");
  }
  return ListeningSocket(std::move(socket), path, file.st_dev, file.st_ino);
}

absl::StatusOr<ListeningSocket> ListenAbstract(absl::string_view name) {
  ASSIGN_OR_RETURN(const UnixAddress address, UnixAddressOf(name));
  ASSIGN_OR_RETURN(Fd fd, NewSocket(SOCK_NONBLOCK));
  if (::bind(fd.get(), address.get(), address.size) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return Errno("listen on ", name);
  }
  return ListeningSocket(std::move(fd), std::string(name));
}

absl::StatusOr<Fd> Connect(absl::string_view path, absl::Duration timeout,
                           absl::string_view whom) {
  ASSIGN_OR_RETURN(const UnixAddress address, AddressOfFile(path));
  ASSIGN_OR_RETURN(Fd fd, NewSocket(0));
  RETURN_IF_ERROR(SetTimeouts(fd.get(), timeout));
  const absl::Time until = absl::Now() + timeout;
  while (::connect(fd.get(), address.get(), address.size) != 0) {
    if (errno == EINTR && absl::Now() < until) continue;
    // The backlog has stayed full.
    if (errno == EAGAIN || errno == EINTR) errno = ETIMEDOUT;
    return ConnectError(errno, std::string(path), whom);
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
  if (fd.valid()) return fd;
  if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
    return std::nullopt;
  }
  return absl::UnavailableError(absl::StrCat(::strerrordesc_np(errno)));
}

int SocketOption(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

void ShutDownWriting(int socket) {
  (void)::shutdown(socket, SHUT_WR);
}

void ShutDownReading(int socket) {
  (void)::shutdown(socket, SHUT_RD);
}

std::optional<std::string> ListeningPath(int fd) {
  if (SocketOption(fd, SO_ACCEPTCONN) != 1 ||
      SocketOption(fd, SO_DOMAIN) != AF_UNIX ||
      SocketOption(fd, SO_TYPE) != SOCK_STREAM) {
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
