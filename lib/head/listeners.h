// The sockets of a head: the head socket, where bodies register and others
// attach or ask; those of --raw and --uwsgi; and for every session those in the
// folders of --client-dir.  In an upgrade they go on, each in its role.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "lib/head/admission.h"
#include "lib/head/head_options.h"
#include "lib/session/session.h"
#include "lib/sys/acceptor.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/file_watch.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class Listeners {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // Somebody connected to the head socket, or to one for clients.
    virtual void OnConnection(Fd connection) = 0;
    virtual void OnClient(const ListenerSpec& spec, Fd connection,
                          const std::optional<PeerIdentity>& who) = 0;
    virtual bool has_terminal() const = 0;
  };

  // `options` must outlive this object.
  Listeners(EventLoop& loop, const HeadOptions& options, Admission& admission,
            Owner& owner)
      : loop_(loop), options_(options), admission_(admission), owner_(owner) {}

  // Opens all sockets but those of sessions; those that were inherited or
  // handed over are used again.  In the place of a program that handed over
  // `before`, a client socket that can't be opened is only logged.
  absl::Status Open(std::vector<InheritedFd>& inherited,
                    const HeadState* before);
  // Makes the file of the head socket again if it has gone.
  void RestoreSocket();
  // The sockets of a session, in the folders of --client-dir.
  void OpenFor(const Session& session);
  void CloseFor(const Session& session) { client_dirs_.erase(&session); }
  size_t CountOf(const Session& session) const;
  void Close();

  const ListeningSocket& head_socket() const { return head_->socket(); }
  void Save(HeadState& state) const;
  // Closes what was handed over and isn't used, such as the sockets of a
  // session that was lost.
  void CloseUnused();

 private:
  absl::Status OpenClientSockets(std::vector<InheritedFd>& inherited,
                                 bool may_fail);
  absl::StatusOr<ListeningSocket> OpenHeadSocket(
      std::vector<InheritedFd>& inherited);
  void Serve(const ListenerSpec& spec, ListeningSocket socket);
  void ServeHeadSocket(ListeningSocket socket);
  absl::StatusOr<ListeningSocket> OpenInDir(const ClientDirSpec& spec,
                                            const std::string& path,
                                            uid_t owner);
  void OnSocketFile();
  // The socket that was handed over in this role; not valid if there is none.
  ListeningSocket TakeHandedOver(absl::string_view role);

  EventLoop& loop_;
  const HeadOptions& options_;
  Admission& admission_;
  Owner& owner_;
  std::vector<SocketState> handed_over_;
  std::unique_ptr<Acceptor> head_;
  Watch head_file_;
  bool head_file_there_ = true;
  std::vector<std::pair<std::string, std::unique_ptr<Acceptor>>>
      clients_;  // by their roles
  absl::flat_hash_map<const Session*, std::vector<std::unique_ptr<Acceptor>>>
      client_dirs_;
};

}  // namespace deptyr
