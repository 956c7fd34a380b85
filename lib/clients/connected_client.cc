#include "lib/clients/connected_client.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "lib/clients/listener_spec.h"
#include "lib/sys/io.h"
#include "lib/sys/tcp.h"
#include "lib/sys/user_log.h"
#include "lib/wire/messages.h"

namespace deptyr {
namespace {

// From one look whether a TCP peer has closed to the next.
constexpr absl::Duration kFirstClosePause = absl::Milliseconds(10);
constexpr absl::Duration kLongestClosePause = absl::Seconds(1);
// How long a peer may take for its last words, and then to close.
constexpr absl::Duration kLeaveTime = absl::Seconds(2);
constexpr absl::Duration kLingerTime = absl::Seconds(1);
// How long a program may leave unread what a client left behind.
constexpr absl::Duration kAbandonTime = absl::Seconds(60);
// A terminal takes this much at once, so clients that paste take turns.
constexpr size_t kLeastRead = 4096;
// How many pieces of input are taken from a client in one turn of the loop,
// whatever their size: each key that comes alone costs a system call.
constexpr int kMostTaken = 256;

}  // namespace

ConnectedClient::ConnectedClient(EventLoop& loop, const ClientHost& host,
                                 Fd connection,
                                 std::unique_ptr<ClientProtocol> protocol,
                                 std::optional<PeerIdentity> identity,
                                 std::string received)
    : Client(loop, connection.get(), protocol->output()),
      host_(host),
      connection_(std::move(connection)),
      protocol_(std::move(protocol)),
      identity_(std::move(identity)),
      network_(identity_ ? "" : PeerNetwork(connection_.get())),
      place_(host.counts.Take(UidOf(identity_))),
      inbox_(std::move(received)),
      received_(inbox_.size()) {
  if (host_.backlogs != nullptr) ChargeTo(*host_.backlogs);
  watch_ = loop_.Add(connection_.get(), Interest::kRead,
                     [this](Ready ready) { OnReady(ready); });
  if (protocol_->output() == Output::kPackets) return;
  TuneConnection(connection_.get());
  silent_ = true;
  opening_ =
      std::make_unique<Opening>(loop_, !identity_, host_.wrong_socket, [this] {
        if (!is_over_) StopSilence();
        Advance();
      });
}

ConnectedClient::~ConnectedClient() {
  LogOf(Severity::kInfo, UidOf(identity_), "left", "client=", id(),
        " left; received=", received_, " missed=", missed(),
        " dropped=", dropped_, " ignored=", ignored_);
}

void ConnectedClient::Resume(const ClientState& state, WindowSize told,
                             bool input_closed, uint64_t received) {
  silent_ = false;
  Restore(state);
  if (deaf()) WatchTyping();
  // While it wasn't known for a client, all that came is in the inbox.
  if (received != inbox_.size()) opening_.reset();
  received_ = received;
  input_closed_ = input_closed;
  protocol_->Resume(*this, told);
  // Input that the program before had read comes first.
  if (!inbox_.empty() || input_closed_) GoOnSoon();
}

void ConnectedClient::Join(Session& session) {
  LogOf(Severity::kInfo, UidOf(identity_), "joined", "client=", id(), " ",
        DescribePeer(identity_), " ", NameOf(protocol_->kind()),
        RightsIn(session).Has(Right::kType) ? "" : " read-only",
        " joined session=", session.name());
  protocol_->Join(*this, session);
  if (!inbox_.empty()) Advance();
}

ClientInfo ConnectedClient::Info() const {
  ClientInfo info = InfoAs(protocol_->kind());
  info.identity = identity_;
  info.network = network_;
  info.read_only = session() != nullptr && !May(Right::kType);
  info.inside = protocol_->inside();
  info.dropped = dropped_;
  return info;
}

std::optional<uint64_t> ConnectedClient::SkipAhead(const Ring&) {
  const std::optional<uint64_t> from = protocol_->SkipAhead(*this);
  // Input may have ended while the client waited for its beginning.
  if (from && !begun() && input_closed_) GoOnSoon();
  return from;
}

std::optional<Session::Picture> ConnectedClient::TakePicture(WindowSize room) {
  if (!MayHavePicture()) return std::nullopt;
  const std::optional<WindowSize> own = Room();
  if (own && !session()->Fits(*own) && !MayDraw()) return std::nullopt;
  Session::Picture picture = MakePicture(*session(), room);
  // A client that may only look doesn't make the program do anything.
  if (!begun() && !picture.exact && May(Right::kResize)) session()->Repaint();
  return picture;
}

void ConnectedClient::OnChange(Change::Kind kind) {
  if (kind == Change::kStarted || kind == Change::kEnded) OnProgramChange();
  protocol_->OnChange(*this, kind);
}

// --- the end

void ConnectedClient::Kick(absl::string_view why) {
  LogOf(Severity::kInfo, UidOf(identity_), "kicked", "client=", id(),
        " has to leave: ", why);
  if (protocol_->output() == Output::kPlain) return End();
  EndWith(EncodeRefusal(kRefusedKicked, why));
}

void ConnectedClient::Refuse(const Opening::Refusal& refusal) {
  host_.refusals.Note(identity_, refusal.code, refusal.why);
  EndWith(refusal.answer);
}

void ConnectedClient::EndWhenServed() {
  closing_ = true;
  if (session() != nullptr && !OwedAnything()) SayGoodbye();
}

// The words come after whole packets only.  A client of head's own protocol
// that is told nothing would take it for head's end, and come back.
void ConnectedClient::EndWith(const std::string& last) {
  if (is_over_ || std::exchange(refused_, true)) return;
  closing_ = true;
  if (between_packets()) {
    (void)WriteSome(connection_.get(), last);
    return SayGoodbye();
  }
  ending_ = loop_.After(kLeaveTime, [this] { End(); });
  SendLastAndClose(last);
  session()->Pump(*this);
}

// To close while something unread has come would be to reset the connection,
// and over TCP to take back what is on its way.
void ConnectedClient::SayGoodbye() {
  if (protocol_->output() == Output::kPackets) return End();
  if (std::exchange(lingers_, true)) return;
  ShutDownWriting(connection_.get());
  Linger();
  StopOutput();
  Update();
}

void ConnectedClient::Linger() {
  ending_ = loop_.After(kLingerTime, [this] {
    if (refused_ || BytesQueued(connection_.get()) == 0) return End();
    Linger();
  });
}

void ConnectedClient::OnClosed() {
  if (!protocol_->types_after_close()) return End();
  // Should it be there after all (the kernel lacked memory), it is told.
  ShutDownWriting(connection_.get());
  if (!deaf()) StopOutput();
  if (!abandon_.pending()) WatchTyping();
  Update();
}

// The program takes what the client left at its own pace, if it takes any.
void ConnectedClient::WatchTyping() {
  abandon_ = loop_.After(kAbandonTime, [this, before = typed()] {
    before == typed() ? End() : WatchTyping();
  });
}

void ConnectedClient::End() {
  if (std::exchange(is_over_, true)) return;
  watch_.Reset();
  DropOpening();
  closed_.Reset();
  go_on_.Reset();
  host_.gone(*this);
}

// --- when to read and write

void ConnectedClient::WaitForRoom(bool wait) {
  wait_for_room_ = wait;
  if (closing_ && !OwedAnything()) return SayGoodbye();
  Update();
}

// Over TCP neither an end of file nor silence tells of a close.
void ConnectedClient::WatchForClose(absl::Duration pause) {
  closed_ = loop_.After(pause, [this, pause] {
    const std::optional<bool> closed = PeerHasClosed(connection_.get());
    if (closed && *closed) return OnClosed();
    if (closed) WatchForClose(std::min(2 * pause, kLongestClosePause));
  });
}

void ConnectedClient::Update() {
  if (is_over_) return;
  if (identity_ || deaf() || reading()) {
    closed_.Reset();
  } else if (!closed_.pending()) {
    WatchForClose(kFirstClosePause);
  }
  if (!deaf()) {
    return watch_.Set(InterestIn(reading(), wait_for_room_ && !silent_));
  }
  if (input_over()) return End();
  watch_.Set(reading() ? Interest::kRead : Interest::kNone);
}

void ConnectedClient::OnReady(Ready ready) {
  if (go_on_.pending()) return;  // what came before comes first
  // A hang-up with bytes still to read isn't the end of them.
  if (ready.readable && reading()) {
    Receive();
  } else if (ready.hangup) {
    OnClosed();
  }
  if (!is_over_ && ready.writable && wait_for_room_ && session() != nullptr) {
    session()->Pump(*this);
  }
}

// --- input

void ConnectedClient::Receive() {
  std::array<char, kInputRoom> room;
  // At least what would be its turn is read, which may have a ^C in it.
  const size_t most = session() == nullptr
                          ? kInputRoom
                          : std::max(session()->input_room(), kLeastRead);
  const IoResult got = ReadSome(connection_.get(), std::span(room).first(most));
  if (got.state == IoState::kWouldBlock) return;
  if (got.state == IoState::kDone) {
    received_ += got.bytes;
    inbox_.append(room.data(), got.bytes);
    return loop_.TurnIsLong() ? GoOnSoon() : Advance();
  }
  input_closed_ = true;
  if (got.state == IoState::kEnd) {
    if (session() != nullptr) session()->StopLeading(*this);
    StopSilence();
  }
  Advance();
  if (got.state == IoState::kError && !is_over_) OnClosed();
}

void ConnectedClient::Advance() {
  if (is_over_) return;
  if (refused_) {
    inbox_.clear();
  } else if (!inbox_.empty() && IsClient()) {
    TakeInput();
  }
  if (input_over() && !refused_ && !is_over_) protocol_->OnInputOver(*this);
  Update();
}

bool ConnectedClient::IsClient() {
  if (opening_ == nullptr) return true;
  const Opening::Verdict verdict = opening_->Judge(inbox_, input_closed_);
  if (verdict.kind == Opening::kUndecided) return false;
  DropOpening();
  if (verdict.kind == Opening::kRefused) {
    Refuse(verdict.refusal);
    inbox_.clear();
    return false;
  }
  StopSilence();
  return true;
}

// The opening may be what calls us.
void ConnectedClient::DropOpening() {
  if (opening_ != nullptr) loop_.DestroyLater(std::move(opening_));
}

void ConnectedClient::StopSilence() {
  silent_ = false;
  if (session() != nullptr) session()->Pump(*this);
}

void ConnectedClient::GoOnSoon() {
  go_on_ = loop_.After(absl::ZeroDuration(), [this] { Advance(); });
}

void ConnectedClient::TakeInput() {
  absl::string_view rest = inbox_;
  for (int i = 0; !rest.empty() && !input_blocked(); ++i) {
    if (i == kMostTaken || (i > 0 && loop_.TurnIsLong())) {
      GoOnSoon();
      break;
    }
    if (!protocol_->Take(*this, rest)) {
      if (input_closed_) rest = "";  // half a message
      break;
    }
    if (refused_ || is_over_) rest = "";
  }
  inbox_.erase(0, inbox_.size() - rest.size());
  if (inbox_.empty()) std::string().swap(inbox_);  // a paste was large
}

void ConnectedClient::TypeIfAllowed(absl::string_view keys) {
  if (session() != nullptr && !May(Right::kType)) {
    return CountDropped(keys.size());
  }
  Type(keys);
}

void ConnectedClient::ResizeIfAllowed(WindowSize size) {
  if (!May(Right::kResize)) return CountDropped(1);
  session()->SetClientSize(*this, size);
}

void ConnectedClient::SignalIfAllowed(int number) {
  const bool may = session() != nullptr && May(Right::kSignal);
  if (!may || !session()->Signal(number, UidOf(identity_)).ok())
    CountDropped(1);
}

}  // namespace deptyr
