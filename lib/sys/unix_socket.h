// Listens on and connects to UNIX stream sockets.
//
//   ASSIGN_OR_RETURN(ListeningSocket head_socket,
//                    Listen("/run/head.sock", {.mode = 0660, .group = "ops"}));
//   ASSIGN_OR_RETURN(Fd peer, Connect("/run/head.sock", absl::Seconds(5)));
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/sys/fd.h"

namespace deptyr {

// Returns InvalidArgument for a path that a socket can't have.  It may fill all
// 108 bytes of sun_path (unix(7)), without a NUL.
absl::Status CheckSocketPath(absl::string_view path);

// An address as bind(2) and connect(2) take it.
struct UnixAddress {
  sockaddr_un address;
  socklen_t size;
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&address);
  }
};
// The address of a path, or of an abstract name, "@NAME" (unix(7)).
absl::StatusOr<UnixAddress> UnixAddressOf(absl::string_view name);

struct SocketRights {
  mode_t mode = 0600;
  std::string group = {};           // "" leaves the group as it is
  std::optional<uid_t> owner = {};  // it is given to them if we run as root
};

// A listening socket and the file it is bound to.  The file is removed with the
// object, but only while it is still this very socket, and never if the socket
// was inherited: then the file is somebody else's.
class [[nodiscard]] ListeningSocket {
 public:
  ListeningSocket() = default;
  // `path` is what the socket is bound to; the numbers are its file's, or 0 if
  // it was inherited.
  ListeningSocket(Fd fd, std::string path, dev_t device = 0, ino_t inode = 0)
      : fd_(std::move(fd)),
        path_(std::move(path)),
        device_(device),
        inode_(inode) {}
  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket() { Close(); }

  int fd() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  bool inherited() const { return inode_ == 0; }
  const std::string& path() const { return path_; }
  dev_t device() const { return device_; }
  ino_t inode() const { return inode_; }

  // Whether the file at path() is still this socket.
  bool FileIsOurs() const;
  void Close();

 private:
  Fd fd_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Makes a listening socket that has its mode, group and owner, and can be
// connected to, before it has its name.  It is made in PATH.new, a folder that
// only this user and root may enter, and is moved to its name.  Nothing is ever
// changed by a path, so those who may write to the folders on the way can't
// lead us to another file (OpenFolder() of folder.h).  They can put a socket of
// their own in its place, so whoever connects should know the folder's owner.
//
// A socket file that nobody serves any more is replaced; a served one is an
// error, and so is a file of another kind.  If two callers try at once, the
// later one is refused.  Files that strangers put at PATH.new delay nobody.  A
// caller that fails leaves nothing behind, and the next one at that path cleans
// up after one that was killed.
//
// getsockname(2), and so ss(8), shows only the last part of the path.
absl::StatusOr<ListeningSocket> Listen(absl::string_view path,
                                       const SocketRights& rights);

// Listens on an abstract name, "@NAME".  It has no file, and so no rights; ask
// IdentifyPeer() (peer_identity.h).  The name goes with the socket.
absl::StatusOr<ListeningSocket> ListenAbstract(absl::string_view name);

// Makes a blocking, close-on-exec connection.  It waits for at most `timeout`
// if the listener's backlog is full, and so do later sends and receives.
// Errors name `whom`.  Unavailable means that a later attempt may succeed.
// Others need somebody to act first: what is at the path is no socket
// (InvalidArgument), or a mode or a filter forbids it (PermissionDenied,
// FailedPrecondition).
absl::StatusOr<Fd> Connect(absl::string_view path, absl::Duration timeout,
                           absl::string_view whom = "head");

// Sets the limit of every later blocking send and receive.
absl::Status SetTimeouts(int socket, absl::Duration timeout);

// Returns the next connection, non-blocking and close-on-exec, or nothing if
// none is waiting.  After an error (its message is errno's alone), mostly for
// want of descriptors or memory, it stays in the backlog.
absl::StatusOr<std::optional<Fd>> Accept(int listener);

// An option of SOL_SOCKET that is a number, or -1 if fd isn't a socket.
int SocketOption(int fd, int option);

// Ends our side of the connection.
void ShutDownWriting(int socket);
// Ends the peer's side: what it has sent is still read, and what it sends from
// now on fails there.
void ShutDownReading(int socket);

// The path that a listening UNIX stream socket was bound to, "" if it has none,
// and relative if Listen() made it; nothing for any other fd.
std::optional<std::string> ListeningPath(int fd);

bool IsSocket(const std::string& path);
// Whether both paths lead to one file.
bool IsSameFile(const std::string& a, const std::string& b);

}  // namespace deptyr
