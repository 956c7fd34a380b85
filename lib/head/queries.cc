#include "lib/head/queries.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/clients/report.h"
#include "lib/head/keys.h"
#include "lib/sys/process.h"
#include "lib/sys/replace_self.h"

namespace deptyr {
namespace {

// The list of sessions is told in pieces of this size: with thousands of
// sessions it is long, and the asker may never read it.
constexpr size_t kPiece = 32 << 10;

KeyValues ReportOf(Session& session, const Stores& stores) {
  KeyValues fields = Report(session);
  fields.emplace_back("keeper",
                      std::string(stores.Has(session) ? stores.name() : ""));
  return fields;
}

// Answers to questions about a session: the items before `done`, or why there
// are none.
using Answer = absl::StatusOr<std::string>;

Answer StatusOf(Session& session, const Ask&, const Stores& stores) {
  std::string answer = Encode(Item{ReportOf(session, stores)});
  for (const SessionClient* client : session.clients()) {
    answer += Encode(Item{Report(*client)});
  }
  const char* const exec_failure = session.ring().state().exec_failure.data();
  for (const IncarnationRecord& record : session.ring().incarnations()) {
    answer += Encode(Item{Report(record, exec_failure)});
  }
  return answer;
}

Answer TakeSnapshot(Session& session, const Ask& question, const Stores&) {
  std::optional<PostMortem> picture;
  const bool last = ValueOf(question.fields, "last") == "1";
  const absl::string_view state = last ? "ended" : StateOf(session);
  if (last) {
    picture = session.TakePostMortem();
    if (!picture) {
      return absl::NotFoundError(absl::StrCat("no program of ", session.name(),
                                              " has ended yet; leave --last "
                                              "out"));
    }
  } else {
    picture = {.paint = session.TakePicture(session.size()).paint,
               .size = session.size(),
               .how = session.program().How()};
  }
  Item item = {
      {{"item", "snapshot"},
       {"session", session.name()},
       {"rows", absl::StrCat(picture->size.rows)},
       {"cols", absl::StrCat(picture->size.cols)},
       {"state", std::string(state)},
       {"title", session.screen().title()},
       {"screen", session.screen().exact() ? "exact" : "approximate"}}};
  if (state == "ended") item.fields.emplace_back("how", picture->how);
  return EncodePaint(picture->paint, Encode(item));
}

Answer Kick(Session& session, const Ask& question, const Stores&) {
  const absl::string_view client = ValueOf(question.fields, "client");
  std::vector<SessionClient*> kicked;
  for (SessionClient* one : session.clients()) {
    const bool meant = client.empty()
                           ? one->Info().kind != ClientKind::kTerminal
                           : absl::StrCat(one->id()) == client;
    if (meant) kicked.push_back(one);
  }
  if (kicked.empty() && !client.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no client ", client, " is attached to ", session.name(),
                     "; see deptyr status ", session.name()));
  }
  std::string answer;
  for (SessionClient* one : kicked) {
    answer += Encode(Item{Report(*one)});
    one->Kick("somebody made it leave (deptyr kick)");
  }
  return answer;
}

// Reads a number of rows or columns.
std::optional<uint16_t> SideOf(absl::string_view text) {
  uint32_t side = 0;
  const bool valid = absl::SimpleAtoi(text, &side) && side > 0 &&
                     side <= std::numeric_limits<uint16_t>::max();
  return valid ? std::optional(static_cast<uint16_t>(side)) : std::nullopt;
}

// Changes the policy first, which decides whether the size may be set.
Answer ResizeTerminal(Session& session, const Ask& question, const Stores&) {
  const absl::string_view policy = ValueOf(question.fields, "size-policy");
  const absl::string_view rows = ValueOf(question.fields, "rows");
  WindowSize size;
  if (!rows.empty()) {
    const auto all = SideOf(rows);
    const auto across = SideOf(ValueOf(question.fields, "cols"));
    if (!all || !across) {
      return absl::InvalidArgumentError("no rows and cols from 1 to 65535");
    }
    size = {.rows = *all, .cols = *across};
  }
  if (policy == "default") {
    session.SetSizePolicy(std::nullopt);
  } else if (!policy.empty()) {
    ASSIGN_OR_RETURN(const SizePolicy own, SizePolicyNamed(policy));
    session.SetSizePolicy(own);
  }
  if (!rows.empty()) RETURN_IF_ERROR(session.Resize(size));
  return "";
}

