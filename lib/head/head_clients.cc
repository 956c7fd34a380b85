#include "lib/head/head_clients.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/process.h"
#include "lib/sys/replace_self.h"

namespace deptyr {
namespace {

// A client that names no session gets the newest one of this user.  Over TCP
// nobody is known, so those clients get that of head's own user.
uid_t OwnerMeantBy(const SocketClient& client) {
  return client.identity() ? client.identity()->uid : OwnUid();
}

}  // namespace

std::string NoSuchSession(const std::string& name, const PeerIdentity& who,
                          const SessionTable& sessions,
                          const Admission& admission) {
  const auto may_see = [&](const Session* session) {
    return admission.RightsIn(*session, who).Has(Right::kSee);
  };
  if (!name.empty()) {
    return absl::StrCat("there is no session ", name,
                        "; deptyr ls lists those there are");
  }
  if (std::any_of(sessions.by_start().begin(), sessions.by_start().end(),
                  may_see)) {
    return "no session is your own; name the one you mean, deptyr ls lists "
           "them";
  }
  return "there is no session yet";
}

HeadClients::HeadClients(EventLoop& loop, SessionTable& sessions,
                         Admission& admission, const std::string& head_socket,
                         absl::AnyInvocable<void()> changed)
    : loop_(loop),
      sessions_(sessions),
      admission_(admission),
      changed_(std::move(changed)),
      at_sockets_(loop,
                  {.refusals = admission.refusals(),
                   .wrong_socket = absl::StrCat(
                       "this is a client socket; ask at ", head_socket)}) {}

// Destroying a client can end others, so the tables are emptied before they
// are destroyed.
void HeadClients::Clear() {
  const auto leaving = std::exchange(attached_, {});
  at_sockets_.Clear();
}

absl::AnyInvocable<void(SocketClient&)> HeadClients::WhenGone(uid_t uid) {
  return
      [this, place = admission_.client_counts().Take(uid)](SocketClient& gone) {
        std::erase_if(waiting_, [&](const Waiting& waiting) {
          return waiting.client == &gone;
        });
        changed_();
      };
}

absl::AnyInvocable<void(AttachClient&)> HeadClients::WhenDetached(uid_t uid) {
  return
      [this, place = admission_.client_counts().Take(uid)](AttachClient& gone) {
        auto node = attached_.extract(&gone);
        if (node.empty()) return;  // all of them go
        loop_.DestroyLater(std::move(node.mapped()));
        changed_();
      };
}

void HeadClients::Add(const ListenerSpec& spec, Fd connection,
                      const std::optional<PeerIdentity>& who) {
  absl::Status room = admission_.CheckDescriptor(connection.get(), UidOf(who));
  if (room.ok()) room = admission_.CheckClients(who);
  if (!room.ok()) return admission_.refusals().Note(who, room);
  SocketClient& client = at_sockets_.Add(std::move(connection), spec.policy,
                                         who, WhenGone(UidOf(who)));
  changed_();
  const uid_t owner = OwnerMeantBy(client);
  Session* const session = sessions_.Find(spec.session, owner);
  if (session != nullptr) return Assign(client, *session);
  if (spec.session.empty() && sessions_.size() > 0) {
    LogOf(Severity::kInfo, UidOf(who), "waits", "client=", client.id(),
          " waits at ", spec.address, " for a session of uid ", UidText(owner),
          "; ", spec.address, "=SESSION would mean another's");
  }
  waiting_.push_back({&client, spec.session});
}

void HeadClients::Assign(SocketClient& client, Session& session) {
  absl::Status may = admission_.CheckClientsOf(session);
  if (!client.RightsIn(session).Has(Right::kSee)) {
    may = absl::PermissionDeniedError(
        absl::StrCat("a ", client.Info().kind, " client may not see ",
                     session.name(), "; --listener-allow says who may"));
  }
  if (may.ok()) return client.Join(session);
  admission_.refusals().Note(client.identity(), may);
  client.End();
}

void HeadClients::AssignWaiting(Session& session) {
  for (Waiting& one : std::exchange(waiting_, {})) {
    const bool meant = one.wanted.empty()
                           ? OwnerMeantBy(*one.client) == session.owner()
                           : one.wanted == session.name();
    if (meant) {
      Assign(*one.client, session);
    } else {
      waiting_.push_back(std::move(one));
    }
  }
}

absl::Status HeadClients::Attach(PendingConnection& connection,
                                 deptyr::Attach wish) {
  const PeerIdentity who = connection.identity();
  Session* const session = sessions_.Find(wish.session, who.uid);
  if (session == nullptr) {
    return absl::NotFoundError(
        NoSuchSession(wish.session, who, sessions_, admission_));
  }
  RETURN_IF_ERROR(admission_.CheckRight(who, Right::kSee, *session));
  if (wish.kick) {
    RETURN_IF_ERROR(admission_.CheckRight(who, Right::kAdminister, *session));
  }
  if (stopping_) return absl::CancelledError("head is about to end");
  RETURN_IF_ERROR(admission_.CheckClients(who));
  if (!wish.kick) RETURN_IF_ERROR(admission_.CheckClientsOf(*session));
  if (wish.kick) {
    for (Client* other : session->clients()) {
      other->Kick("another client attached alone (deptyr attach -d)");
    }
  }
  auto [released, received] = connection.Release();
  auto client = std::make_unique<AttachClient>(
      loop_, std::move(released), who, admission_.RightsIn(*session, who),
      std::move(wish), std::move(received), WhenDetached(who.uid));
  AttachClient& it = *client;
  attached_.emplace(&it, std::move(client));
  it.Join(*session);
  changed_();
  return absl::OkStatus();
}

void HeadClients::Stop() {
  stopping_ = true;
  std::vector<AttachClient*> told;  // telling one may end it
  for (const auto& [key, client] : attached_) told.push_back(client.get());
  for (AttachClient* client : told) client->OnStopping();
}

bool HeadClients::OwedAnything() const {
  bool owed = false;
  const auto look = [&owed](const Client& client) {
    owed = owed || (client.session() != nullptr &&
                    client.owed(client.session()->ring()));
  };
  at_sockets_.ForEach(look);
  for (const auto& [key, client] : attached_) look(*client);
  return owed;
}

void HeadClients::Save(HeadState& state) const {
  at_sockets_.ForEach([&](const SocketClient& client) {
    state.clients.push_back(client.Save());
    for (const Waiting& waiting : waiting_) {
      if (waiting.client == &client) {
        state.clients.back().wanted = waiting.wanted;
      }
    }
  });
  for (const auto& [key, client] : attached_) {
    state.attached.push_back(client->Save());
  }
}

void HeadClients::Resume(const HeadState& state) {
  for (const SocketClientState& one : state.clients) {
    SocketClient& client =
        at_sockets_.Add(one, WhenGone(UidOf(PeerOf(one.fd))));
    Session* const session = sessions_.Find(one.client.session);
    if (session == nullptr) {
      waiting_.push_back({&client, one.wanted});
    } else {
      session->Readmit(client);
    }
  }
  for (const AttachClientState& one : state.attached) ResumeAttached(one);
}

void HeadClients::ResumeAttached(const AttachClientState& state) {
  absl::string_view bytes = state.wish;
  const auto message = TakeMessage(bytes);
  Session* const session = sessions_.Find(state.client.session);
  if (session == nullptr || !message.ok() || !message->has_value() ||
      !std::holds_alternative<deptyr::Attach>(**message)) {
    const Fd closed = TakeOffered(state.fd);
    return;
  }
  const PeerIdentity who = PeerOf(state.fd).value_or(PeerIdentity());
  auto client = std::make_unique<AttachClient>(
      loop_, state, std::get<deptyr::Attach>(**message), who,
      admission_.RightsIn(*session, who), WhenDetached(who.uid));
  session->Readmit(*client);
  attached_.emplace(client.get(), std::move(client));
}

}  // namespace deptyr
