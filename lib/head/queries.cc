#include "lib/head/queries.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/clients/report.h"
#include "lib/head/head.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

// A list that may be long is told so much at a time.
constexpr size_t kPiece = 32 << 10;
// A user may have so many: each is told of everything that happens.
constexpr int kMostListeners = 64;

absl::string_view NameOf(Change::Kind kind) {
  switch (kind) {
    case Change::kStarted:
      return "started";
    case Change::kEnded:
      return "ended";
    case Change::kStatus:
      return "status";
    case Change::kResized:
      return "resized";
    case Change::kAttached:
      return "attached";
    case Change::kDetached:
      return "detached";
    case Change::kTerminalLost:
      return "terminal-lost";
    case Change::kHeldUp:
      break;
  }
  return "";
}

KeyValues FieldsOf(const Session& session, Change change) {
  switch (change.kind) {
    case Change::kStarted:
      return StartReport(session);
    case Change::kEnded:
    case Change::kStatus:
      return EndReport(session);
    case Change::kResized:
      return {{"rows", absl::StrCat(session.size().rows)},
              {"cols", absl::StrCat(session.size().cols)}};
    case Change::kAttached:
      return {{"client", absl::StrCat(change.client->id())},
              {"kind", std::string(change.client->Info().kind)}};
    case Change::kDetached:
      return {{"client", absl::StrCat(change.client->id())}};
    case Change::kTerminalLost:
    case Change::kHeldUp:
      break;
  }
  return {};
}

}  // namespace

std::string PermissionError(const PeerIdentity& who, Right right,
                            const Session& session) {
  const bool known = who.uid != kUnknownId;
  return absl::StrCat(
      known ? absl::StrCat("uid ", who.uid) : "a user unknown here",
      " may not ", Spell(Rights{right}), " ", session.name(),
      ", a session of uid ", session.owner(),
      "; ask as that user or root, or have head started with --allow ",
      known ? absl::StrCat("uid:", who.uid) : "any", "=", Spell(Rights{right}),
      "@", session.name());
}

void Queries::Serve(Fd connection, const PeerIdentity& identity,
                    const Ask& question, absl::string_view received,
                    UserCounts::Place place) {
  auto asker = std::make_unique<QueryConnection>(
      loop_, *this, std::move(connection), identity,
      absl::StrCat(Encode(question), received));
  QueryConnection& it = *asker;
  askers_.emplace(&it, Known{std::move(asker), std::move(place)});
  it.Advance();
}

void Queries::OnQueryDone(QueryConnection& asker) {
  const auto found = askers_.find(&asker);
  loop_.DestroyLater(std::move(found->second.asker));
  askers_.erase(found);
}

void Queries::OnQuestion(QueryConnection& asker, const Ask& question) {
  if (question.what == "sessions") {
    if (!MayAnswer(asker)) return;  // it is asked again
    askers_.at(&asker).listed = "";
    (void)SayMore(asker);
    return;
  }
  if (question.what == "head") return AnswerHead(asker, question);
  if (question.what == "events") return Listen(asker, question);
  if (question.what == "upgrade") return Upgrade(asker);
  const bool looks = question.what == "status" || question.what == "snapshot";
  const bool acts = question.what == "kick" || question.what == "ended";
  if (!looks && !acts) {
    return asker.Refuse(kRefusedMalformed, "head doesn't know this question");
  }
  Session* const session =
      Find(asker, question, looks ? Right::kSee : Right::kAdminister);
  if (session == nullptr) return;
  if (question.what != "ended" &&
      !MayAnswer(asker, question.what == "snapshot")) {
    return;
  }
  if (question.what == "status") {
    AnswerStatus(asker, *session);
  } else if (question.what == "snapshot") {
    AnswerSnapshot(asker, *session, ValueOf(question.fields, "last") == "1");
  } else if (question.what == "kick") {
    AnswerKick(asker, *session, ValueOf(question.fields, "client"));
  } else {
    AnswerEnded(asker, *session, question);
  }
}