Answer TakeEnd(Session& session, const Ask& question, const Stores&) {
  ExitStatus status;
  const absl::string_view code = ValueOf(question.fields, "code");
  const absl::string_view signal = ValueOf(question.fields, "signal");
  const bool known = signal.empty() ? absl::SimpleAtoi(code, &status.code)
                                    : absl::SimpleAtoi(signal, &status.signal);
  if (!known || status.code < 0 || status.code > 255 || status.signal < 0 ||
      status.signal > 64) {
    return absl::InvalidArgumentError(
        "no code from 0 to 255, no signal from 1 to 64");
  }
  if (const absl::Status told = session.TellStatus(status); !told.ok()) {
    return absl::NotFoundError(
        absl::StrCat(session.name(), ": ", told.message()));
  }
  return "";
}

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
      {"forget", &Queries::AnswerForget},
      {"signal", &Queries::AnswerSignal},
      {"writer", &Queries::AnswerWriter},
      {"upgrade", &Queries::AnswerUpgrade},
  };
  struct SessionQuestion {
    absl::string_view what;
    Right right;
    Size size;
    Answer (*answer)(Session&, const Ask&, const Stores&);
  };
  static constexpr SessionQuestion kOfSessions[] = {
      {"status", Right::kSee, Size::kLong, StatusOf},
      {"snapshot", Right::kSee, Size::kPicture, TakeSnapshot},
      {"kick", Right::kAdminister, Size::kLong, Kick},
      {"ended", Right::kAdminister, Size::kShort, TakeEnd},
      {"resize", Right::kResize, Size::kShort, ResizeTerminal},
  };
  for (const auto& [what, answer] : kOfHead) {
    if (question.what == what) return (this->*answer)(asker, question);
  }
  for (const auto& [what, right, size, answer_to] : kOfSessions) {
    if (question.what != what) continue;
    const auto session = Find(asker, question, right);
    if (!session.ok()) return Refuse(asker, session.status());
    if (!MayAnswer(asker, size)) return;
    Answer answer = answer_to(**session, question, stores_);
    if (!answer.ok()) return Refuse(asker, answer.status());
    if (question.what == "kick") {
      uint64_t client = 0;
      (void)absl::SimpleAtoi(ValueOf(question.fields, "client"), &client);
      audit_.OnKicked(**session, asker.identity(), client);
    }
    if (question.what == "resize") {
      audit_.OnResized(**session, asker.identity());
    }
    *answer += Encode(Done{});
    return asker.Say(*std::move(answer),
                     size == Size::kShort ? nullptr : &admission_.backlogs());
  }
  Refuse(asker, absl::InvalidArgumentError("head doesn't know this question"));
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
  asker.Refuse(
      absl::IsInvalidArgument(why) ? kRefusedMalformed : RefusalCode(why),
      why.message());
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
      answer += Encode(Item{ReportOf(session, stores_)});
    }
  }
  if (next == all.end()) {
    listed.reset();
    if (admission_.MayAdminister(asker.identity())) {
      for (const auto& [name, stored] : stores_.newer()) {
        answer += Encode(Item{{{"item", "session"},
                               {"name", name},
                               {"state", "held"},
                               {"how", "its state is a newer deptyr's"}}});
      }
    }
    answer += Encode(Done{});
  }
  asker.Say(std::move(answer), &admission_.backlogs());
  return true;
}

size_t Queries::most_owed() const {
  size_t most = 0;
  for (const auto& [asker, owned] : askers_) {
    most = std::max(most, asker->owed());
  }
  return most;
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
  absl::Status added;
  if (!name.empty()) added = Find(asker, question, Right::kSee).status();
  if (added.ok()) added = events_.Add(asker, name);
  if (!added.ok()) Refuse(asker, added);
}

void Queries::AnswerForget(QueryConnection& asker, const Ask& question) {
  const auto session = Find(asker, question, Right::kAdminister);
  if (!session.ok()) return Refuse(asker, session.status());
  const absl::Status forgotten = sessions_.ForgetEnded(**session);
  if (!forgotten.ok()) return Refuse(asker, forgotten);
  asker.Say(Encode(Done{}));
}

void Queries::AnswerSignal(QueryConnection& asker, const Ask& question) {
  const auto session = Find(asker, question, Right::kSignal);
  if (!session.ok()) return Refuse(asker, session.status());
  constexpr int kMost = 64;
  int signal = 0;
  if (!absl::SimpleAtoi(ValueOf(question.fields, "signal"), &signal) ||
      signal < 1 || signal > kMost) {
    return Refuse(asker, absl::InvalidArgumentError("no signal from 1 to 64"));
  }
  const absl::Status sent = (*session)->Signal(signal, asker.identity().uid);
  if (sent.ok()) return asker.Say(Encode(Done{}));
  const std::string why =
      absl::StrCat((*session)->name(), ": ", sent.message());
  Refuse(asker, absl::IsPermissionDenied(sent)
                    ? absl::PermissionDeniedError(why)
                    : absl::NotFoundError(why));
}

// Answered by the program that takes over, or TellUpgradeFailed().
void Queries::AnswerWriter(QueryConnection& asker, const Ask& question) {
  const auto session = Find(asker, question, Right::kType);
  if (!session.ok()) return Refuse(asker, session.status());
  const absl::Status changed =
      ChangeWriter(admission_, asker.identity(), question, **session);
  if (!changed.ok()) return Refuse(asker, changed);
  asker.Say(Encode(Item{ReportWriter(**session)}) + Encode(Done{}));
}

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
    if (!one.listens) asker.Say("", &admission_.backlogs());
    resumed.push_back(&asker);
  }
  // Only once everything that is owed is charged.
  for (QueryConnection* asker : resumed) asker->Advance();
}

}  // namespace deptyr
