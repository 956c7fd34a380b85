#include "lib/clients/attach_client.h"

#include <array>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/clients/report.h"
#include "lib/clients/user_log.h"
#include "lib/sys/io.h"
#include "lib/sys/replace_self.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

// How long one that has to leave may take for what is on its way to it.
constexpr absl::Duration kLeaveTime = absl::Seconds(2);
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

}  // namespace

AttachClient::AttachClient(EventLoop& loop, Fd connection,
                           PeerIdentity identity, Rights rights, Attach wish,
                           std::string received,
                           absl::AnyInvocable<void(AttachClient&)> gone)
    : Client(loop, connection.get(), Output::kPackets),
      connection_(std::move(connection)),
      identity_(std::move(identity)),
      rights_(rights),
      wish_(std::move(wish)),
      gone_(std::move(gone)),
      inbox_(std::move(received)),
      room_{wish_.rows, wish_.cols} {
  watch_ = loop_.Add(connection_.get(), Interest::kRead,
                     [this](Ready ready) { OnReady(ready); });
}

AttachClient::AttachClient(EventLoop& loop, const AttachClientState& state,
                           Attach wish, PeerIdentity identity, Rights rights,
                           absl::AnyInvocable<void(AttachClient&)> gone)
    : AttachClient(loop, TakeOffered(state.fd), std::move(identity), rights,
                   std::move(wish), state.inbox, std::move(gone)) {
  Restore(state.client);
  room_ = {state.rows, state.cols};
  input_closed_ = state.input_closed;
  done_said_ = state.done_said;
  // What had come before comes first.
  if (!inbox_.empty() || input_closed_) {
    GoOnSoon();
  }
}

AttachClientState AttachClient::Save() const {
  return {.client = Client::Save(),
          .fd = connection_.get(),
          .wish = Encode(wish_),
          .inbox = absl::StrCat(keys_left_ > 0 ? KeysHeader(keys_left_) : "",
                                inbox_),
          .rows = room_.rows,
          .cols = room_.cols,
          .input_closed = input_closed_,
          .done_said = done_said_};
}

AttachClient::~AttachClient() {
  LogOf(Severity::kInfo, identity_.uid, "left", "client=", id(),
        " left; missed=", missed(), " dropped=", dropped_);
}

ClientInfo AttachClient::Info() const {
  return {.kind = "attach",
          .identity = identity_,
          .read_only = !May(Right::kType),
          .dropped = dropped_};
}

void AttachClient::Join(Session& session) {
  LogOf(Severity::kInfo, identity_.uid, "joined", "client=", id(),
        " pid=", identity_.pid, " uid=", UidText(identity_.uid), " attach",
        May(Right::kType) ? "" : " read-only",
        " joined session=", session.name());
  // Who may only look doesn't decide how large it is.
  if (wish_.rows != 0 && wish_.cols != 0 && May(Right::kResize)) {
    session.SetClientSize(*this, {wish_.rows, wish_.cols});
  }
  session.Attach(*this);
  if (!inbox_.empty()) Advance();
}

WindowSize AttachClient::Room(const Session& session) const {
  return room_.rows == 0 || room_.cols == 0 ? session.size() : room_;
}

std::optional<AttachClient::Beginning> AttachClient::PaintOf(Session& session) {
  if (!MayHavePicture()) return std::nullopt;
  const Session::Picture picture = session.TakePicture(Room(session));
  if (!picture.exact && May(Right::kResize)) session.Repaint();
  return Beginning{.from = picture.from, .paint = EncodePaint(picture.paint)};
}

