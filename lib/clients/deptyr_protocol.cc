#include "lib/clients/deptyr_protocol.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/clients/connected_client.h"
#include "lib/clients/report.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

// Keys that come in one packet stay together, if it isn't longer.
constexpr size_t kHeldWhole = 4096;

void InsertNotice(ConnectedClient& client, uint64_t offset, Event event) {
  event.fields.insert(event.fields.begin(), {"event", std::string(event.name)});
  client.InsertAt(offset, Encode(Notice{std::move(event.fields)}));
}

void InsertMissed(ConnectedClient& client, uint64_t from, uint64_t to) {
  InsertNotice(
      client, to,
      {"missed",
       {{"bytes", absl::StrCat(to - from)}, {"offset", absl::StrCat(to)}}});
}

}  // namespace

void DeptyrProtocol::Save(const ConnectedClient& client,
                          HeadState& head) const {
  auto state = client.SaveAs<AttachClientState>();
  state.wish = Encode(wish_);
  state.done_said = done_said_;
  head.attached.push_back(std::move(state));
}

std::string DeptyrProtocol::Pending() const {
  return keys_left_ > 0 ? KeysHeader(keys_left_) : "";
}

void DeptyrProtocol::Resume(ConnectedClient& client, WindowSize told) {
  room_ = told;
  if (done_said_) client.EndWhenServed();
}

void DeptyrProtocol::Join(ConnectedClient& client, Session& session) {
  // A client that may only look doesn't decide how large the program's terminal
  // is.
  if (has_terminal() && client.RightsIn(session).Has(Right::kResize)) {
    session.SetClientSize(client, room_);
  }
  session.Attach(client);
}

// --- where it begins

std::optional<Session::Picture> DeptyrProtocol::TakePicture(
    ConnectedClient& client) const {
  return client.TakePicture(has_terminal() ? room_ : client.session()->size());
}

uint64_t DeptyrProtocol::Beginning(const Ring& ring) const {
  // All of a stream that the client doesn't know is new to it.
  if (wish_.stream != 0) return ring.SafeStart(ring.begin());
  switch (wish_.from) {
    case From::kHistory: {
      const uint64_t kept = ring.end() - ring.begin();
      const bool whole = wish_.value == 0 || wish_.value >= kept;
      return ring.SafeStart(whole ? ring.begin() : ring.end() - wish_.value);
    }
    case From::kOffset:
      return std::clamp(wish_.value, ring.begin(), ring.end());
    default:
      return ring.end();
  }
}

std::optional<uint64_t> DeptyrProtocol::Begin(ConnectedClient& client) {
  const Session& session = *client.session();
  const Ring& ring = session.ring();
  const uint64_t stream = ring.state().stream;
  const bool returns = wish_.stream == stream && wish_.offset <= ring.end();
  uint64_t from = wish_.offset;
  std::string paint;
  if (!returns || wish_.offset < ring.begin()) {
    if (wish_.from == From::kScreen) {
      const auto picture = TakePicture(client);
      if (!picture) return std::nullopt;
      from = picture->from;
      paint = EncodePaint(picture->paint);
    } else {
      from = Beginning(ring);
    }
  }
  client.InsertAt(returns ? wish_.offset : from,
                  Encode(Attached{.session = session.name(),
                                  .stream = stream,
                                  .offset = from,
                                  .end = ring.end(),
                                  .rows = session.size().rows,
                                  .cols = session.size().cols,
                                  .number = session.program().number(),
                                  .running = session.running(),
                                  .state = session.State(),
                                  .rights = rights_}));
  if (returns) InsertWhatHappened(client);
  const bool wants_offset = wish_.stream == 0 && wish_.from == From::kOffset;
  const uint64_t wanted = returns        ? wish_.offset
                          : wants_offset ? wish_.value
                                         : from;
  if (wanted < from) InsertMissed(client, wanted, from);
  if (!paint.empty()) client.InsertPicture(from, std::move(paint));
  return from;
}

