#include "lib/head/attach_client.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/head/report.h"
#include "lib/sys/io.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

constexpr size_t kReadSize = 16 << 10;
// How long a program may leave unread what a client left behind.
constexpr absl::Duration kAbandonTime = absl::Seconds(60);

}  // namespace

AttachClient::AttachClient(EventLoop& loop, Fd connection,
                           PeerIdentity identity, Attach wish,
                           std::string received,
                           absl::AnyInvocable<void(AttachClient&)> gone)
    : Client(loop, connection.get(), Output::kPackets),
      connection_(std::move(connection)),
      identity_(identity),
      wish_(std::move(wish)),
      gone_(std::move(gone)),
      inbox_(std::move(received)),
      room_{wish_.rows, wish_.cols} {
  watch_ = loop_.Add(connection_.get(), Interest::kRead,
                     [this](Ready ready) { OnReady(ready); });
}

AttachClient::~AttachClient() {
  Log(Severity::kInfo, "client=", id(), " left; missed=", missed(),
      " dropped=", dropped_);
}

ClientInfo AttachClient::Info() const {
  return {
      .kind = "attach", .identity = identity_, .read_only = wish_.read_only};
}

void AttachClient::Join(Session& session) {
  Log(Severity::kInfo, "client=", id(), " pid=", identity_.pid,
      " uid=", identity_.uid, " attach", wish_.read_only ? " read-only" : "",
      " joined session=", session.name());
  // Who may only look doesn't decide how large it is.
  if (wish_.rows != 0 && wish_.cols != 0 && !wish_.read_only) {
    session.SetClientSize(*this, {wish_.rows, wish_.cols});
  }
  session.Attach(*this, InsertBeginning(session));
  if (!inbox_.empty()) Advance();
}

WindowSize AttachClient::Room(const Session& session) const {
  return room_.rows == 0 || room_.cols == 0 ? session.size() : room_;
}

uint64_t AttachClient::InsertBeginning(Session& session) {
  const Ring& ring = session.ring();
  uint64_t from = ring.end();
  std::string first;
  switch (wish_.from) {
    case From::kScreen: {
      Session::Picture picture = session.TakePicture(Room(session));
      from = picture.from;
      first = EncodePaint(picture.paint);
      if (!picture.exact && !wish_.read_only) session.Repaint();
      break;
    }
    case From::kHistory: {
      const uint64_t kept = ring.end() - ring.begin();
      const bool all = wish_.value == 0 || wish_.value >= kept;
      from = ring.SafeStart(all ? ring.begin() : ring.end() - wish_.value);
      break;
    }
    case From::kOffset:
      from = std::min(wish_.value, ring.end());
      if (from < ring.begin()) {
        const uint64_t missed = ring.begin() - from;
        from = ring.begin();
        first = Encode(Notice{{{"event", "missed"},
                               {"bytes", absl::StrCat(missed)},
                               {"offset", absl::StrCat(from)}}});
      }
      break;
    case From::kNow:
      break;
  }
  InsertAt(from, absl::StrCat(Encode(Attached{.session = session.name(),
                                              .offset = from,
                                              .end = ring.end(),
                                              .rows = session.size().rows,
                                              .cols = session.size().cols,
                                              .running = session.running(),
                                              .state = session.State()}),
                              first));
  return from;
}

// Its terminal is redrawn; whoever reads the stream as such goes on at a safe
// place.
uint64_t AttachClient::Rejoin(const Ring& ring) {
  uint64_t from = Client::Rejoin(ring);
  std::string paint;
  if (wish_.from == From::kScreen) {
    Session::Picture picture = session()->TakePicture(Room(*session()));
    from = picture.from;
    paint = EncodePaint(picture.paint);
  }
  InsertAt(from,
           absl::StrCat(Encode(Notice{{{"event", "missed"},
                                       {"bytes", absl::StrCat(from - cursor())},
                                       {"offset", absl::StrCat(from)}}}),
                        paint));
  return from;
}

void AttachClient::InsertNotice(absl::string_view event, KeyValues fields) {
  fields.insert(fields.begin(), {"event", std::string(event)});
  InsertAt(session()->ring().end(), Encode(Notice{std::move(fields)}));
  session()->Pump(*this);
}