std::optional<AttachClient::Beginning> AttachClient::BeginningFor(
    Session& session) {
  const Ring& ring = session.ring();
  // Of a stream that it doesn't know all is new.
  const bool all = wish_.stream != 0;
  switch (wish_.from) {
    case From::kScreen:
      return PaintOf(session);
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

std::optional<AttachClient::Beginning> AttachClient::ReturnTo(
    Session& session) {
  const Ring& ring = session.ring();
  if (wish_.offset >= ring.begin()) return Beginning{wish_.offset};
  std::optional<Beginning> beginning =
      wish_.from == From::kScreen ? PaintOf(session)
                                  : Beginning{ring.SafeStart(ring.begin())};
  if (beginning) {
    beginning->notice = MissedNotice(wish_.offset, beginning->from);
  }
  return beginning;
}

std::optional<uint64_t> AttachClient::InsertBeginning(Session& session) {
  const Ring& ring = session.ring();
  const uint64_t stream = ring.state().stream;
  const bool returns = wish_.stream == stream && wish_.offset <= ring.end();
  std::optional<Beginning> beginning =
      returns ? ReturnTo(session) : BeginningFor(session);
  if (!beginning) return std::nullopt;
  InsertAt(returns ? wish_.offset : beginning->from,
           Encode(Attached{.session = session.name(),
                           .stream = stream,
                           .offset = beginning->from,
                           .end = ring.end(),
                           .rows = session.size().rows,
                           .cols = session.size().cols,
                           .number = session.programs(),
                           .running = session.running(),
                           .state = session.State(),
                           .rights = rights_}));
  if (returns) InsertWhatHappened(session);
  if (!beginning->notice.empty()) {
    InsertAt(beginning->from, std::move(beginning->notice));
  }
  if (!beginning->paint.empty()) {
    InsertPicture(beginning->from, std::move(beginning->paint));
  }
  // Input may have ended while it waited.
  if (input_closed_) {
    GoOnSoon();
  }
  return beginning->from;
}

// While it was away; and what happened at just that offset, which it may have
// heard: it knows by the number.
void AttachClient::InsertWhatHappened(const Session& session) {
  for (const IncarnationRecord& record : session.ring().incarnations()) {
    if (record.begin >= wish_.offset) {
      InsertAt(record.begin,
               EncodeNotice("started", StartReport(session, record)));
    }
    if (record.outcome != Outcome::kRuns && record.end >= wish_.offset) {
      InsertAt(record.end, EncodeNotice("ended", EndReport(session, record)));
    }
  }
}

// Its terminal is redrawn; whoever reads the stream as such goes on at a safe
// place.
std::optional<uint64_t> AttachClient::SkipAhead(const Ring& ring) {
  if (!begun()) return InsertBeginning(*session());
  if (wish_.from != From::kScreen && !lost()) {
    const std::optional<uint64_t> from = Client::SkipAhead(ring);
    InsertAt(*from, MissedNotice(cursor(), *from));
    return from;
  }
  if (!MayHavePicture()) return std::nullopt;
  const Session::Picture picture = session()->TakePicture(Room(*session()));
  InsertAt(picture.from, MissedNotice(cursor(), picture.from));
  InsertPicture(picture.from, EncodePaint(picture.paint));
  return picture.from;
}

// A client that hasn't begun hears of the program's state when it does.
void AttachClient::InsertNotice(absl::string_view event, KeyValues fields) {
  if (!begun()) return;
  InsertAt(session()->ring().end(), EncodeNotice(event, std::move(fields)));
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
  if (!begun()) return Refuse(kRefusedStopping, "head is about to end");
  InsertNotice("stopping", {});
}

void AttachClient::Kick(absl::string_view why) {
  LogOf(Severity::kInfo, identity_.uid, "kicked", "client=", id(),
        " has to leave: ", why);
  Refuse(kRefusedKicked, why);
}

// After whole packets only.  Who is told nothing would take it for head's end,
// and come back.
void AttachClient::Refuse(absl::string_view code, absl::string_view text) {
  if (leaving_.pending()) return;
  const std::string refused =
      Encode(Refused{.code = std::string(code), .text = std::string(text)});
  if (between_packets()) {
    (void)WriteSome(connection_.get(), refused);
    return End();
  }
  leaving_ = loop_.After(kLeaveTime, [this] { End(); });
  SendLastAndClose(session()->ring(), refused);
  session()->Pump(*this);
}

void AttachClient::End() {
  if (std::exchange(is_over_, true)) return;
  watch_.Reset();
  StopGoingOn();
  gone_(*this);
}

void AttachClient::WaitForRoom(bool wait) {
  wait_for_room_ = wait;
  if ((done_said_ || leaving_.pending()) && !wait && !owed(session()->ring())) {
    return End();
  }
  Update();
}

bool AttachClient::reading() const {
  return !input_closed_ && !leaving_.pending() && !input_blocked();
}

void AttachClient::Update() {
  if (is_over_) return;
  if (deaf()) {
    watch_.Set(reading() ? Interest::kRead : Interest::kNone);
    return;
  }
  watch_.Set(InterestIn(reading(), wait_for_room_));
}

void AttachClient::OnReady(Ready ready) {
  if (goes_on_soon()) return;  // what came before comes first
  if (ready.readable && reading()) {
    Receive();
  } else if (ready.hangup) {
    return OnClosed();
  }
  if (!is_over_ && ready.writable && wait_for_room_) session()->Pump(*this);
}

// What it sent before is still typed, if the program reads at all.
void AttachClient::OnClosed() {
  if (typed_all()) return End();
  TypeOut();
  Update();
}

void AttachClient::Receive() {
  std::array<char, kInputRoom> room;
  const IoResult got =
      ReadSome(connection_.get(), std::span(room).first(input_room()));
  switch (got.state) {
    case IoState::kDone:
      inbox_.append(room.data(), got.bytes);
      return loop_.TurnIsLong() ? GoOnSoon() : Advance();
    case IoState::kWouldBlock:
      return;
    case IoState::kEnd:
      input_closed_ = true;
      session()->StopLeading(*this);
      return Advance();
    case IoState::kError:
      input_closed_ = true;
      return OnClosed();
  }
}

void AttachClient::Advance() {
  for (int i = 0; !is_over_ && !leaving_.pending() && !input_blocked(); ++i) {
    if (WaitsForNextTurn(i)) {
      GoOnSoon();
      break;
    }
    if (TakeLongKeys()) continue;
    absl::string_view rest = inbox_;
    auto message = TakeMessage(rest, kPacketHeader + kHeldWhole);
    if (!message.ok()) {
      return Refuse(kRefusedMalformed, message.status().message());
    }
    if (!message->has_value()) break;
    inbox_.erase(0, inbox_.size() - rest.size());
    if (!Take(**message)) {
      return Refuse(kRefusedMalformed, "a message that has no place here");
    }
  }
  if (inbox_.empty()) std::string().swap(inbox_);  // a paste was large
  if (input_closed_ && typed_all() && !goes_on_soon()) SayDone();
  Update();
}

// The keys of a long packet are typed as they come, not held until it is whole.
bool AttachClient::TakeLongKeys() {
  if (keys_left_ == 0 && BeginsKeys(inbox_) &&
      PacketSize(inbox_) > kHeldWhole) {
    keys_left_ = PacketSize(inbox_) - kPacketHeader;
    inbox_.erase(0, kPacketHeader);
  }
  if (keys_left_ == 0 || inbox_.empty()) return false;
  const std::string keys = inbox_.substr(0, keys_left_);
  inbox_.erase(0, keys.size());
  keys_left_ -= keys.size();
  TakeKeys(keys);
  return true;
}

void AttachClient::TakeKeys(absl::string_view keys) {
  if (May(Right::kType)) {
    Type(keys);
  } else {
    dropped_ += keys.size();
  }
}

bool AttachClient::Take(const HeadMessage& message) {
  if (const auto* keys = std::get_if<Keys>(&message)) {
    TakeKeys(keys->bytes);
    return true;
  }
  if (const auto* size = std::get_if<Resize>(&message)) {
    room_ = {size->rows, size->cols};
    if (size->rows == 0 || size->cols == 0) return true;
    if (May(Right::kResize)) {
      session()->SetClientSize(*this, {size->rows, size->cols});
    } else {
      ++dropped_;
    }
    return true;
  }
  return false;
}

void AttachClient::SayDone() {
  if (done_said_ || is_over_ || (!begun() && !deaf())) return;
  InsertAt(session()->ring().end(), Encode(Done{}));
  done_said_ = true;
  session()->Pump(*this);
}

}  // namespace deptyr
