#include "lib/session/writer.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deptyr {

absl::string_view NameOf(WriterPolicy policy) {
  return NameIn(kWriterPolicies, policy);
}

absl::StatusOr<WriterPolicy> WriterPolicyNamed(absl::string_view name) {
  if (const auto policy = ValueNamed(kWriterPolicies, name)) return *policy;
  return absl::InvalidArgumentError(
      absl::StrCat("not a policy for writers: ", name, "; say all or one"));
}

WriterPolicy Writer::policy() const {
  return OwnPolicy<WriterPolicy>(ring_.state().writer_policy,
                                 std::size(kWriterPolicies))
      .value_or(heads_policy_);
}

void Writer::SetOwnPolicy(std::optional<WriterPolicy> policy) {
  ring_.state().writer_policy = NumberOf(policy);
}

bool Writer::Give(const SessionClient* to) {
  if (to == client()) return false;
  before_ = to == nullptr ? nullptr : client();
  asker_ = nullptr;
  audience_.SetWriter(to);
  return true;
}

bool Writer::OnTyped(const SessionClient& client) {
  const bool takes =
      policy() == WriterPolicy::kOne && this->client() == nullptr;
  return takes && Give(&client);
}

bool Writer::OnLeft(const SessionClient& client) {
  if (asker_ == &client) asker_ = nullptr;
  if (before_ == &client) before_ = nullptr;
  if (this->client() != &client) return false;
  (void)Give(std::exchange(before_, nullptr));
  before_ = nullptr;  // it is the one that has left
  return true;
}

void Writer::Restore(const SessionClient* writer, const SessionClient* before) {
  audience_.SetWriter(writer);
  before_ = before;
}

}  // namespace deptyr
