// Says whose keys a session's program gets.  Usually those are everybody's who
// may type; but a client can have the keys for itself, and all others watch:
//
//   if (writer.Give(&client)) { ... tell everybody ... }
//   if (audience.Hears(client)) { ... it may type ... }
//
// Under WriterPolicy::kOne a client has them from the moment at which it types
// while nobody has.  When a client that was given them leaves, they go back to
// the one that had them before, if that is still there.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/base/named.h"
#include "lib/session/audience.h"
#include "lib/session/ring.h"
#include "lib/session/session_client.h"

namespace deptyr {

// Rings have these numbers.
enum class WriterPolicy : uint8_t { kAll, kOne };

inline constexpr Named<WriterPolicy> kWriterPolicies[] = {
    {"all", WriterPolicy::kAll}, {"one", WriterPolicy::kOne}};
absl::string_view NameOf(WriterPolicy policy);
// InvalidArgument if it is none of them.
absl::StatusOr<WriterPolicy> WriterPolicyNamed(absl::string_view name);

class Writer {
 public:
  Writer(Ring& ring, Audience& audience, WriterPolicy heads_policy)
      : ring_(ring), audience_(audience), heads_policy_(heads_policy) {}

  // The session's own policy, which its ring remembers, or else head's.
  WriterPolicy policy() const;
  void SetOwnPolicy(std::optional<WriterPolicy> policy);

  // The client that has the keys, or null.
  const SessionClient* client() const { return audience_.writer(); }
  // The one that had them before, and the last one that asked for them since.
  const SessionClient* before() const { return before_; }
  const SessionClient* asker() const { return asker_; }

  // Now this client has the keys, or, for null, nobody.  False if nothing
  // changes.
  bool Give(const SessionClient* to);
  void Ask(const SessionClient& client) { asker_ = &client; }
  // The client has typed.  True if it has the keys by that.
  bool OnTyped(const SessionClient& client);
  // The client is not in the audience any more, or will type nothing more.
  // True if it had the keys.
  bool OnLeft(const SessionClient& client);
  // Goes on with what another head knew.
  void Restore(const SessionClient* writer, const SessionClient* before);

 private:
  Ring& ring_;
  Audience& audience_;
  const WriterPolicy heads_policy_;
  const SessionClient* before_ = nullptr;
  const SessionClient* asker_ = nullptr;
};

}  // namespace deptyr
