#include "lib/clients/raw_protocol.h"

#include <algorithm>

#include "lib/clients/connected_client.h"

namespace deptyr {
namespace {

constexpr uint64_t kShortHistory = 64 << 10;
// From one look for a place between the program's sequences to the next.
constexpr absl::Duration kFirstPlacePause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPlacePause = absl::Seconds(10);
// How long the rest of what may be a reply may be on its way.
constexpr absl::Duration kReplyPatience = absl::Milliseconds(100);

std::optional<uint64_t> InsertScreen(ConnectedClient& client, WindowSize room) {
  auto picture = client.TakePicture(room);
  if (!picture) return std::nullopt;
  client.InsertPicture(picture->from, picture->ForAnyTerminal());
  return picture->from;
}

}  // namespace

std::unique_ptr<ClientProtocol> MakeRawProtocol(ClientPolicy policy) {
  return std::make_unique<RawProtocol>(std::move(policy));
}

ClientPolicy PolicyOf(const SocketClientState& state) {
  AllowRules allow;
  for (const std::string& rule : state.allow) {
    // A rule that isn't understood allows nothing, and isn't the same as none.
    allow.push_back(ParseAllow(rule).value_or(AllowRule{}));
  }
  return {.kind = state.uwsgi ? ClientKind::kUwsgi : ClientKind::kRaw,
          .shows = static_cast<Shows>(state.shows),
          .read_only = state.read_only,
          .allow_signals = state.allow_signals,
          .asks_size = state.asks_size,
          .on_end = state.ends_with_program ? OnEnd::kClose : OnEnd::kStay,
          .greeting = state.greeting,
          .allow = std::move(allow)};
}

void RawProtocol::Save(const ConnectedClient& client, HeadState& head) const {
  auto state = client.SaveAs<SocketClientState>();
  state.uwsgi = policy_.kind == ClientKind::kUwsgi;
  state.shows = static_cast<int>(policy_.shows);
  state.read_only = policy_.read_only;
  state.allow_signals = policy_.allow_signals;
  for (const AllowRule& rule : policy_.allow)
    state.allow.push_back(Spell(rule));
  state.received = client.received();
  state.asks_size = policy_.asks_size;
  state.ends_with_program = policy_.on_end == OnEnd::kClose;
  if (client.session() == nullptr) state.greeting = policy_.greeting;
  state.inbox.insert(0, replies_.held());
  head.clients.push_back(std::move(state));
}

Rights RawProtocol::RightsIn(
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
void RawProtocol::Join(ConnectedClient& client, Session& session) {
  // It goes before whatever the stream has.
  if (!policy_.greeting.empty()) client.InsertAt(0, policy_.greeting);
  session.Attach(client, PlainBeginning(session));
  if (asks_size() && client.May(Right::kResize)) {
    Say(client, SizeSubscription({.rows = 0, .cols = 0}));
  }
}

bool RawProtocol::Take(ConnectedClient& client, absl::string_view& bytes) {
  const absl::string_view all = std::exchange(bytes, "");
  if (!asks_size()) {
    client.TypeIfAllowed(all);
    return true;
  }
  flush_.Reset();
  const std::string typed = replies_.Feed(all);
  if (!typed.empty()) client.TypeIfAllowed(typed);
  TakeSizes(client);
  FlushSoon(client);
  return true;
}

// A terminal replies once, and is asked again with what it said.
void RawProtocol::TakeSizes(ConnectedClient& client) {
  const std::optional<WindowSize> size = replies_.Take();
  if (!size || client.session() == nullptr) return;
  client.ResizeIfAllowed(*size);
  Say(client, SizeSubscription(*size));
}

void RawProtocol::FlushSoon(ConnectedClient& client) {
  if (replies_.held().empty()) return;
  flush_ = client.loop().After(kReplyPatience, [this, &client] {
    client.TypeIfAllowed(replies_.Flush());
  });
}

void RawProtocol::Say(ConnectedClient& client, std::string sequence) {
  owed_ = std::move(sequence);
  SayOwed(client, kFirstPlacePause);
}

// It comes after the last whole sequence of the program's.  A client that is in
// the middle of one can't be told now.
void RawProtocol::SayOwed(ConnectedClient& client, absl::Duration pause) {
  Session* const session = client.session();
  if (session == nullptr || owed_.empty()) return;
  const uint64_t place = session->whole_end();
  if (client.begun() && client.cursor() > place) {
    say_ = client.loop().After(pause, [this, &client, pause] {
      SayOwed(client, std::min(2 * pause, kLongestPlacePause));
    });
    return;
  }
  client.InsertAt(place, std::exchange(owed_, ""));
  session->Pump(client);
}

void RawProtocol::OnChange(ConnectedClient& client, Change::Kind kind) {
  if (kind == Change::kEnded && policy_.on_end == OnEnd::kClose) {
    client.EndWhenServed();
  }
}

// Whoever has the terminal next isn't to get a reply that it didn't ask for.
void RawProtocol::OnStopping(ConnectedClient& client) {
  if (asks_size() && client.session() != nullptr) Say(client, kCancelSizes);
}

// Nothing if the client needs a picture.  A short history that makes the screen
// is sent as it is: scripts are clients, too, and have no use for escape
// sequences that the program didn't write.
std::optional<uint64_t> RawProtocol::PlainBeginning(
    const Session& session) const {
  const Ring& ring = session.ring();
  const uint64_t history = ring.history_start();
  if (policy_.shows == Shows::kNothing) return ring.end();
  if (policy_.shows == Shows::kHistory) return history;
  const bool is_short = ring.end() - history <= kShortHistory;
  if (is_short && ring.history_makes_screen()) return history;
  return std::nullopt;
}

std::optional<uint64_t> RawProtocol::SkipAhead(ConnectedClient& client) {
  const Session& session = *client.session();
  if (!client.begun()) {
    if (const auto plain = PlainBeginning(session)) return plain;
    return InsertScreen(client, session.size());
  }
  // A client that told a size is a terminal, and gets the screen as it is.
  if (!client.size() && !client.lost()) return client.SafePlace();
  return InsertScreen(client, client.size().value_or(session.size()));
}

}  // namespace deptyr
