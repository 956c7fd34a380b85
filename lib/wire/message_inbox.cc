#include "lib/wire/message_inbox.h"

#include "lib/base/status.h"

namespace deptyr {

absl::StatusOr<std::optional<HeadMessage>> MessageInbox::First() {
  absl::string_view rest = bytes_.bytes();
  ASSIGN_OR_RETURN(auto message, TakeMessage(rest, longest_));
  first_size_ = bytes_.bytes().size() - rest.size();
  return message;
}

absl::StatusOr<std::optional<HeadMessage>> MessageInbox::Take() {
  auto message = First();
  if (message.ok()) DropFirst();
  return message;
}

}  // namespace deptyr
