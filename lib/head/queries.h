// What head answers to those who ask at its socket, and tells to those who want
// to hear of everything: docs/protocol.md, "Ask".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/clients/limits.h"
#include "lib/head/query_connection.h"
#include "lib/session/session.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Head;

// The sentence for somebody who hasn't this right.
std::string PermissionError(const PeerIdentity& who, Right right,
                            const Session& session);

class Queries : public QueryConnection::Owner {
 public:
  Queries(EventLoop& loop, Head& head) : loop_(loop), head_(head) {}

  // Takes over a connection that began with `question`.
  void Serve(Fd connection, const PeerIdentity& identity, const Ask& question,
             absl::string_view received, UserCounts::Place place);
  size_t size() const { return askers_.size(); }
  // What the one who reads least hasn't taken, in bytes.
  size_t most_owed() const;
  // For the program that takes over, and from the one before.
  std::vector<AskerState> Save() const;
  void Resume(const std::vector<AskerState>& states, UserCounts& counts);
  // To who asked for an upgrade, that there was none.
  void TellUpgradeFailed(absl::string_view why);

  // To those who want to hear of it.
  void Tell(const Session& session, absl::string_view event, KeyValues fields);
  void Tell(const Session& session, Change change);

 private:
  struct Known {
    std::unique_ptr<QueryConnection> asker;
    UserCounts::Place place;
    bool listens = false;      // to events,
    std::string session = {};  // of this one ("": of all)
    // It is being told of sessions, and has been up to this name.
    std::optional<std::string> listed = {};
    bool upgrades = false;  // waits for an upgrade
  };

  void OnQuestion(QueryConnection& asker, const Ask& question) override;
  bool SayMore(QueryConnection& asker) override;
  void OnStuck(QueryConnection& asker) override;
  void OnQueryDone(QueryConnection& asker) override;

  // The session a question names, if the asker has this right there; else it is
  // refused.
  Session* Find(QueryConnection& asker, const Ask& question, Right right);
  void Forbid(QueryConnection& asker, absl::string_view text);
  // Whether an answer that may be long can be made now, charged to the asker's
  // user.  If not, the asker waits until others of that user have been taken.
  bool MayAnswer(QueryConnection& asker, bool with_picture = false);
  void FlushEvents();
  void EndDebtors(const std::vector<QueryConnection*>& listeners, uid_t uid,
                  size_t& owed, size_t added);
  KeyValues ReportOf(Session& session) const;
  std::string HeldItems(const QueryConnection& asker) const;
  void AnswerStatus(QueryConnection& asker, Session& session);
  void AnswerHead(QueryConnection& asker, const Ask& question);
  void AnswerSnapshot(QueryConnection& asker, Session& session, bool last);
  void AnswerKick(QueryConnection& asker, Session& session,
                  absl::string_view client);
  void AnswerEnded(QueryConnection& asker, Session& session,
                   const Ask& question);
  void Listen(QueryConnection& asker, const Ask& question);
  void Upgrade(QueryConnection& asker);
  KeyValues HeadItem() const;

  EventLoop& loop_;
  Head& head_;
  absl::flat_hash_map<const QueryConnection*, Known> askers_;
  Timer flush_events_;
};

}  // namespace deptyr
