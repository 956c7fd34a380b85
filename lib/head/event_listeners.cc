#include "lib/head/event_listeners.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/clients/report.h"

namespace deptyr {
namespace {

// A user may have this many, because each is told of everything.
constexpr int kMostListeners = 64;

}  // namespace

absl::Status EventListeners::Add(QueryConnection& listener,
                                 const std::string& session) {
  const uid_t uid = listener.identity().uid;
  const auto others = std::ranges::count_if(
      listeners_,
      [uid](const QueryConnection* one) { return one->identity().uid == uid; });
  if (others >= kMostListeners) {
    return absl::ResourceExhaustedError(
        absl::StrCat("uid ", UidText(uid), " hears of events over ",
                     kMostListeners, " connections already; end some"));
  }
  listener.standing().events = session;
  listeners_.insert(&listener);
  return absl::OkStatus();
}

void EventListeners::Tell(const Session& session, Change change) {
  if (listeners_.empty()) return;
  Event event = EventOf(session, change);
  if (!event.name.empty()) Tell(session, event.name, std::move(event.fields));
}

void EventListeners::Tell(const Session& session, absl::string_view event,
                          KeyValues fields) {
  if (listeners_.empty()) return;
  fields.insert(fields.begin(), {{"item", "event"},
                                 {"event", std::string(event)},
                                 {"session", session.name()}});
  if (ValueOf(fields, "time").empty()) {
    fields.emplace_back("time", absl::StrCat(absl::ToUnixMillis(absl::Now())));
  }
  const std::string item = Encode(Item{std::move(fields)});
  // A copy, because telling one may end it.
  std::map<uid_t, std::vector<QueryConnection*>> by_user;
  for (QueryConnection* listener : listeners_) {
    by_user[listener->identity().uid].push_back(listener);
  }
  for (auto& [uid, listeners] : by_user) TellUser(listeners, session, item);
}

bool EventListeners::Wants(QueryConnection& listener,
                           const Session& session) const {
  const std::string& wanted = *listener.standing().events;
  return (wanted.empty() || wanted == session.name()) &&
         admission_.RightsIn(session, listener.identity()).Has(Right::kSee);
}

// Those that owe most are closed until there is room for what the user's others
// are told.
void EventListeners::TellUser(std::vector<QueryConnection*>& listeners,
                              const Session& session, const std::string& item) {
  std::ranges::sort(listeners, std::greater(), &QueryConnection::owed);
  size_t owed = 0;
  for (const QueryConnection* listener : listeners) owed += listener->owed();
  auto debtor = listeners.begin();
  for (QueryConnection* listener : listeners) {
    if (listener->is_over() || !Wants(*listener, session)) continue;
    for (; owed + item.size() > most_owed_ && debtor != listeners.end();
         ++debtor) {
      if ((*debtor)->is_over()) continue;
      admission_.refusals().Note((*debtor)->identity(), kRefusedLimit,
                                 "it doesn't read the events it asked for, and "
                                 "--max-buffered is reached");
      owed -= std::min(owed, (*debtor)->owed());
      (*debtor)->End();
    }
    if (listener->is_over()) continue;
    listener->SayLater(item);
    owed += listener->owed() == 0 ? 0 : item.size();
  }
}

}  // namespace deptyr