void AttachClient::OnProgramStarted() {
  InsertNotice("started", StartReport(*session()));
}

void AttachClient::OnProgramEnded(const std::string&) {
  InsertNotice("ended", EndReport(*session()));
}

void AttachClient::OnStatusKnown() {
  InsertNotice("status", EndReport(*session()));
}

void AttachClient::OnResized(WindowSize size) {
  InsertNotice("resized", {{"rows", absl::StrCat(size.rows)},
                           {"cols", absl::StrCat(size.cols)}});
}

void AttachClient::OnStopping() {
  InsertNotice("stopping", {});
}

void AttachClient::Kick(absl::string_view why) {
  Log(Severity::kInfo, "client=", id(), " has to leave: ", why);
  Refuse(kRefusedKicked, why);
}

// After whole packets only; one that has a packet half written just ends.
void AttachClient::Refuse(absl::string_view code, absl::string_view text) {
  if (between_packets()) {
    (void)WriteSome(
        connection_.get(),
        Encode(Refused{.code = std::string(code), .text = std::string(text)}));
  }
  End();
}

void AttachClient::End() {
  if (std::exchange(is_over_, true)) return;
  watch_.Reset();
  gone_(*this);
}

void AttachClient::WaitForRoom(bool wait) {
  wait_for_room_ = wait;
  if (done_said_ && !wait) return End();
  Update();
}

void AttachClient::Update() {
  if (is_over_) return;
  const bool read = !input_closed_ && !input_blocked();
  if (deaf()) {
    watch_.Set(read ? Interest::kRead : Interest::kNone);
    return;
  }
  watch_.Set(read ? (wait_for_room_ ? Interest::kReadWrite : Interest::kRead)
                  : (wait_for_room_ ? Interest::kWrite : Interest::kHangup));
}

void AttachClient::OnReady(Ready ready) {
  if (ready.readable && !input_closed_ && !input_blocked()) {
    Receive();
  } else if (ready.hangup) {
    return OnClosed();
  }
  if (!is_over_ && ready.writable && wait_for_room_) session()->Pump(*this);
}

// What it sent before is still typed, if the program reads at all.
void AttachClient::OnClosed() {
  if (!input_blocked()) return End();
  if (deaf()) return;
  GoDeaf();
  abandon_ = loop_.After(kAbandonTime, [this] { End(); });
  Update();
}

void AttachClient::Receive() {
  std::array<char, kReadSize> room;
  const IoResult got = ReadSome(connection_.get(), room);
  switch (got.state) {
    case IoState::kDone:
      inbox_.append(room.data(), got.bytes);
      return Advance();
    case IoState::kWouldBlock:
      return;
    case IoState::kEnd:
      input_closed_ = true;
      session()->StopLeading(*this);
      return Advance();
    case IoState::kError:
      return End();
  }
}

void AttachClient::Advance() {
  while (!is_over_ && !input_blocked()) {
    absl::string_view rest = inbox_;
    auto message = TakeMessage(rest);
    if (!message.ok()) {
      return Refuse(kRefusedMalformed, message.status().message());
    }
    if (!message->has_value()) break;
    inbox_.erase(0, inbox_.size() - rest.size());
    if (!Take(**message)) {
      return Refuse(kRefusedMalformed, "a message that has no place here");
    }
  }
  if (input_closed_ && typed_all()) SayDone();
  Update();
}

bool AttachClient::Take(const HeadMessage& message) {
  if (const auto* keys = std::get_if<Keys>(&message)) {
    if (wish_.read_only) {
      dropped_ += keys->bytes.size();
    } else {
      Type(keys->bytes);
    }
    return true;
  }
  if (const auto* size = std::get_if<Resize>(&message)) {
    room_ = {size->rows, size->cols};
    if (!wish_.read_only && size->rows != 0 && size->cols != 0) {
      session()->SetClientSize(*this, {size->rows, size->cols});
    }
    return true;
  }
  return false;
}

void AttachClient::SayDone() {
  if (done_said_ || is_over_) return;
  InsertAt(session()->ring().end(), Encode(Done{}));
  done_said_ = true;
  session()->Pump(*this);
}

}  // namespace deptyr
