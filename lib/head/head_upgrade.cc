// Of head: handing itself over to another program in the same process, and
// being that one.
//
// First the program is tried: started beside, with copies of everything, to say
// whether it understands it.  Only one that does takes over, with the state of
// that moment.  Head serves on meanwhile.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/head/head.h"
#include "lib/sys/process.h"
#include "lib/sys/retry.h"

namespace deptyr {
namespace {

constexpr absl::Duration kTrialTime = absl::Seconds(5);

SocketState StateOf(absl::string_view role, const ListeningSocket& socket) {
  return {.role = std::string(role),
          .fd = socket.fd(),
          .path = socket.path(),
          .device = socket.device(),
          .inode = socket.inode()};
}

}  // namespace

HeadState Head::Save() const {
  HeadState state;
  state.program = options_.version;
  state.since = absl::ToUnixMillis(since_);
  state.refused = refusals_.counts();
  state.last_client = Client::last_id();
  state.sockets.push_back(StateOf(kBodiesRole, bodies_->socket()));
  for (const auto& [role, acceptor] : listeners_) {
    state.sockets.push_back(StateOf(role, acceptor->socket()));
  }
  for (const auto& [session, acceptors] : client_dirs_) {
    for (const auto& acceptor : acceptors) {
      state.sockets.push_back(
          StateOf(acceptor->socket().path(), acceptor->socket()));
    }
  }
  state.kept = keeping_.Names();
  for (const auto& [name, held] : held_) {
    state.held.push_back({Spell({"ring", 0, name}), held.ring.get()});
    for (const auto& [number, program] : held.programs) {
      state.held.push_back(
          {Spell({"pty", number, name}), program.controller.get()});
      state.held.push_back({Spell({"pid", number, name}), program.pidfd.get()});
    }
  }
  for (Session* session : by_start_) {
    state.sessions.push_back(session->Save());
    state.sessions.back().order = state.sessions.size();
  }
  if (!by_start_.empty()) state.newest = by_start_.back()->name();
  for (const Session* session : ended_) state.ended.push_back(session->name());
  clients_.ForEach([&](const ConnectedClient& client) {
    client.Save(state);
    for (const Waiting& waiting : waiting_) {
      if (waiting.client == &client) {
        state.clients.back().wanted = waiting.wanted;
      }
    }
  });
  state.askers = queries_.Save();
  for (const auto& [key, peer] : peers_) state.peers.push_back(peer->Save());
  terminal_.Save(state);
  return state;
}

ListeningSocket Head::TakeSocket(absl::string_view role) {
  if (!before_) return ListeningSocket();
  for (SocketState& state : before_->sockets) {
    if (state.role != role || state.fd < 0) continue;
    return ListeningSocket(TakeOffered(std::exchange(state.fd, -1)), state.path,
                           state.device, state.inode);
  }
  return ListeningSocket();
}

void Head::Resume() {
  since_ = absl::FromUnixMillis(before_->since);
  refusals_.Resume(before_->refused);
  keeping_.Resume(before_->kept);
  std::map<std::string, StoredSession> held;
  for (const HeldState& one : before_->held) {
    const auto name = ParseStoredName(one.name);
    if (!name) continue;
    StoredSession& session = held[name->session];
    Fd& place = name->kind == "ring" ? session.ring
                : name->kind == "pty"
                    ? session.programs[name->number].controller
                    : session.programs[name->number].pidfd;
    place = TakeOffered(one.fd);
  }
  std::stable_sort(before_->sessions.begin(), before_->sessions.end(),
                   [](const SessionState& a, const SessionState& b) {
                     return a.order < b.order;
                   });
  for (const SessionState& state : before_->sessions) ResumeSession(state);
  // Maybe it is this program that understands them.
  for (auto& [name, session] : held) TakeBack(name, std::move(session));
  const bool ordered = held.empty() && !before_->sessions.empty() &&
                       before_->sessions.front().order > 0;
  if (!ordered) SortByStart();
  if (Session* newest = FindSession(before_->newest)) MakeNewest(*newest);
  SortEnded();
  ResumeClients();
  Client::GoOnAfter(before_->last_client);
  for (const PeerState& state : before_->peers) ResumePending(state);
  for (const SessionState& state : before_->sessions) {
    if (Session* session = FindSession(state.name)) {
      session->OnReadmitted(state.leader);
    }
  }
  terminal_.Resume(*before_);
  Log(Severity::kNotice, "took over from ", before_->program, ": ",
      sessions_.size(), " sessions, ",
      before_->clients.size() + before_->attached.size(), " clients");
  queries_.Resume(before_->askers, clients_of_);
  // What it had, and we have no use for (a session that is lost).
  for (const SocketState& state : before_->sockets) {
    const ListeningSocket unused(TakeOffered(state.fd), state.path,
                                 state.device, state.inode);
  }
  before_.reset();
}

void Head::ResumeSession(const SessionState& state) {
  const Fd kept = TakeOffered(state.ring);
  auto ring =
      RetryForFiveSeconds([&] { return Ring::Adopt(Duplicate(kept.get())); });
  if (!ring.ok()) {  // it was fine a moment ago
    const Fd controller = TakeOffered(state.controller);
    const Fd pidfd = TakeOffered(state.pidfd);
    Log(Severity::kError, "session=", state.name,
        " is lost: ", ring.status().message());
    return;
  }
  const uid_t owner = ring->state().owner;
  Session& session = AddSession(state.name, owner, *std::move(ring));
  session.Resume(state);
  if (!session.running()) {
    if (session.programs() > 0) ended_.push_back(&session);
    return;
  }
  ++running_;
  keeping_.Expect(state.name, session.programs());
}

void Head::ResumePending(const PeerState& state) {
  auto peer = std::make_unique<PendingConnection>(
      loop_, *this, state, PeerOf(state.fd).value_or(PeerIdentity()));
  PendingConnection& it = *peer;
  peers_.emplace(&it, std::move(peer));
  if (it.registered()) NoteRegistered(it);
}

void Head::ResumeClients() {
  for (const SocketClientState& state : before_->clients) {
    ConnectedClient& client = clients_.Resume(state, PeerOf(state.fd));
    Session* const session = state.client.session.empty()
                                 ? nullptr
                                 : FindSession(state.client.session);
    if (session == nullptr) {
      waiting_.push_back({&client, state.wanted});
    } else {
      session->Readmit(client);
    }
  }
  for (const AttachClientState& state : before_->attached) {
    absl::string_view bytes = state.wish;
    const auto message = TakeMessage(bytes);
    Session* const session = FindSession(state.client.session);
    if (session == nullptr || !message.ok() || !message->has_value() ||
        !std::holds_alternative<Attach>(**message)) {
      const Fd closed = TakeOffered(state.fd);
      continue;
    }
    const PeerIdentity who = PeerOf(state.fd).value_or(PeerIdentity());
    session->Readmit(clients_.Resume(state, std::get<Attach>(**message), who,
                                     RightsIn(*session, who)));
  }
}

void Head::Upgrade() {
  if (rehearsal_) return;
  if (stopping_) return UpgradeFailed("it is about to end");
  if (options_.argv.empty()) return UpgradeFailed("this head can't");
  const HeadState state = Save();
  auto trial = StartTrial(options_.program, options_.argv,
                          {Encode(state), DescriptorsOf(state)});
  if (!trial.ok()) return UpgradeFailed(trial.status().message());
  rehearsal_.emplace(Rehearsal{*std::move(trial), {}, {}});
  rehearsal_->watch =
      loop_.Add(rehearsal_->trial.child.pidfd.get(), Interest::kRead,
                [this](Ready) { OnTrialEnded(); });
  rehearsal_->patience =
      loop_.After(kTrialTime, [this] { Kill(rehearsal_->trial.child); });
}

void Head::OnTrialEnded() {
  const auto end = ReapChild(rehearsal_->trial.child.pidfd.get());
  if (!end.ok()) {  // or it would be told of for ever
    rehearsal_.reset();
    return UpgradeFailed(end.status().message());
  }
  if (!end->has_value()) return;
  const std::string said = LastLine(rehearsal_->trial);
  rehearsal_.reset();
  if (stopping_) return UpgradeFailed("it is about to end");
  if (**end != ExitStatus{}) {
    return UpgradeFailed(absl::StrCat(options_.program, " can't take over: ",
                                      said.empty() ? Describe(**end) : said));
  }
  const HeadState state = Save();
  readiness_.ShowSocket(true);
  const absl::Status why = ReplaceSelf(options_.program, options_.argv,
                                       {Encode(state), DescriptorsOf(state)});
  readiness_.ShowSocket(false);
  UpgradeFailed(why.message());
}

void Head::UpgradeFailed(absl::string_view why) {
  Log(Severity::kError, "no upgrade, head goes on as before: ", why);
  queries_.TellUpgradeFailed(why);
}

absl::Status CheckRings(const HeadState& state) {
  for (const SessionState& session : state.sessions) {
    const absl::Status ring = Ring::CheckFormat(Duplicate(session.ring));
    if (ring.ok()) continue;
    return absl::Status(ring.code(), absl::StrCat("session ", session.name,
                                                  ": ", ring.message()));
  }
  return absl::OkStatus();
}

}  // namespace deptyr
