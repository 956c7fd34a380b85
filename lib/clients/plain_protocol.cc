#include "lib/clients/plain_protocol.h"

#include <utility>

#include "lib/clients/connected_client.h"

namespace deptyr {
namespace {

constexpr uint64_t kShortHistory = 64 << 10;

AllowRules RulesOf(const std::vector<std::string>& spelt) {
  AllowRules rules;
  for (const std::string& text : spelt) {
    // A rule that isn't understood allows nothing, and isn't the same as none.
    rules.push_back(ParseAllow(text).value_or(AllowRule{}));
  }
  return rules;
}

std::vector<std::string> SpellAll(const AllowRules& rules) {
  std::vector<std::string> spelt;
  for (const AllowRule& rule : rules) spelt.push_back(Spell(rule));
  return spelt;
}

uint64_t InsertScreen(ConnectedClient& client, Session::Picture picture) {
  client.InsertPicture(picture.from, std::move(picture.paint));
  return picture.from;
}

}  // namespace

ClientPolicy PolicyOf(const SocketClientState& state) {
  return {.kind = state.uwsgi ? ClientKind::kUwsgi : ClientKind::kRaw,
          .shows = static_cast<Shows>(state.shows),
          .read_only = state.read_only,
          .allow_signals = state.allow_signals,
          .allow = RulesOf(state.allow)};
}

void PlainProtocol::Save(const ConnectedClient& client, HeadState& head) const {
  auto state = client.SaveAs<SocketClientState>();
  state.uwsgi = policy_.kind == ClientKind::kUwsgi;
  state.shows = static_cast<int>(policy_.shows);
  state.read_only = policy_.read_only;
  state.allow_signals = policy_.allow_signals;
  state.allow = SpellAll(policy_.allow);
  state.received = client.received();
  head.clients.push_back(std::move(state));
}

Rights PlainProtocol::RightsIn(
    const Session& session, const std::optional<PeerIdentity>& identity) const {
  Rights rights = deptyr::RightsIn(session.name(), session.owner(),
                                   policy_.allow, identity);
  if (policy_.allow.empty()) {
    rights = rights | Rights{Right::kSee, Right::kType, Right::kResize};
    if (policy_.allow_signals) rights = rights | Rights{Right::kSignal};
  }
  return policy_.read_only ? rights & Rights{Right::kSee} : rights;
}

// The client's view begins here, though it may be sent nothing for a moment.
void PlainProtocol::Join(ConnectedClient& client, Session& session) {
  if (const auto beginning = PlainBeginning(session)) {
    session.Attach(client, *beginning);
  } else {
    session.Attach(client);
  }
}

// A short history that makes the screen is sent as it is: scripts are clients,
// too, and have no use for escape sequences that the program didn't write.
// Nothing: the client needs a picture.
std::optional<uint64_t> PlainProtocol::PlainBeginning(
    const Session& session) const {
  const uint64_t history = session.ring().history_start();
  const bool is_short = session.ring().end() - history <= kShortHistory;
  switch (policy_.shows) {
    case Shows::kNothing:
      return session.ring().end();
    case Shows::kScreen:
      if (is_short && session.ring().history_makes_screen()) return history;
      break;
    case Shows::kHistory:
      return history;
  }
  return std::nullopt;
}

std::optional<uint64_t> PlainProtocol::Begin(ConnectedClient& client) {
  Session& session = *client.session();
  if (const auto plain = PlainBeginning(session)) return plain;
  if (!client.MayHavePicture()) return std::nullopt;
  Session::Picture picture = session.TakePicture(session.size());
  const bool exact = picture.exact;
  const uint64_t from = InsertScreen(client, std::move(picture));
  // A client that may only look doesn't make the program do anything.
  if (!exact && client.May(Right::kResize)) session.Repaint();
  return from;
}

// A client that told a size is a terminal, and gets the screen as it is.
std::optional<uint64_t> PlainProtocol::SkipAhead(ConnectedClient& client,
                                                 const Ring& ring) {
  if (!client.size() && !client.lost()) return client.SafePlace(ring);
  if (!client.MayHavePicture()) return std::nullopt;
  Session& session = *client.session();
  return InsertScreen(
      client, session.TakePicture(client.size().value_or(session.size())));
}

}  // namespace deptyr
