// Head's own protocol (deptyr attach, send, history, ...): output comes in
// packets.  Between them, messages say what happened at that place of the
// stream, and bring the screen as it is if that is asked for.
// docs/protocol.md, "Attaching and asking".
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/clients/connected_client.h"
#include "lib/clients/report.h"
#include "lib/wire/messages.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

// Keys that come in one packet stay together, if it isn't longer.
constexpr size_t kHeldWhole = 4096;

void InsertNotice(ConnectedClient& client, uint64_t offset, Event event) {
  event.fields.insert(event.fields.begin(), {"event", std::string(event.name)});
  client.InsertAt(offset, Encode(Notice{std::move(event.fields)}));
}

std::string EncodeMissed(uint64_t bytes, uint64_t to) {
  return Encode(Notice{{{"event", "missed"},
                        {"bytes", absl::StrCat(bytes)},
                        {"offset", absl::StrCat(to)}}});
}

void InsertMissed(ConnectedClient& client, uint64_t from, uint64_t to) {
  client.InsertAt(to, EncodeMissed(to - std::min(from, to), to));
}

class DeptyrProtocol final : public ClientProtocol {
 public:
  DeptyrProtocol(Rights rights, Attach wish, bool done_said)
      : rights_(rights),
        wish_(std::move(wish)),
        room_{wish_.rows, wish_.cols, wish_.xpixels.value_or(0),
              wish_.ypixels.value_or(0)},
        done_said_(done_said) {}

  ClientKind kind() const override { return ClientKind::kAttach; }
  Client::Output output() const override { return Client::Output::kPackets; }
  bool came_back() const override { return wish_.stream != 0; }
  std::string inside() const override { return wish_.inside.value_or(""); }
  Rights RightsIn(const Session&,
                  const std::optional<PeerIdentity>&) const override {
    return wish_.read_only ? rights_ & Rights{Right::kSee} : rights_;
  }

  void Save(const ConnectedClient& client, HeadState& head) const override {
    auto state = client.SaveAs<AttachClientState>();
    if (keys_left_ > 0) state.inbox.insert(0, HeaderOf(Keys(), keys_left_));
    state.rows = room_.rows;
    state.cols = room_.cols;
    state.xpixels = room_.xpixels;
    state.ypixels = room_.ypixels;
    state.wish = Encode(wish_);
    state.done_said = done_said_;
    head.attached.push_back(std::move(state));
  }
  void Resume(ConnectedClient& client, WindowSize told) override {
    room_ = told;
    if (done_said_) client.EndWhenServed();
  }

  void Join(ConnectedClient& client, Session& session) override;
  std::optional<uint64_t> SkipAhead(ConnectedClient& client) override;
  std::optional<WindowSize> Room() const override {
    const bool shows = has_terminal() && wish_.from == From::kScreen;
    return shows ? std::optional(room_) : std::nullopt;
  }
  Border border() const override {
    if (!wish_.utf8) return Border::kNone;
    return *wish_.utf8 ? Border::kLines : Border::kAscii;
  }
  // All that was written is in the drawing, so nothing is missed but bytes.
  std::string EncodeDrawing(std::string drawing, uint64_t to) const override {
    return EncodePaint(drawing, EncodeMissed(0, to));
  }
  void OnChange(ConnectedClient& client, Change::Kind kind) override;
  void OnStopping(ConnectedClient& client) override;
  bool Take(ConnectedClient& client, absl::string_view& bytes) override;
  void OnInputOver(ConnectedClient& client) override;

 private:
  bool has_terminal() const { return room_.rows != 0 && room_.cols != 0; }
  // The screen, as large as the client's terminal.
  std::optional<Session::Picture> TakePicture(ConnectedClient& client) const {
    return client.TakePicture(has_terminal() ? room_
                                             : client.session()->size());
  }
  // A client that resets its terminal itself is told by an empty paint that a
  // picture begins.
  std::string EncodePicture(const Session::Picture& picture) const {
    if (picture.paint.empty()) return "";
    return wish_.resets.value_or(false)
               ? EncodePaint(picture.paint, Encode(Paint{}))
               : EncodePaint(picture.ForAnyTerminal());
  }
  std::optional<uint64_t> Begin(ConnectedClient& client) const;
  // The offset at which a client without a picture begins.
  uint64_t Beginning(const Ring& ring) const;
  void InsertWhatHappened(ConnectedClient& client) const;
  // Returns false if there are none now.
  bool TakeLongKeys(ConnectedClient& client, absl::string_view& bytes);