Session* Queries::Find(QueryConnection& asker, const Ask& question,
                       Right right) {
  const std::string name(ValueOf(question.fields, "session"));
  Session* const session = head_.FindSession(name, asker.identity());
  if (session == nullptr) {
    asker.Refuse(kRefusedNoSession,
                 head_.NoSuchSession(name, asker.identity()));
    return nullptr;
  }
  if (head_.RightsIn(*session, asker.identity()).Has(right)) return session;
  Forbid(asker, PermissionError(asker.identity(), right, *session));
  return nullptr;
}

bool Queries::MayAnswer(QueryConnection& asker, bool with_picture) {
  const uid_t uid = asker.identity().uid;
  if (with_picture ? head_.backlogs().TakeTurn(uid)
                   : head_.backlogs().HasRoom(uid)) {
    return true;
  }
  asker.Wait(head_.backlogs());
  return false;
}

void Queries::OnStuck(QueryConnection& asker) {
  head_.refusals().Note(asker.identity(), kRefusedLimit,
                        "it doesn't read the answer that it asked for");
  asker.End();
}

void Queries::Forbid(QueryConnection& asker, absl::string_view text) {
  head_.refusals().Note(asker.identity(), kRefusedNotPermitted, text);
  asker.Refuse(kRefusedNotPermitted, text);
}

KeyValues Queries::ReportOf(Session& session) const {
  KeyValues fields = Report(session);
  const bool kept = head_.keeping().Has(session.name());
  fields.emplace_back("keeper",
                      kept ? std::string(head_.keeping().store_name()) : "");
  return fields;
}

// A piece at a time: with thousands of sessions it is long, and who asks may
// never read it.
bool Queries::SayMore(QueryConnection& asker) {
  std::optional<std::string>& listed = askers_.at(&asker).listed;
  if (!listed) return false;
  if (!MayAnswer(asker)) return true;
  std::string answer;
  auto next = head_.sessions().upper_bound(*listed);
  for (; next != head_.sessions().end() && answer.size() < kPiece; ++next) {
    Session& session = *next->second;
    listed = session.name();
    if (head_.RightsIn(session, asker.identity()).Has(Right::kSee)) {
      answer += Encode(Item{ReportOf(session)});
    }
  }
  if (next == head_.sessions().end()) {
    listed.reset();
    answer += HeldItems(asker) + Encode(Done{});
  }
  asker.Say(std::move(answer), head_.backlogs());
  return true;
}

std::string Queries::HeldItems(const QueryConnection& asker) const {
  if (!head_.MayAdminister(asker.identity())) return "";
  std::string items;
  for (const auto& [name, kept] : head_.held()) {
    items += Encode(Item{{{"item", "session"},
                          {"name", name},
                          {"state", "held"},
                          {"how", "its state is a newer deptyr's"}}});
  }
  return items;
}

size_t Queries::most_owed() const {
  size_t most = 0;
  for (const auto& [asker, known] : askers_) {
    most = std::max(most, asker->owed());
  }
  return most;
}

void Queries::AnswerStatus(QueryConnection& asker, Session& session) {
  std::string answer = Encode(Item{ReportOf(session)});
  for (const Client* client : session.clients()) {
    answer += Encode(Item{Report(*client)});
  }
  for (const IncarnationRecord& record : session.ring().incarnations()) {
    answer += Encode(
        Item{Report(record, session.ring().state().exec_failure.data())});
  }
  asker.Say(answer + Encode(Done{}), head_.backlogs());
}

KeyValues Queries::HeadItem() const {
  KeyValues fields = head_.Report();
  fields.insert(fields.begin(), {"item", "head"});
  return fields;
}

void Queries::AnswerHead(QueryConnection& asker, const Ask& question) {
  std::string answer = Encode(Item{HeadItem()});
  if (ValueOf(question.fields, "users") == "1") {
    for (KeyValues& user : head_.ReportUsers(asker.identity())) {
      answer += Encode(Item{std::move(user)});
    }
  }
  asker.Say(answer + Encode(Done{}));
}

// Answered by the program that takes over, or TellUpgradeFailed().
void Queries::Upgrade(QueryConnection& asker) {
  if (!head_.MayAdminister(asker.identity())) {
    return Forbid(asker,
                  absl::StrCat("only root and head's own user, uid ", OwnUid(),
                               ", may upgrade it; ask as one of those"));
  }
  askers_.at(&asker).upgrades = true;
  head_.Upgrade();
}

