#include "lib/head/head.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/base/step.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/io.h"
#include "lib/sys/retry.h"

namespace deptyr {
namespace {

constexpr absl::Duration kTidyPause = absl::Milliseconds(20);
constexpr absl::Duration kServedCheck = absl::Milliseconds(10);
// How long clients get, at the end, to take what they are owed.
constexpr absl::Duration kLastPatience = absl::Seconds(2);

}  // namespace

absl::StatusOr<std::unique_ptr<Head>> Head::Create(
    EventLoop& loop, HeadOptions options, std::optional<HeadState> before) {
  std::unique_ptr<Head> head(new Head(loop, std::move(options)));
  RETURN_IF_ERROR(head->Open(std::move(before)));
  return head;
}

static SessionOptions OptionsOfSessions(const HeadOptions& options,
                                        const LogFolder& folder, Audit& audit) {
  SessionOptions session = options.session;
  if (!options.log_dir.empty()) session.log_files.folder = &folder;
  session.log_files.stamps = options.log_time;
  if (audit.wanted()) session.witness = &audit;
  return session;
}

Head::Head(EventLoop& loop, HeadOptions options)
    : loop_(loop),
      options_(std::move(options)),
      readiness_(options_.ready_fd),
      admission_(loop, options_.limits, options_.allow,
                 [this](uid_t uid) { return UsageByUser()[uid].descriptors; }),
      events_(admission_, options_.limits.buffered),
      audit_(loop, options_.audit, events_),
      queries_(loop, sessions_, admission_, stores_, events_, audit_, *this),
      listeners_(loop, options_, admission_, *this),
      sessions_(loop, OptionsOfSessions(options_, log_folder_, audit_),
                options_.limits, *this),
      stores_(loop, sessions_, [this] { TidySoon(); }),
      pending_(loop, *this, admission_, options_.limits.pending),
      consoles_(loop, *this, admission_),
      clients_(loop, sessions_, admission_, audit_, options_.socket,
               [this] { TidySoon(); }),
      registrar_(options_.history, sessions_, admission_, stores_, pending_,
                 clients_, *this),
      upgrade_(loop, options_, readiness_, *this) {}

Head::~Head() {
  GiveTerminalBack();
  clients_.Clear();
}

absl::Status Head::Open(std::optional<HeadState> before) {
  RETURN_IF_ERROR(CheckSocketPath(options_.socket));
  std::vector<InheritedFd> inherited = TakeInheritedFds();
  const HeadState* const state = before ? &*before : nullptr;
  // The stores take theirs first, because the listeners may look for the only
  // descriptor that is left.
  RETURN_IF_ERROR(stores_.Open(options_, readiness_, inherited, state));
  RETURN_IF_ERROR(listeners_.Open(inherited, state));
  if (!before) RETURN_IF_ERROR(stores_.Fetch());
  const ListeningSocket& socket = listeners_.head_socket();
  Log(Severity::kInfo, "head pid=", OwnPid(), " listens on ", socket.path(),
      socket.inherited() ? " (inherited)" : "", "; history=", options_.history,
      stores_.name().empty()
          ? "; nobody keeps the terminals for it: if it ends, its programs get "
            "SIGHUP"
          : absl::StrCat("; ", stores_.name(), " keeps the terminals"));
  if (const absl::Status known = CheckIdentities(); !known.ok()) {
    Log(Severity::kWarning, known.message());
  }
  RETURN_IF_ERROR(OpenLogFiles(/*must_go_on=*/before.has_value()));
  if (before) sessions_.Resume(*before);
  stores_.RestoreSessions();
  sessions_.SortRestored(state);
  if (before) Resume(*before);
  STEP("-", "serves");
  readiness_.Ready();
  TidySoon();
  return absl::OkStatus();
}

absl::Status Head::OpenLogFiles(bool must_go_on) {
  absl::Status opened = audit_.OpenFile();
  if (!options_.log_dir.empty()) {
    opened.Update(log_folder_.Open(options_.log_dir));
  }
  if (opened.ok() || !must_go_on) return opened;
  Log(Severity::kError, "log files stay as they are: ", opened.message());
  return absl::OkStatus();
}

void Head::ReopenLogFiles() {
  (void)OpenLogFiles(/*must_go_on=*/true);
  for (const auto& [name, session] : sessions()) session->ReopenLogFile();
}

// --- What happens

void Head::OnConnection(Fd connection) {
  const auto identity = IdentifyPeer(connection.get());
  if (!identity.ok()) return;
  absl::Status room = pending_.MakeRoom(identity->uid);
  // A client says at once what it wants; a body makes a terminal first.
  if (BytesReadable(connection.get()) == 0) stores_.Prepare();
  PendingConnection& peer = pending_.Add(std::move(connection), *identity);
  if (room.ok())
    room = admission_.CheckDescriptor(peer.connection(), identity->uid);
  if (!room.ok()) peer.Refuse(room);
}

absl::Status Head::OnAsk(PendingConnection& peer, Ask message) {
  RETURN_IF_ERROR(admission_.CheckClients(peer.identity()));
  auto [connection, received] = peer.Release();
  queries_.Serve(std::move(connection), peer.identity(), message, received);
  return absl::OkStatus();
}

void Head::OnSessionChanged(Session& session, Change change) {
  if (change.kind == Change::kHeldUp) {
    // They all go at once, because each would cost head a moment.
    if (admission_.NoteHeldUp(session.owner())) {
      sessions_.DropBlockingTerminals(session);
    }
    return;
  }
  if (change.kind == Change::kLog) return stores_.UpdateLog(session);
  audit_.OnChange(session, change);
  if (change.kind == Change::kEnded) {
    stores_.RemoveProgram(session, session.program().number());
    pending_.EndRegistration(session.name());
  } else if (change.kind == Change::kTerminalLost) {
    // The next head shall not wait for this terminal either.
    stores_.RemoveProgram(session, session.program().number());
    stores_.SetRunning(session, session.program().number());
  } else if (change.kind != Change::kStarted) {
    return;
  }
  if (has_terminal()) terminal_->OnSessionsChanged();
  TidySoon();
}

void Head::OnSessionForgotten(Session& session) {
  events_.Tell(session, "forgotten");
  stores_.RemoveSession(session);
  listeners_.CloseFor(session);
}

void Head::TidySoon() {
  if (until_tidied_.pending()) return;
  until_tidied_ = loop_.After(kTidyPause, [this] { Tidy(); });
}

void Head::Tidy() {
  if (!stopping_) stores_.StoreMissing();
  sessions_.ForgetExcess();
  if (!readiness_.Status(absl::StrCat(sessions_.running(), " programs run, ",
                                      sessions_.idle().size(), " ended, ",
                                      CountClients(), " clients"))) {
    TidySoon();
  }
}

// --- What is told

std::map<uid_t, Head::Usage> Head::UsageByUser() const {
  std::map<uid_t, Usage> users;
  for (const Session* session : sessions_.by_start()) {
    Usage& user = users[session->owner()];
    ++user.sessions;
    user.running += session->running() ? 1 : 0;
    user.kept += stores_.Has(*session) ? 1 : 0;
    user.descriptors += 1 + (session->terminal().valid() ? 1 : 0) +
                        (session->program().pidfd() >= 0 ? 1 : 0) +
                        (session->log().open() ? 2 : 0) +
                        (session->log_file().open() ? 2 : 0) +
                        listeners_.CountOf(*session);
  }
  for (const auto& [uid, count] : pending_.CountByUser()) {
    users[uid].pending = count.silent;
    users[uid].descriptors += count.all;
  }
  for (const auto& [uid, count] : admission_.client_counts().all()) {
    users[uid].clients = count;
  }
  return users;
}

KeyValues Head::Report() const {
  KeyValues report = {{"pid", absl::StrCat(OwnPid())},
                      {"version", options_.version},
                      {"socket", options_.socket},
                      {"since", absl::StrCat(absl::ToUnixMillis(since_))},
                      {"sessions", absl::StrCat(sessions_.size())},
                      {"keeper", std::string(stores_.name())},
                      {"clients", absl::StrCat(CountClients())}};
  const KeyValues refused = admission_.refusals().Report();
  report.insert(report.end(), refused.begin(), refused.end());
  report.emplace_back("pending", absl::StrCat(pending_.size()));
  report.emplace_back("buffered", absl::StrCat(queries_.most_owed()));
  admission_.AppendLimits(report);
  return report;
}

std::vector<KeyValues> Head::ReportUsers(const PeerIdentity& who) const {
  std::vector<KeyValues> reports;
  for (const auto& [uid, usage] : UsageByUser()) {
    if (uid != who.uid && !admission_.MayAdminister(who)) continue;
    reports.push_back(
        {{"item", "user"},
         {"uid", uid == kUnknownId ? "" : absl::StrCat(uid)},
         {"sessions", absl::StrCat(usage.sessions)},
         {"running", absl::StrCat(usage.running)},
         {"kept", absl::StrCat(usage.kept)},
         {"clients", absl::StrCat(usage.clients)},
         {"pending", absl::StrCat(usage.pending)},
         {"descriptors", absl::StrCat(usage.clients + usage.descriptors)}});
  }
  return reports;
}

std::string Head::RunningPrograms(bool kept) const {
  std::vector<std::string> names;
  for (const auto& [name, session] : sessions()) {
    if (session->running() && stores_.Has(*session) == kept) {
      names.push_back(
          absl::StrCat(name, " (pid ", session->program().pid(), ")"));
    }
  }
  return absl::StrJoin(names, ", ");
}

// --- Its own terminal, an upgrade, the end

absl::Status Head::TakeTerminal() {
  const HeadState before = std::exchange(before_, {});
  const bool takes_over = !before.terminal.empty();
  ASSIGN_OR_RETURN(Terminal terminal, takes_over ? RetryForFiveSeconds([&] {
                     return Terminal::TakeOver(before.terminal);
                   })
                                                 : Terminal::Take());
  TerminalClient::Owner& owner = *this;
  terminal_ = std::make_unique<TerminalClient>(
      loop_, owner, std::move(terminal), options_.command_key);
  if (takes_over) {
    terminal_->GoOn(sessions_.Find(before.shown), before.viewer,
                    before.viewer_leads, before.viewer_redo);
  } else {
    terminal_->Show(newest());
  }
  return absl::OkStatus();
}

HeadState Head::Save() const {
  HeadState state;
  state.program = options_.version;
  state.since = absl::ToUnixMillis(since_);
  state.refused = admission_.refusals().counts();
  state.last_client = Client::last_id();
  listeners_.Save(state);
  stores_.Save(state);
  sessions_.Save(state);
  clients_.Save(state);
  queries_.Save(state);
  pending_.Save(state);
  if (!has_terminal()) return state;
  const Session* const session = terminal_->session();
  state.terminal = terminal_->terminal().Before();
  state.viewer = terminal_->Save();
  state.viewer_redo = terminal_->undo().Redo();
  state.viewer_leads =
      session != nullptr && session->audience().leader() == terminal_.get();
  if (terminal_->shown() != nullptr) state.shown = terminal_->shown()->name();
  return state;
}

void Head::Resume(const HeadState& before) {
  since_ = absl::FromUnixMillis(before.since);
  admission_.refusals().Resume(before.refused);
  clients_.Resume(before);
  Client::GoOnAfter(before.last_client);
  pending_.Resume(before);
  for (const SessionState& state : before.sessions) {
    Session* const session = sessions_.Find(state.name);
    if (session != nullptr) session->OnReadmitted(state);
  }
  before_.terminal = before.terminal;
  before_.shown = before.shown;
  before_.viewer = before.viewer;
  before_.viewer_leads = before.viewer_leads;
  before_.viewer_redo = before.viewer_redo;
  Log(Severity::kNotice, "took over from ", before.program, ": ",
      sessions_.size(), " sessions, ",
      before.clients.size() + before.attached.size(), " clients");
  queries_.Resume(before);
  listeners_.CloseUnused();
}

void Head::OnUpgradeFailed(absl::string_view why) {
  Log(Severity::kError, "no upgrade, head goes on as before: ", why);
  STEP("-", "goes-on");
  queries_.TellUpgradeFailed(why);
}

void Head::Stop(absl::string_view why) {
  if (std::exchange(stopping_, true)) return;
  STEP("-", "stops");
  Log(Severity::kInfo, "head ends: ", why);
  const std::string kept = RunningPrograms(true);
  if (stores_.MayEndWithService() && !kept.empty()) {
    Log(Severity::kWarning,
        "systemd keeps the terminals over a restart.  If this is a stop, and "
        "FileDescriptorStorePreserve=yes isn't set (systemd 254), it lets go "
        "of them, and these programs get SIGHUP: ",
        kept);
  }
  readiness_.Stopping();
  upgrade_.Stop();
  listeners_.Close();
  for (const auto& [name, session] : sessions()) {
    events_.Tell(*session, "stopping");
    session->StopReading();
  }
  registrar_.Stop();
  clients_.Stop();
  until_end_ = loop_.After(kLastPatience, [this] { finished_ = true; });
  FinishIfServed();
}

std::vector<Session*> Head::ListedSessions() const {
  std::vector<Session*> all;
  for (const auto& [name, session] : sessions()) all.push_back(session.get());
  return all;
}

void Head::OnTerminalGone() {
  Stop("its terminal was closed");
  finished_ = true;  // nobody is left to be served
}

void Head::FinishIfServed() {
  if (clients_.OwedAnything() ||
      (has_terminal() && terminal_->OwedAnything())) {
    until_served_ = loop_.After(kServedCheck, [this] { FinishIfServed(); });
  } else {
    finished_ = true;
  }
}

}  // namespace deptyr
