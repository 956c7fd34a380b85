#include "lib/head/head_clients.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/head/circles.h"
#include "lib/head/keys.h"
#include "lib/sys/process.h"
#include "lib/sys/replace_self.h"

namespace deptyr {
namespace {

// A client that names no session gets the newest one of this user.  Over TCP
// nobody is known, so those clients get that of head's own user.
uid_t OwnerMeantBy(const ConnectedClient& client) {
  return client.identity() ? client.identity()->uid : OwnUid();
}

}  // namespace

HeadClients::HeadClients(EventLoop& loop, SessionTable& sessions,
                         Admission& admission, Audit& audit,
                         const std::string& head_socket,
                         absl::AnyInvocable<void()> changed)
    : sessions_(sessions),
      admission_(admission),
      audit_(audit),
      changed_(std::move(changed)),
      clients_(loop,
               {.refusals = admission.refusals(),
                .counts = admission.client_counts(),
                .backlogs = &admission.backlogs(),
                .wrong_socket = absl::StrCat("this is a client socket; ask at ",
                                             head_socket),
                .gone = [this](const ConnectedClient& it) { OnGone(it); }}) {}

void HeadClients::OnGone(const ConnectedClient& client) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    return waiting.client == &client;
  });
  changed_();
}

void HeadClients::Add(const ListenerSpec& spec, Fd connection,
                      const std::optional<PeerIdentity>& who) {
  absl::Status room = admission_.CheckDescriptor(connection.get(), UidOf(who));
  if (room.ok()) room = admission_.CheckClients(who);
  if (!room.ok()) return admission_.refusals().Note(who, room);
  ConnectedClient& client =
      clients_.Add(std::move(connection),
                   ProtocolOf(spec.policy.kind).make(spec.policy), who);
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

void HeadClients::Assign(ConnectedClient& client, Session& session) {
  absl::Status may = admission_.CheckClientsOf(session);
  if (!client.RightsIn(session).Has(Right::kSee)) {
    may = absl::PermissionDeniedError(
        absl::StrCat("a ", NameOf(client.Info().kind), " client may not see ",
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
  ASSIGN_OR_RETURN(
      Session* const session,
      admission_.FindSession(sessions_, wish.session, who, Right::kSee));
  if (wish.kick) {
    RETURN_IF_ERROR(admission_.CheckRight(who, Right::kAdminister, *session));
  }
  if (wish.exclusive.value_or(false) && wish.stream == 0) {
    RETURN_IF_ERROR(admission_.CheckRight(who, Right::kType, *session));
    RETURN_IF_ERROR(CheckTakingKeys(admission_, who, *session));
  }
  if (stopping_) return absl::CancelledError("head is about to end");
  wish.inside = SessionAround(sessions_, wish, who);
  RETURN_IF_ERROR(CheckCircle(sessions_, *wish.inside, *session));
  RETURN_IF_ERROR(admission_.CheckClients(who));
  if (!wish.kick) {
    RETURN_IF_ERROR(admission_.CheckClientsOf(*session));
  } else {
    audit_.OnKicked(*session, who, 0);
    for (SessionClient* other : session->clients()) {
      other->Kick("another client attached alone (deptyr attach -d)");
    }
  }
  auto [released, received] = connection.Release();
  clients_
      .Add(std::move(released),
           MakeDeptyrProtocol(admission_.RightsIn(*session, who),
                              std::move(wish)),
           who, std::move(received))
      .Join(*session);
  changed_();
  return absl::OkStatus();
}

void HeadClients::Stop() {
  stopping_ = true;
  clients_.ForEach([](ConnectedClient& client) { client.OnStopping(); });
}

bool HeadClients::OwedAnything() const {
  bool owed = false;
  clients_.ForEach([&owed](const ConnectedClient& client) {
    owed = owed || client.OwedAnything();
  });
  return owed;
}

void HeadClients::Save(HeadState& state) const {
  clients_.ForEach([&](const ConnectedClient& client) { client.Save(state); });
  for (SocketClientState& saved : state.clients) {
    for (const Waiting& waiting : waiting_) {
      if (waiting.client->id() == saved.client.id)
        saved.wanted = waiting.wanted;
    }
  }
}

void HeadClients::Resume(const HeadState& state) {
  for (const SocketClientState& one : state.clients) {
    ConnectedClient& client = clients_.Resume(one, PeerOf(one.fd));
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
  session->Readmit(clients_.Resume(state, std::get<deptyr::Attach>(**message),
                                   who, admission_.RightsIn(*session, who)));
}

}  // namespace deptyr
