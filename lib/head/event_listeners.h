// Connections that want to hear what happens to sessions (deptyr events): each
// is told every event of the sessions that it asked for and may see.
// A listener that doesn't read is closed before its user's listeners together
// owe more than --max-buffered.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"

#include "lib/clients/query_connection.h"
#include "lib/head/admission.h"
#include "lib/session/session.h"
#include "lib/wire/key_values.h"

namespace deptyr {

class EventListeners {
 public:
  // The listeners of a user together owe `most_owed` bytes at most.
  EventListeners(Admission& admission, size_t most_owed)
      : admission_(admission), most_owed_(most_owed) {}

  // Tells it of `session`, or of all for "".  ResourceExhausted if its user has
  // too many listeners.
  absl::Status Add(QueryConnection& listener, const std::string& session);
  // Goes on with one that the program before had admitted.
  void Resume(QueryConnection& listener) { listeners_.insert(&listener); }
  // The connection is over, whether or not it listened.
  void Remove(QueryConnection& listener) { listeners_.erase(&listener); }

  void Tell(const Session& session, Change change);
  void Tell(const Session& session, absl::string_view event,
            KeyValues fields = {});

 private:
  void TellUser(std::vector<QueryConnection*>& listeners,
                const Session& session, const std::string& item);
  bool Wants(QueryConnection& listener, const Session& session) const;

  Admission& admission_;
  const size_t most_owed_;
  absl::flat_hash_set<QueryConnection*> listeners_;
};

}  // namespace deptyr