  const Rights rights_;
  const Attach wish_;
  // Its terminal's size, 0 for none; also that of a client that only looks.
  WindowSize room_;
  size_t keys_left_ = 0;  // of a packet that is begun
  bool done_said_;
};

void DeptyrProtocol::Join(ConnectedClient& client, Session& session) {
  // A client that may only look doesn't decide how large the program's terminal
  // is.
  if (has_terminal() && client.RightsIn(session).Has(Right::kResize)) {
    session.SetClientSize(client, room_);
  }
  // A client that comes back has them again unless another took them.
  if (wish_.exclusive.value_or(false) &&
      client.RightsIn(session).Has(Right::kType) &&
      (!came_back() || session.writer().client() == nullptr)) {
    session.GiveKeys(&client);
  }
  session.Attach(client);
}

// --- where it begins

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

std::optional<uint64_t> DeptyrProtocol::Begin(ConnectedClient& client) const {
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
      paint = EncodePicture(*picture);
    } else {
      from = Beginning(ring);
    }
  }
  const SessionClient* const writer = session.writer().client();
  const auto writers_uid =
      writer == nullptr ? kUnknownId : UidOf(writer->Info().identity);
  client.InsertAt(
      returns ? wish_.offset : from,
      Encode(Attached{.session = session.name(),
                      .stream = stream,
                      .offset = from,
                      .end = ring.end(),
                      .rows = session.size().rows,
                      .cols = session.size().cols,
                      .number = session.program().number(),
                      .running = session.running(),
                      .state = session.State(),
                      .rights = rights_,
                      .stopped = session.stopped_by() != 0 ? std::optional(true)
                                                           : std::nullopt,
                      .client = client.id(),
                      .writer = writer == nullptr ? std::nullopt
                                                  : std::optional(writer->id()),
                      .writer_uid = writers_uid == kUnknownId
                                        ? std::nullopt
                                        : std::optional(writers_uid)}));
  if (returns) InsertWhatHappened(client);
  // A client that goes on in the stream may have another size than before.
  if (paint.empty()) client.OnSizes();
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
  if (!client.begun()) return Begin(client);
  if (wish_.from != From::kScreen && !client.lost()) {
    const uint64_t from = client.SafePlace();
    InsertMissed(client, client.cursor(), from);
    return from;
  }
  const auto picture = TakePicture(client);
  if (!picture) return std::nullopt;
  InsertMissed(client, client.cursor(), picture->from);
  client.InsertPicture(picture->from, EncodePicture(*picture));
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
    return client.EndWith(
        EncodeRefusal(kRefusedStopping, "head is about to end"));
  }
  InsertNotice(client, client.session()->ring().end(), {"stopping", {}});
  client.session()->Pump(client);
}

// A half-close is answered by `done`.
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
    client.EndWith(
        EncodeRefusal(kRefusedMalformed, message.status().message()));
    return false;
  }
  if (!message->has_value()) return false;
  bytes = rest;
  if (const auto* keys = std::get_if<Keys>(&**message)) {
    client.TypeIfAllowed(keys->bytes);
  } else if (const auto* size = std::get_if<Resize>(&**message)) {
    // A terminal that has lost its size still has room for what was shown.
    if (size->rows == 0 || size->cols == 0) return true;
    room_ = {size->rows, size->cols, size->xpixels.value_or(0),
             size->ypixels.value_or(0)};
    client.ResizeIfAllowed(room_);
    client.OnSizes();
  } else {
    client.EndWith(
        EncodeRefusal(kRefusedMalformed, "a message that has no place here"));
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

}  // namespace

std::unique_ptr<ClientProtocol> MakeDeptyrProtocol(Rights rights, Attach wish,
                                                   bool done_said) {
  return std::make_unique<DeptyrProtocol>(rights, std::move(wish), done_said);
}

}  // namespace deptyr