void Queries::TellUpgradeFailed(absl::string_view why) {
  std::vector<QueryConnection*> waiting;  // to tell one may end it
  for (auto& [asker, known] : askers_) {
    if (std::exchange(known.upgrades, false)) {
      waiting.push_back(known.asker.get());
    }
  }
  for (QueryConnection* asker : waiting) asker->Refuse(kRefusedUpgrade, why);
}

std::vector<AskerState> Queries::Save() const {
  std::vector<AskerState> states;
  for (const auto& [key, known] : askers_) {
    AskerState state = known.asker->Save();
    state.listens = known.listens;
    state.session = known.session;
    state.upgrades = known.upgrades;
    state.lists = known.listed.has_value();
    state.listed = known.listed.value_or("");
    states.push_back(std::move(state));
  }
  return states;
}

void Queries::Resume(const std::vector<AskerState>& states,
                     UserCounts& counts) {
  std::vector<QueryConnection*> resumed;
  for (const AskerState& state : states) {
    auto asker = std::make_unique<QueryConnection>(
        loop_, *this, state, PeerOf(state.fd).value_or(PeerIdentity()));
    QueryConnection& it = *asker;
    Known& known = askers_
                       .emplace(&it, Known{std::move(asker),
                                           counts.Take(it.identity().uid)})
                       .first->second;
    known.listens = state.listens;
    known.session = state.session;
    if (state.lists) known.listed = state.listed;
    if (state.upgrades) AnswerHead(it, {});
    if (!state.listens) it.Say("", head_.backlogs());
    resumed.push_back(&it);
  }
  // When what is owed is charged.
  for (QueryConnection* asker : resumed) asker->Advance();
}

void Queries::AnswerSnapshot(QueryConnection& asker, Session& session,
                             bool last) {
  std::optional<Session::PostMortem> picture;
  if (last) picture = session.TakePostMortem();
  if (last && !picture) {
    return asker.Refuse(kRefusedNoSession,
                        absl::StrCat("no program of ", session.name(),
                                     " has ended yet; leave --last out"));
  }
  if (!last) {
    picture = {.paint = session.TakePicture(session.size()).paint,
               .size = session.size(),
               .how = session.State()};
  }
  std::string answer = Encode(
      Item{{{"item", "snapshot"},
            {"session", session.name()},
            {"rows", absl::StrCat(picture->size.rows)},
            {"cols", absl::StrCat(picture->size.cols)},
            {"state", picture->how},
            {"title", session.screen().title()},
            {"screen", session.screen().exact() ? "exact" : "approximate"}}});
  AppendPaint(answer, picture->paint);
  picture.reset();
  answer += Encode(Done{});
  asker.Say(std::move(answer), head_.backlogs());
}

void Queries::AnswerKick(QueryConnection& asker, Session& session,
                         absl::string_view client) {
  std::string answer;
  std::vector<Client*> kicked;
  for (Client* one : session.clients()) {
    const bool meant = client.empty() ? one->Info().kind != "terminal"
                                      : absl::StrCat(one->id()) == client;
    if (meant) kicked.push_back(one);
  }
  if (kicked.empty() && !client.empty()) {
    return asker.Refuse(
        kRefusedNoSession,
        absl::StrCat("no client ", client, " is attached to ", session.name(),
                     "; see deptyr status ", session.name()));
  }
  for (Client* one : kicked) {
    answer += Encode(Item{Report(*one)});
    one->Kick("somebody made it leave (deptyr kick)");
  }
  asker.Say(answer + Encode(Done{}), head_.backlogs());
}

