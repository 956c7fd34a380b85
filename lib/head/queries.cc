#include "lib/head/queries.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/clients/report.h"
#include "lib/head/head_clients.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

// The list of sessions is told in pieces of this size: with thousands of
// sessions it is long, and the asker may never read it.
constexpr size_t kPiece = 32 << 10;

template <size_t kCount, typename Question>
const Question* FindQuestion(const Question (&questions)[kCount],
                             absl::string_view what) {
  const auto found =
      std::find_if(std::begin(questions), std::end(questions),
                   [what](const Question& one) { return one.what == what; });
  return found == std::end(questions) ? nullptr : found;
}

}  // namespace

const Queries::HeadQuestion Queries::kOfHead[] = {
    {"sessions", &Queries::AnswerSessions},
    {"head", &Queries::AnswerHead},
    {"events", &Queries::AnswerEvents},
    {"upgrade", &Queries::AnswerUpgrade},
};
const Queries::SessionQuestion Queries::kOfSessions[] = {
    {"status", Right::kSee, Size::kLong, &Queries::AnswerStatus},
    {"snapshot", Right::kSee, Size::kPicture, &Queries::AnswerSnapshot},
    {"kick", Right::kAdminister, Size::kLong, &Queries::AnswerKick},
    {"ended", Right::kAdminister, Size::kShort, &Queries::AnswerEnded},
};

QueryConnection& Queries::Own(std::unique_ptr<QueryConnection> connection) {
  QueryConnection& result = *connection;
  auto place = admission_.client_counts().Take(result.identity().uid);
  known_.emplace(&result, Known{std::move(connection), std::move(place)});
  return result;
}

void Queries::Serve(Fd connection, const PeerIdentity& identity,
                    const Ask& question, absl::string_view received) {
  Own(std::make_unique<QueryConnection>(
          loop_, *this, std::move(connection), identity,
          absl::StrCat(Encode(question), received)))
      .Advance();
}

void Queries::OnQueryDone(QueryConnection& asker) {
  events_.Remove(asker);
  const auto found = known_.find(&asker);
  loop_.DestroyLater(std::move(found->second.connection));
  known_.erase(found);
}

void Queries::OnQuestion(QueryConnection& asker, const Ask& question) {
  if (const auto* known = FindQuestion(kOfHead, question.what)) {
    return (this->*known->answer)(asker, question);
  }
  const auto* known = FindQuestion(kOfSessions, question.what);
  if (known == nullptr) {
    return asker.Refuse(kRefusedMalformed, "head doesn't know this question");
  }
  const auto session = Find(asker, question, known->right);
  if (!session.ok()) return Refuse(asker, session.status());
  if (!MayAnswer(asker, known->size)) return;
  (this->*known->answer)(asker, **session, question);
}

absl::StatusOr<Session*> Queries::Find(const QueryConnection& asker,
                                       const Ask& question, Right right) const {
  const PeerIdentity& who = asker.identity();
  const std::string name(ValueOf(question.fields, "session"));
  Session* const session = sessions_.Find(name, who.uid);
  if (session == nullptr) {
    return absl::NotFoundError(NoSuchSession(name, who, sessions_, admission_));
  }
  RETURN_IF_ERROR(admission_.CheckRight(who, right, *session));
  return session;
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
  known_.at(&asker).listed = "";
  (void)SayMore(asker);
}

bool Queries::SayMore(QueryConnection& asker) {
  std::optional<std::string>& listed = known_.at(&asker).listed;
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
  for (const auto& [asker, known] : known_) {
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
  known_.at(&asker).upgrades = true;
  owner_.BeginUpgrade();
}

void Queries::TellUpgradeFailed(absl::string_view why) {
  std::vector<QueryConnection*> waiting;  // telling one may end it
  for (auto& [asker, known] : known_) {
    if (std::exchange(known.upgrades, false)) {
      waiting.push_back(known.connection.get());
    }
  }
  for (QueryConnection* asker : waiting) asker->Refuse(kRefusedUpgrade, why);
}

void Queries::Save(HeadState& state) const {
  for (const auto& [key, known] : known_) {
    AskerState asker = known.connection->Save();
    const std::string* const wanted = events_.Find(*known.connection);
    asker.listens = wanted != nullptr;
    if (wanted != nullptr) asker.session = *wanted;
    asker.upgrades = known.upgrades;
    asker.lists = known.listed.has_value();
    asker.listed = known.listed.value_or("");
    state.askers.push_back(std::move(asker));
  }
}

void Queries::Resume(const HeadState& state) {
  std::vector<QueryConnection*> resumed;
  for (const AskerState& one : state.askers) {
    QueryConnection& asker = Own(std::make_unique<QueryConnection>(
        loop_, *this, one, PeerOf(one.fd).value_or(PeerIdentity())));
    if (one.listens) events_.Resume(asker, one.session);
    if (one.lists) known_.at(&asker).listed = one.listed;
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
  answer = EncodePaint(picture->paint, std::move(answer));
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
  asker.Say(Done{});
}

}  // namespace deptyr
