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

std::string EncodeNotice(absl::string_view event, KeyValues fields) {
  fields.insert(fields.begin(), {"event", std::string(event)});
  return Encode(Notice{std::move(fields)});
}

std::string MissedNotice(uint64_t from, uint64_t to) {
  return EncodeNotice("missed", {{"bytes", absl::StrCat(to - from)},
                                 {"offset", absl::StrCat(to)}});
}

// A client that hasn't begun hears of the program's state when it does.
void InsertNotice(ConnectedClient& client, absl::string_view event,
                  KeyValues fields) {
  if (!client.begun()) return;
  client.InsertAt(client.session()->ring().end(),
                  EncodeNotice(event, std::move(fields)));
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
  return keys_left_ > 0 ? HeaderOf(Keys(), keys_left_) : "";
}

void DeptyrProtocol::Resume(ConnectedClient& client, WindowSize told) {
  room_ = told;
  if (done_said_) client.EndWhenServed();
}

void DeptyrProtocol::Join(ConnectedClient& client, Session& session) {
  // A client that may only look doesn't decide how large the program's terminal
  // is.
  if (room_.rows != 0 && room_.cols != 0 &&
      client.RightsIn(session).Has(Right::kResize)) {
    session.SetClientSize(client, room_);
  }
  session.Attach(client);
}

// --- where it begins

WindowSize DeptyrProtocol::Room(const Session& session) const {
  return room_.rows == 0 || room_.cols == 0 ? session.size() : room_;
}

std::optional<DeptyrProtocol::Beginning> DeptyrProtocol::PaintOf(
    ConnectedClient& client) const {
  if (!client.MayHavePicture()) return std::nullopt;
  Session& session = *client.session();
  const Session::Picture picture = session.TakePicture(Room(session));
  if (!picture.exact && client.May(Right::kResize)) session.Repaint();
  return Beginning{.from = picture.from, .paint = EncodePaint(picture.paint)};
}

std::optional<DeptyrProtocol::Beginning> DeptyrProtocol::BeginningOf(
    ConnectedClient& client) const {
  const Ring& ring = client.session()->ring();
  // All of a stream that the client doesn't know is new to it.
  const bool all = wish_.stream != 0;
  switch (wish_.from) {
    case From::kScreen:
      return PaintOf(client);
    case From::kHistory: {
      const uint64_t kept = ring.end() - ring.begin();
      const bool whole = all || wish_.value == 0 || wish_.value >= kept;
      return Beginning{
          ring.SafeStart(whole ? ring.begin() : ring.end() - wish_.value)};
    }
    case From::kOffset: {
      if (all) break;
      const uint64_t wanted = std::min(wish_.value, ring.end());
      if (wanted >= ring.begin()) return Beginning{wanted};
      return Beginning{ring.begin(), MissedNotice(wanted, ring.begin())};
    }
    case From::kNow:
      if (all) break;
      return Beginning{ring.end()};
  }
  return Beginning{ring.SafeStart(ring.begin())};
}

std::optional<DeptyrProtocol::Beginning> DeptyrProtocol::ReturnTo(
    ConnectedClient& client) const {
  const Ring& ring = client.session()->ring();
  if (wish_.offset >= ring.begin()) return Beginning{wish_.offset};
  std::optional<Beginning> beginning =
      wish_.from == From::kScreen ? PaintOf(client)
                                  : Beginning{ring.SafeStart(ring.begin())};
  if (beginning) {
    beginning->notice = MissedNotice(wish_.offset, beginning->from);
  }
  return beginning;
}

std::optional<uint64_t> DeptyrProtocol::Begin(ConnectedClient& client) {
  const Session& session = *client.session();
  const Ring& ring = session.ring();
  const uint64_t stream = ring.state().stream;
  const bool returns = wish_.stream == stream && wish_.offset <= ring.end();
  std::optional<Beginning> beginning =
      returns ? ReturnTo(client) : BeginningOf(client);
  if (!beginning) return std::nullopt;
  client.InsertAt(returns ? wish_.offset : beginning->from,
                  Encode(Attached{.session = session.name(),
                                  .stream = stream,
                                  .offset = beginning->from,
                                  .end = ring.end(),
                                  .rows = session.size().rows,
                                  .cols = session.size().cols,
                                  .number = session.program().number(),
                                  .running = session.running(),
                                  .state = session.State(),
                                  .rights = rights_}));
  if (returns) InsertWhatHappened(client);
  if (!beginning->notice.empty()) {
    client.InsertAt(beginning->from, std::move(beginning->notice));
  }
  if (!beginning->paint.empty()) {
    client.InsertPicture(beginning->from, std::move(beginning->paint));
  }
  return beginning->from;
}

// While it was away; and what happened at just that offset, which it may have
// heard: it knows by the number.
void DeptyrProtocol::InsertWhatHappened(ConnectedClient& client) const {
  const Session& session = *client.session();
  for (const IncarnationRecord& record : session.ring().incarnations()) {
    if (record.begin >= wish_.offset) {
      client.InsertAt(record.begin,
                      EncodeNotice("started", StartReport(session, record)));
    }
    if (record.outcome != Outcome::kRuns && record.end >= wish_.offset) {
      client.InsertAt(record.end,
                      EncodeNotice("ended", EndReport(session, record)));
    }
  }
}

// A terminal is redrawn; a client that reads the stream as such goes on at a
// safe place.
std::optional<uint64_t> DeptyrProtocol::SkipAhead(ConnectedClient& client,
                                                  const Ring& ring) {
  if (wish_.from != From::kScreen && !client.lost()) {
    const uint64_t from = client.SafePlace(ring);
    client.InsertAt(from, MissedNotice(client.cursor(), from));
    return from;
  }
  if (!client.MayHavePicture()) return std::nullopt;
  Session& session = *client.session();
  const Session::Picture picture = session.TakePicture(Room(session));
  client.InsertAt(picture.from, MissedNotice(client.cursor(), picture.from));
  client.InsertPicture(picture.from, EncodePaint(picture.paint));
  return picture.from;
}

// --- what it is told

void DeptyrProtocol::OnChange(ConnectedClient& client, Change::Kind kind) {
  const Session& session = *client.session();
  switch (kind) {
    case Change::kStarted:
      return InsertNotice(client, "started", StartReport(session));
    case Change::kEnded:
      return InsertNotice(client, "ended", EndReport(session));
    case Change::kStatus:
      return InsertNotice(client, "status", EndReport(session));
    case Change::kResized:
      return InsertNotice(client, "resized",
                          {{"rows", absl::StrCat(session.size().rows)},
                           {"cols", absl::StrCat(session.size().cols)}});
    default:
      return;
  }
}

void DeptyrProtocol::OnStopping(ConnectedClient& client) {
  if (client.begun()) {
    InsertNotice(client, "stopping", {});
    return client.session()->Pump(client);
  }
  client.EndWith(Refusal(kRefusedStopping, "head is about to end"));
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
    if (room_.rows != 0 && room_.cols != 0) client.ResizeIfAllowed(room_);
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
