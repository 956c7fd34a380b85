#include "lib/head/keys.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"

namespace deptyr {
namespace {

bool IsOf(const SessionClient& client, const PeerIdentity& who) {
  return who.uid != kUnknownId && UidOf(client.Info().identity) == who.uid;
}

// A client that may type: the one with this number or, for "", the newest of
// that user.
absl::StatusOr<const SessionClient*> ClientMeant(const Session& session,
                                                 absl::string_view number,
                                                 const PeerIdentity& who) {
  const auto& clients = session.clients();
  const auto meant = [&](const SessionClient* client) {
    const bool named = number.empty() ? IsOf(*client, who)
                                      : absl::StrCat(client->id()) == number;
    return named && !client->Info().read_only;
  };
  const auto newest = std::find_if(clients.rbegin(), clients.rend(), meant);
  if (newest != clients.rend()) return *newest;
  return absl::NotFoundError(
      absl::StrCat(number.empty() ? "no client of yours"
                                  : absl::StrCat("no client ", number),
                   " that may type is attached to ", session.name(),
                   "; see deptyr status ", session.name()));
}

absl::Status Take(const Admission& admission, const PeerIdentity& who,
                  const Ask& question, Session& session) {
  ASSIGN_OR_RETURN(
      const SessionClient* const client,
      ClientMeant(session, ValueOf(question.fields, "client"), who));
  if (!IsOf(*client, who)) {
    RETURN_IF_ERROR(admission.CheckRight(who, Right::kAdminister, session));
  }
  const bool asks = ValueOf(question.fields, "do") == "ask";
  const SessionClient* const writer = session.writer().client();
  if (!asks || writer == nullptr) {
    RETURN_IF_ERROR(CheckTakingKeys(admission, who, session));
    session.GiveKeys(client, &who);
  } else if (writer != client) {
    session.AskForKeys(*client);
  }
  return absl::OkStatus();
}

absl::Status Give(const Admission& admission, const PeerIdentity& who,
                  const Ask& question, Session& session) {
  RETURN_IF_ERROR(CheckTakingKeys(admission, who, session));
  const absl::string_view number = ValueOf(question.fields, "client");
  const SessionClient* to = session.writer().asker();
  if (!number.empty()) {
    ASSIGN_OR_RETURN(to, ClientMeant(session, number, who));
  }
  if (to == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("nobody asks for the keys of ", session.name(),
                     "; say which client shall have them, or --release"));
  }
  session.GiveKeys(to, &who);
  return absl::OkStatus();
}

absl::Status SetPolicy(const Admission& admission, const PeerIdentity& who,
                       absl::string_view policy, Session& session) {
  RETURN_IF_ERROR(admission.CheckRight(who, Right::kAdminister, session));
  if (policy == "default") {
    session.SetWriterPolicy(std::nullopt);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const WriterPolicy own, WriterPolicyNamed(policy));
  session.SetWriterPolicy(own);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckTakingKeys(const Admission& admission,
                             const PeerIdentity& who, const Session& session) {
  const SessionClient* const writer = session.writer().client();
  if (writer == nullptr || IsOf(*writer, who) ||
      admission.RightsIn(session, who).Has(Right::kAdminister)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("client ", writer->id(), " of uid ",
                   UidText(UidOf(writer->Info().identity)), " has the keys of ",
                   session.name(), ", and uid ", UidText(who.uid),
                   " may not take them; deptyr writer ", session.name(),
                   " --ask asks for them"));
}

absl::Status ChangeWriter(const Admission& admission, const PeerIdentity& who,
                          const Ask& question, Session& session) {
  if (const auto policy = ValueOf(question.fields, "writers");
      !policy.empty()) {
    RETURN_IF_ERROR(SetPolicy(admission, who, policy, session));
  }
  const absl::string_view deed = ValueOf(question.fields, "do");
  if (deed.empty()) return absl::OkStatus();
  if (deed == "take" || deed == "ask") {
    return Take(admission, who, question, session);
  }
  if (deed == "give") return Give(admission, who, question, session);
  if (deed != "release") {
    return absl::InvalidArgumentError("do is none of take, ask, give, release");
  }
  RETURN_IF_ERROR(CheckTakingKeys(admission, who, session));
  session.GiveKeys(nullptr, &who);
  return absl::OkStatus();
}

}  // namespace deptyr
