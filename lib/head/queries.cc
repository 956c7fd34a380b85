#include "lib/head/queries.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/clients/report.h"
#include "lib/sys/process.h"
#include "lib/sys/replace_self.h"

namespace deptyr {
namespace {

// The list of sessions is told in pieces of this size: with thousands of
// sessions it is long, and the asker may never read it.
constexpr size_t kPiece = 32 << 10;

}  // namespace

QueryConnection& Queries::Add(Fd connection, const PeerIdentity& identity,
                              std::string received) {
  auto added = std::make_unique<QueryConnection>(
      loop_, *this, admission_.client_counts(), std::move(connection), identity,
      std::move(received));
  QueryConnection& result = *added;
  askers_.emplace(&result, std::move(added));
  return result;
}

void Queries::Serve(Fd connection, const PeerIdentity& identity,
                    const Ask& question, absl::string_view received) {
  Add(std::move(connection), identity, absl::StrCat(Encode(question), received))
      .Advance();
}

void Queries::OnQueryDone(QueryConnection& asker) {
  events_.Remove(asker);
  loop_.DestroyLater(std::move(askers_.extract(&asker).mapped()));
}

void Queries::OnQuestion(QueryConnection& asker, const Ask& question) {
  struct HeadQuestion {
    absl::string_view what;
    void (Queries::*answer)(QueryConnection&, const Ask&);
  };
  static constexpr HeadQuestion kOfHead[] = {
      {"sessions", &Queries::AnswerSessions},
      {"head", &Queries::AnswerHead},
      {"events", &Queries::AnswerEvents},
      {"upgrade", &Queries::AnswerUpgrade},
  };
  struct SessionQuestion {
    absl::string_view what;
    Right right;
    Size size;
    void (Queries::*answer)(QueryConnection&, Session&, const Ask&);
  };
  static constexpr SessionQuestion kOfSessions[] = {
      {"status", Right::kSee, Size::kLong, &Queries::AnswerStatus},
      {"snapshot", Right::kSee, Size::kPicture, &Queries::AnswerSnapshot},
      {"kick", Right::kAdminister, Size::kLong, &Queries::AnswerKick},
      {"ended", Right::kAdminister, Size::kShort, &Queries::AnswerEnded},
  };
  for (const auto& [what, answer] : kOfHead) {
    if (question.what == what) return (this->*answer)(asker, question);
  }
  for (const auto& [what, right, size, answer] : kOfSessions) {
    if (question.what != what) continue;
    const auto session = Find(asker, question, right);
    if (!session.ok()) return Refuse(asker, session.status());
    if (!MayAnswer(asker, size)) return;
    return (this->*answer)(asker, **session, question);
  }
  asker.Refuse(kRefusedMalformed, "head doesn't know this question");
}

absl::StatusOr<Session*> Queries::Find(const QueryConnection& asker,
                                       const Ask& question, Right right) const {
  return admission_.FindSession(
      sessions_, std::string(ValueOf(question.fields, "session")),
      asker.identity(), right);
}

void Queries::Refuse(QueryConnection& asker, const absl::Status& why) {
  if (absl::IsPermissionDenied(why)) {
    admission_.refusals().Note(asker.identity(), why);
  }
  asker.Refuse(RefusalCode(why), why.message());
}

bool Queries::MayAnswer(QueryConnection& asker, Size size) {
  const uid_t uid = asker.identity().uid;
  BacklogQuota& quota = admission_.backlogs();
  if (size == Size::kShort ||
      (size == Size::kPicture ? quota.TakeTurn(uid) : quota.HasRoom(uid))) {
    return true;
  }
  asker.Wait(quota);
  return false;
}

void Queries::OnStuck(QueryConnection& asker) {
  admission_.refusals().Note(asker.identity(), kRefusedLimit,
                             "it doesn't read the answer that it asked for");
  asker.End();
}

KeyValues Queries::ReportOf(Session& session) const {
  KeyValues fields = Report(session);
  fields.emplace_back("keeper",
                      std::string(stores_.Has(session) ? stores_.name() : ""));
  return fields;
}

void Queries::AnswerSessions(QueryConnection& asker, const Ask&) {
  if (!MayAnswer(asker, Size::kLong)) return;
  asker.standing().listed = "";
  (void)SayMore(asker);
}

bool Queries::SayMore(QueryConnection& asker) {
  std::optional<std::string>& listed = asker.standing().listed;
  if (!listed) return false;
  if (!MayAnswer(asker, Size::kLong)) return true;
  std::string answer;
  const SessionTable::ByName& all = sessions_.by_name();
  auto next = all.upper_bound(*listed);
  for (; next != all.end() && answer.size() < kPiece; ++next) {
    Session& session = *next->second;
    listed = session.name();
    if (admission_.RightsIn(session, asker.identity()).Has(Right::kSee)) {
      answer += Encode(Item{ReportOf(session)});
    }
  }
  if (next == all.end()) {
    listed.reset();
    answer += ItemsOfNewer(asker) + Encode(Done{});
  }
  asker.Say(std::move(answer), admission_.backlogs());
  return true;
}

std::string Queries::ItemsOfNewer(const QueryConnection& asker) const {
  if (!admission_.MayAdminister(asker.identity())) return "";
  std::string items;
  for (const auto& [name, stored] : stores_.newer()) {
    items += Encode(Item{{{"item", "session"},
                          {"name", name},
                          {"state", "held"},
                          {"how", "its state is a newer deptyr's"}}});
  }
  return items;
}

size_t Queries::most_owed() const {
  size_t most = 0;
  for (const auto& [asker, owned] : askers_) {
    most = std::max(most, asker->owed());
  }
  return most;
}

void Queries::AnswerStatus(QueryConnection& asker, Session& session,
                           const Ask&) {
  std::string answer = Encode(Item{ReportOf(session)});
  for (const SessionClient* client : session.clients()) {
    answer += Encode(Item{Report(*client)});
  }
  for (const IncarnationRecord& record : session.ring().incarnations()) {
    answer += Encode(
        Item{Report(record, session.ring().state().exec_failure.data())});
  }
  asker.Say(answer + Encode(Done{}), admission_.backlogs());
}

void Queries::AnswerHead(QueryConnection& asker, const Ask& question) {
  KeyValues head = owner_.Report();
  head.insert(head.begin(), {"item", "head"});
  std::string answer = Encode(Item{std::move(head)});
  if (ValueOf(question.fields, "users") == "1") {
    for (KeyValues& user : owner_.ReportUsers(asker.identity())) {
      answer += Encode(Item{std::move(user)});
    }
  }
  asker.Say(answer + Encode(Done{}));
}

void Queries::AnswerEvents(QueryConnection& asker, const Ask& question) {
  const std::string name(ValueOf(question.fields, "session"));
  if (!name.empty()) {
    const auto session = Find(asker, question, Right::kSee);
    if (!session.ok()) return Refuse(asker, session.status());
  }
  if (const absl::Status added = events_.Add(asker, name); !added.ok()) {
    Refuse(asker, added);
  }
}

// Answered by the program that takes over, or TellUpgradeFailed().
void Queries::AnswerUpgrade(QueryConnection& asker, const Ask&) {
  if (!admission_.MayAdminister(asker.identity())) {
    return Refuse(asker, absl::PermissionDeniedError(absl::StrCat(
                             "only root and head's own user, uid ", OwnUid(),
                             ", may upgrade it; ask as one of those")));
  }
  asker.standing().upgrade = true;
  owner_.BeginUpgrade();
}

void Queries::TellUpgradeFailed(absl::string_view why) {
  std::vector<QueryConnection*> waiting;  // telling one may end it
  for (const auto& [key, asker] : askers_) {
    if (std::exchange(asker->standing().upgrade, false)) {
      waiting.push_back(asker.get());
    }
  }
  for (QueryConnection* asker : waiting) asker->Refuse(kRefusedUpgrade, why);
}

void Queries::Save(HeadState& state) const {
  for (const auto& [key, asker] : askers_) {
    state.askers.push_back(asker->Save());
  }
}

void Queries::Resume(const HeadState& state) {
  std::vector<QueryConnection*> resumed;
  for (const AskerState& one : state.askers) {
    QueryConnection& asker =
        Add(TakeOffered(one.fd), PeerOf(one.fd).value_or(PeerIdentity()),
            one.inbox);
    asker.Resume(one);
    if (one.listens) events_.Resume(asker);
    if (one.upgrades) AnswerHead(asker, {});
    if (!one.listens) asker.Say("", admission_.backlogs());
    resumed.push_back(&asker);
  }
  // Only once everything that is owed is charged.
  for (QueryConnection* asker : resumed) asker->Advance();
}

void Queries::AnswerSnapshot(QueryConnection& asker, Session& session,
                             const Ask& question) {
  const bool last = ValueOf(question.fields, "last") == "1";
  std::optional<PostMortem> picture;
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
  asker.Say(std::move(answer), admission_.backlogs());
}

void Queries::AnswerKick(QueryConnection& asker, Session& session,
                         const Ask& question) {
  const absl::string_view client = ValueOf(question.fields, "client");
  std::string answer;
  std::vector<SessionClient*> kicked;
  for (SessionClient* one : session.clients()) {
    const bool meant = client.empty()
                           ? one->Info().kind != ClientKind::kTerminal
                           : absl::StrCat(one->id()) == client;
    if (meant) kicked.push_back(one);
  }
  if (kicked.empty() && !client.empty()) {
    return asker.Refuse(
        kRefusedNoSession,
        absl::StrCat("no client ", client, " is attached to ", session.name(),
                     "; see deptyr status ", session.name()));
  }
  for (SessionClient* one : kicked) {
    answer += Encode(Item{Report(*one)});
    one->Kick("somebody made it leave (deptyr kick)");
  }
  asker.Say(answer + Encode(Done{}), admission_.backlogs());
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
  asker.Say(Encode(Done{}));
}

}  // namespace deptyr
