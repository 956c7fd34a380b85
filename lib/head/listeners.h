// The sockets of a head: the head socket, where bodies register and others
// attach or ask; those of --raw and --uwsgi; and for every session those in the
// folders of --client-dir.  In an upgrade they go on, each in its role.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
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
    // Somebody connected to a socket for terminals of others.
    virtual void OnConsole(const ConsoleSpec& spec, Fd connection) = 0;
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
  void CloseFor(const Session& session) { clients_.erase(&session); }
  size_t CountOf(const Session& session) const;
  void Close();

  const ListeningSocket& head_socket() const { return head_->socket(); }
  void Save(HeadState& state) const;
  // Closes what was handed over and isn't used, such as the sockets of a
  // session that was lost.
  void CloseUnused() { handed_over_.clear(); }

 private:
  struct ClientListener {
    std::string role;
    std::unique_ptr<Acceptor> acceptor;
  };
  using Opener = absl::FunctionRef<absl::StatusOr<ListeningSocket>()>;

  absl::Status OpenClientSockets(std::vector<InheritedFd>& inherited,
                                 bool may_fail);
  absl::Status OpenConsoles(std::vector<InheritedFd>& inherited, bool may_fail);
  absl::Status OpenInDir(const Session& session, const ListenerSpec& spec);
  void Serve(const Session* session, std::string role, const ListenerSpec& spec,
             ListeningSocket socket);
  void ServeHeadSocket(ListeningSocket socket);
  void OnSocketFile();
  // The socket that was handed over in this role, or else what `open` opens.
  absl::StatusOr<ListeningSocket> HandedOverOr(const std::string& role,
                                               Opener open);

  EventLoop& loop_;
  const HeadOptions& options_;
  Admission& admission_;
  Owner& owner_;
  std::multimap<std::string, ListeningSocket> handed_over_;  // by role
  std::unique_ptr<Acceptor> head_;
  Watch head_file_;
  bool head_file_there_ = true;
  // Those of each session, and under null those of the options.
  absl::flat_hash_map<const Session*, std::vector<ClientListener>> clients_;
};

}  // namespace deptyr
