#include "lib/clients/listener_spec.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

#include "lib/wire/session_name.h"

namespace deptyr {

const SocketProtocol& ProtocolOf(ClientKind kind) {
  return *absl::c_find_if(kSocketProtocols, [kind](const SocketProtocol& one) {
    return one.kind == kind;
  });
}

absl::string_view NameOf(ClientKind kind) {
  if (kind == ClientKind::kTerminal) return "terminal";
  if (kind == ClientKind::kAttach) return "attach";
  return ProtocolOf(kind).name;
}

absl::StatusOr<ListenerSpec> ParseListener(absl::string_view text) {
  // A path may hold '=', a session's name can't: so the last one counts.
  const size_t equals = text.rfind('=');
  ListenerSpec spec;
  spec.address = std::string(text.substr(0, equals));
  if (equals != absl::string_view::npos) {
    spec.session = std::string(text.substr(equals + 1));
    if (!IsSessionName(spec.session)) {
      return absl::InvalidArgumentError(
          absl::StrCat("not a session name: ", spec.session));
    }
  }
  if (spec.address.empty()) {
    return absl::InvalidArgumentError("no address; say ADDRESS[=SESSION]");
  }
  return spec;
}

}  // namespace deptyr