// While it was away; and what happened at just that offset, which it may have
// heard: it knows by the number.
void DeptyrProtocol::InsertWhatHappened(ConnectedClient& client) const {
  const Session& session = *client.session();
  for (const IncarnationRecord& record : session.ring().incarnations()) {
    if (record.begin >= wish_.offset) {
      InsertNotice(client, record.begin,
                   {"started", StartReport(session, record)});
    }
    if (record.outcome != Outcome::kRuns && record.end >= wish_.offset) {
      InsertNotice(client, record.end, {"ended", EndReport(session, record)});
    }
  }
}

// A terminal is redrawn; a client that reads the stream as such goes on at a
// safe place.
std::optional<uint64_t> DeptyrProtocol::SkipAhead(ConnectedClient& client) {
  if (wish_.from != From::kScreen && !client.lost()) {
    const uint64_t from = client.SafePlace();
    InsertMissed(client, client.cursor(), from);
    return from;
  }
  const auto picture = TakePicture(client);
  if (!picture) return std::nullopt;
  InsertMissed(client, client.cursor(), picture->from);
  client.InsertPicture(picture->from, EncodePaint(picture->paint));
  return picture->from;
}

// --- what it is told

// A client that hasn't begun hears of the program's state when it does.
void DeptyrProtocol::OnChange(ConnectedClient& client, Change::Kind kind) {
  if (!client.begun()) return;
  const Session& session = *client.session();
  InsertNotice(client, session.ring().end(), EventOf(session, {kind}));
}

void DeptyrProtocol::OnStopping(ConnectedClient& client) {
  if (!client.begun()) {
    return client.EndWith(Refusal(kRefusedStopping, "head is about to end"));
  }
  InsertNotice(client, client.session()->ring().end(), {"stopping", {}});
  client.session()->Pump(client);
}

std::string DeptyrProtocol::Refusal(absl::string_view code,
                                    absl::string_view text) const {
  return Encode(Refused{.code = std::string(code), .text = std::string(text)});
}

void DeptyrProtocol::Refuse(ConnectedClient& client,
                            absl::string_view text) const {
  client.EndWith(Refusal(kRefusedMalformed, text));
}

void DeptyrProtocol::OnInputOver(ConnectedClient& client) {
  if (done_said_ || (!client.begun() && !client.deaf())) return;
  done_said_ = true;
  client.InsertAt(client.session()->ring().end(), Encode(Done{}));
  client.EndWhenServed();
  client.session()->Pump(client);
}

// --- what it says

bool DeptyrProtocol::Take(ConnectedClient& client, absl::string_view& bytes) {
  if (TakeLongKeys(client, bytes)) return true;
  absl::string_view rest = bytes;
  const auto message = TakeMessage(rest, kPacketHeader + kHeldWhole);
  if (!message.ok()) {
    Refuse(client, message.status().message());
    return false;
  }
  if (!message->has_value()) return false;
  bytes = rest;
  if (const auto* keys = std::get_if<Keys>(&**message)) {
    client.TypeIfAllowed(keys->bytes);
  } else if (const auto* size = std::get_if<Resize>(&**message)) {
    room_ = {size->rows, size->cols};
    if (has_terminal()) client.ResizeIfAllowed(room_);
  } else {
    Refuse(client, "a message that has no place here");
  }
  return true;
}

// The keys of a long packet are typed as they come, not held until it is whole.
bool DeptyrProtocol::TakeLongKeys(ConnectedClient& client,
                                  absl::string_view& bytes) {
  if (keys_left_ == 0 && BeginsKeys(bytes) && PacketSize(bytes) > kHeldWhole) {
    keys_left_ = PacketSize(bytes) - kPacketHeader;
    bytes.remove_prefix(kPacketHeader);
  }
  if (keys_left_ == 0 || bytes.empty()) return false;
  const absl::string_view keys = bytes.substr(0, keys_left_);
  bytes.remove_prefix(keys.size());
  keys_left_ -= keys.size();
  client.TypeIfAllowed(keys);
  return true;
}

}  // namespace deptyr
