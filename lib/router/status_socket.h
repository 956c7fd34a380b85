// Where a router says how it does (deptyr status --router): a socket at which
// head's own protocol is spoken, with one question, "router".
//
//   ASSIGN_OR_RETURN(const auto socket,
//                    StatusSocket::Open(loop, "/run/router.status", [] {
//                      return std::vector<KeyValues>{{{"item", "router"}}};
//                    }));
//
// Only this user and root may connect (mode 0600).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

#include "lib/clients/query_connection.h"
#include "lib/sys/acceptor.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/key_values.h"

namespace deptyr {

class StatusSocket final : private QueryConnection::Owner {
 public:
  using Report = absl::AnyInvocable<std::vector<KeyValues>() const>;

  // `report` returns the items of the answer.
  static absl::StatusOr<std::unique_ptr<StatusSocket>> Open(
      EventLoop& loop, const std::string& path, Report report);

 private:
  StatusSocket(EventLoop& loop, ListeningSocket socket, Report report);
  void OnConnection(Fd connection);

  void OnQuestion(QueryConnection& asker, const Ask& question) override;
  bool SayMore(QueryConnection&) override { return false; }
  void OnStuck(QueryConnection& asker) override { asker.End(); }
  void OnQueryDone(QueryConnection& asker) override;

  EventLoop& loop_;
  const Report report_;
  UserCounts counts_;
  absl::flat_hash_map<const QueryConnection*, std::unique_ptr<QueryConnection>>
      askers_;
  Acceptor acceptor_;
};

}  // namespace deptyr
