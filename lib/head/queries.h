// Answers those who ask at the head socket: docs/protocol.md, "Ask".
// Connections that ask for events become EventListeners.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/clients/query_connection.h"
#include "lib/head/admission.h"
#include "lib/head/audit.h"
#include "lib/head/event_listeners.h"
#include "lib/head/session_table.h"
#include "lib/head/stores.h"
#include "lib/session/session.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Queries : public QueryConnection::Owner {
 public:
  // The head that is asked about.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual KeyValues Report() const = 0;
    // Tells how much of head each user has, as far as `who` may know.
    virtual std::vector<KeyValues> ReportUsers(
        const PeerIdentity& who) const = 0;
    // TellUpgradeFailed() may follow, within the call or later.
    virtual void BeginUpgrade() = 0;
  };

  Queries(EventLoop& loop, SessionTable& sessions, Admission& admission,
          const Stores& stores, EventListeners& events, Audit& audit,
          Owner& owner)
      : loop_(loop),
        sessions_(sessions),
        admission_(admission),
        stores_(stores),
        events_(events),
        audit_(audit),
        owner_(owner) {}

  // Takes over a connection that began with `question`; `received` came after
  // it.
  void Serve(Fd connection, const PeerIdentity& identity, const Ask& question,
             absl::string_view received);
  // How many bytes the slowest reader hasn't taken yet.
  size_t most_owed() const;
  // Tells those who asked for an upgrade that there was none.
  void TellUpgradeFailed(absl::string_view why);

  // These are for an upgrade.  Sessions are to be resumed before.
  void Save(HeadState& state) const;
  void Resume(const HeadState& state);

 private:
  // An answer that may be long is made only when its asker's user has taken
  // enough of earlier ones; pictures are made one in a turn.
  enum class Size { kShort, kLong, kPicture };

  void OnQuestion(QueryConnection& asker, const Ask& question) override;
  bool SayMore(QueryConnection& asker) override;
  void OnStuck(QueryConnection& asker) override;
  void OnQueryDone(QueryConnection& asker) override;

  QueryConnection& Add(Fd connection, const PeerIdentity& identity,
                       std::string received);
  // The session that a question names, if the asker has this right there.
  absl::StatusOr<Session*> Find(const QueryConnection& asker,
                                const Ask& question, Right right) const;
  // A missing right is noted in the log, too.
  void Refuse(QueryConnection& asker, const absl::Status& why);
  // Whether there is room for the answer now.  If not, the asker waits, and is
  // served again.
  bool MayAnswer(QueryConnection& asker, Size size);

  void AnswerSessions(QueryConnection& asker, const Ask& question);
  void AnswerHead(QueryConnection& asker, const Ask& question);
  void AnswerEvents(QueryConnection& asker, const Ask& question);
  void AnswerForget(QueryConnection& asker, const Ask& question);
  void AnswerSignal(QueryConnection& asker, const Ask& question);
  void AnswerWriter(QueryConnection& asker, const Ask& question);
  void AnswerUpgrade(QueryConnection& asker, const Ask& question);

  EventLoop& loop_;
  SessionTable& sessions_;
  Admission& admission_;
  const Stores& stores_;
  EventListeners& events_;
  Audit& audit_;
  Owner& owner_;
  absl::flat_hash_map<const QueryConnection*, std::unique_ptr<QueryConnection>>
      askers_;
};

}  // namespace deptyr
