// UNIX stream sockets by path: listen and connect.
//
//   ASSIGN_OR_RETURN(ListeningSocket socket,
//                    Listen("/run/head.sock", {.mode = 0660, .group = "ops"}));
//   ASSIGN_OR_RETURN(Fd peer, Connect("/run/head.sock", absl::Seconds(5)));
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/sys/fd.h"

namespace deptyr {

// A path a socket can't have (empty, a folder's, over the 108 bytes of
// sun_path, unix(7)) is an InvalidArgument.  It may fill all 108 bytes, without
// a NUL.
absl::Status CheckSocketPath(absl::string_view path);

struct SocketRights {
  mode_t mode = 0600;
  std::string group = {};  // "" leaves the group as it is
  // Given to this user where we may (only root may).
  std::optional<uid_t> owner = {};
};

// A listening socket and the file it is bound to.  The file is removed with the
// object, but only while it is still this very socket, and never if the socket
// was inherited: then its file is somebody else's.
class [[nodiscard]] ListeningSocket {
 public:
  ListeningSocket() = default;
  // `fd` was inherited; `path` is what it is bound to.
  ListeningSocket(Fd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}
  // `fd` was ours in another program: the file is this very socket's still.
  ListeningSocket(Fd fd, std::string path, dev_t device, ino_t inode)
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
  friend absl::StatusOr<ListeningSocket> Listen(absl::string_view,
                                                const SocketRights&);
  Fd fd_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: inherited
};

// A listening socket that has its mode, group and owner, and can be connected
// to, before it has its name.  It is made in PATH.new, a folder that only this
// user and root may enter, and is moved to its name; nothing is ever
// changed by a path, so whoever may write to the folders on the way can lead us
// to no other file (OpenFolder() of folder.h).  They can remove the socket, and
// put their own in its place: those who connect should know the folder's owner.
//
// A socket file that nobody serves any more is replaced; a served one is an
// error, and so is a file of another kind.  Two callers at once are kept apart,
// so neither can take the other's socket for a stale one: the later is refused.
// What strangers have at PATH.new delays nobody.  A caller that fails leaves
// nothing behind; what one leaves that is killed, the next at that path
// removes.
//
// To getsockname(2), and so to ss(8), it is only called NAME: the path is as
// long as it may be already, and bind(2) takes no folder.
absl::StatusOr<ListeningSocket> Listen(absl::string_view path,
                                       const SocketRights& rights);

// Listens on an abstract name, "@NAME" (unix(7)): no file, so no file rights
// either; ask IdentifyPeer() (peer_identity.h).  It goes with the socket.
absl::StatusOr<ListeningSocket> ListenAbstract(absl::string_view name);

// A blocking, close-on-exec connection.  Waits at most `timeout` where the
// listener's backlog is full; later sends and receives have the same limit.
// `whom` is for the error to name.
absl::StatusOr<Fd> Connect(absl::string_view path, absl::Duration timeout,
                           absl::string_view whom = "head");

// Sets the limit of every later blocking send and receive.
absl::Status SetTimeouts(int socket, absl::Duration timeout);

// The next connection, non-blocking and close-on-exec.  Nothing: none is there
// (any more).  ResourceExhausted: no descriptor or memory left for it, it waits
// in the backlog.
absl::StatusOr<std::optional<Fd>> Accept(int listener);

// "No more comes from here": the peer reads to an end of file.
void ShutDownWriting(int socket);

// Whether fd is a listening UNIX stream socket, and the path it was bound to
// ("" if none), which for one of Listen() is relative.
std::optional<std::string> ListeningPath(int fd);

// Whether there is a socket at the path.
bool IsSocket(const std::string& path);

// Whether both paths lead to one file.
bool IsSameFile(const std::string& a, const std::string& b);

}  // namespace deptyr