void Queries::AnswerEnded(QueryConnection& asker, Session& session,
                          const Ask& question) {
  ExitStatus status;
  const absl::string_view code = ValueOf(question.fields, "code");
  const absl::string_view signal = ValueOf(question.fields, "signal");
  const bool known = signal.empty() ? absl::SimpleAtoi(code, &status.code)
                                    : absl::SimpleAtoi(signal, &status.signal);
  if (!known || status.code < 0 || status.code > 255 || status.signal < 0 ||
      status.signal > 64) {
    return asker.Refuse(kRefusedMalformed,
                        "no code from 0 to 255, no signal from 1 to 64");
  }
  if (const absl::Status told = session.TellStatus(status); !told.ok()) {
    return asker.Refuse(kRefusedNoSession,
                        absl::StrCat(session.name(), ": ", told.message()));
  }
  asker.Say(Done{});
}

void Queries::Listen(QueryConnection& asker, const Ask& question) {
  const std::string name(ValueOf(question.fields, "session"));
  if (!name.empty() && Find(asker, question, Right::kSee) == nullptr) {
    return;
  }
  const uid_t uid = asker.identity().uid;
  const auto listeners =
      std::count_if(askers_.begin(), askers_.end(), [uid](const auto& one) {
        return one.second.listens && one.first->identity().uid == uid;
      });
  if (listeners >= kMostListeners) {
    return asker.Refuse(
        kRefusedLimit,
        absl::StrCat("uid ", UidText(uid), " hears of events over ",
                     kMostListeners, " connections already; end some"));
  }
  Known& known = askers_.at(&asker);
  known.listens = true;
  known.session = name;
}

void Queries::Tell(const Session& session, absl::string_view event,
                   KeyValues fields) {
  if (askers_.empty()) return;
  fields.insert(fields.begin(), {{"item", "event"},
                                 {"event", std::string(event)},
                                 {"session", session.name()}});
  if (ValueOf(fields, "time").empty()) {
    fields.emplace_back("time", absl::StrCat(absl::ToUnixMillis(absl::Now())));
  }
  const std::string item = Encode(Item{std::move(fields)});
  // The worst debtors first.  To tell one may end it.
  std::vector<QueryConnection*> listeners;
  std::map<uid_t, size_t> owed;
  for (auto& [asker, known] : askers_) {
    if (!known.listens) continue;
    listeners.push_back(known.asker.get());
    owed[asker->identity().uid] += asker->owed();
  }
  std::sort(listeners.begin(), listeners.end(),
            [](const QueryConnection* a, const QueryConnection* b) {
              return a->owed() > b->owed();
            });
  for (QueryConnection* listener : listeners) {
    if (listener->is_over()) continue;  // and not in the table any more
    const std::string& wanted = askers_.at(listener).session;
    if ((!wanted.empty() && wanted != session.name()) ||
        !head_.RightsIn(session, listener->identity()).Has(Right::kSee)) {
      continue;
    }
    const uid_t uid = listener->identity().uid;
    EndDebtors(listeners, uid, owed[uid], item.size());
    if (listener->is_over()) continue;
    listener->SayLater(item);
    owed[uid] += listener->owed() == 0 ? 0 : item.size();
  }
  if (flush_events_.pending()) return;
  flush_events_ = loop_.After(absl::ZeroDuration(), [this] { FlushEvents(); });
}

// Events are written once in a turn, however many there were.
void Queries::FlushEvents() {
  std::vector<QueryConnection*> listeners;  // to write may end one
  for (auto& [asker, known] : askers_) {
    if (known.listens) listeners.push_back(known.asker.get());
  }
  for (QueryConnection* listener : listeners) {
    if (!listener->is_over()) listener->Flush();
  }
}

// A listener that doesn't read is closed: those of a user that owe most, until
// there is room for what the user's others are told.
void Queries::EndDebtors(const std::vector<QueryConnection*>& listeners,
                         uid_t uid, size_t& owed, size_t added) {
  for (QueryConnection* debtor : listeners) {
    if (owed + added <= head_.limits().buffered) return;
    if (debtor->is_over() || debtor->identity().uid != uid) continue;
    head_.refusals().Note(debtor->identity(), kRefusedLimit,
                          "it doesn't read the events it asked for, and "
                          "--max-buffered is reached");
    owed -= std::min(owed, debtor->owed());
    debtor->End();
  }
}

void Queries::Tell(const Session& session, Change change) {
  if (!askers_.empty())
    Tell(session, NameOf(change.kind), FieldsOf(session, change));
}

}  // namespace deptyr
