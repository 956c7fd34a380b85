#include "lib/clients/socket_client.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/sys/address.h"
#include "lib/sys/io.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/tcp_peer.h"
#include "lib/sys/user_log.h"
#include "lib/wire/messages.h"
#include "lib/wire/protocol_detection.h"

namespace deptyr {
namespace {

constexpr uint64_t kShortHistory = 64 << 10;
// How long the second of rows and columns may stay out.
constexpr absl::Duration kSettleTime = absl::Milliseconds(50);
// From one look whether a TCP peer has closed to the next.
constexpr absl::Duration kFirstClosePause = absl::Milliseconds(10);
constexpr absl::Duration kLongestClosePause = absl::Seconds(1);
// How long a peer may take to close after we have.
constexpr absl::Duration kLingerTime = absl::Seconds(1);

std::string DescribePeer(const std::optional<PeerIdentity>& identity) {
  return identity ? absl::StrCat("pid=", identity->pid,
                                 " uid=", UidText(identity->uid))
                  : "over TCP";
}

AllowRules RulesOf(const std::vector<std::string>& spelt) {
  AllowRules rules;
  for (const std::string& text : spelt) {
    // One that isn't understood allows nothing, and isn't the same as none.
    rules.push_back(ParseAllow(text).value_or(AllowRule{}));
  }
  return rules;
}

std::vector<std::string> SpellAll(const AllowRules& rules) {
  std::vector<std::string> spelt;
  for (const AllowRule& rule : rules) spelt.push_back(Spell(rule));
  return spelt;
}

ClientPolicy PolicyOf(const SocketClientState& state) {
  return {.framing = state.uwsgi ? Framing::kUwsgi : Framing::kRaw,
          .shows = static_cast<Shows>(state.shows),
          .read_only = state.read_only,
          .allow_signals = state.allow_signals,
          .allow = RulesOf(state.allow)};
}

}  // namespace

SocketClient::SocketClient(EventLoop& loop, const ClientHost& host,
                           Fd connection, ClientPolicy policy,
                           std::optional<PeerIdentity> identity,
                           absl::AnyInvocable<void(SocketClient&)> gone)
    : Client(loop, connection.get()),
      host_(host),
      connection_(std::move(connection)),
      policy_(std::move(policy)),
      identity_(std::move(identity)),
      gone_(std::move(gone)) {
  TuneConnection(connection_.get());
  watch_ = loop_.Add(connection_.get(), Interest::kRead,
                     [this](Ready ready) { OnReady(ready); });
  SetSilent(true);
  opening_ = loop_.After(kOpeningTime, [this] { StopSilence(); });
}

SocketClient::SocketClient(EventLoop& loop, const ClientHost& host,
                           const SocketClientState& state,
                           std::optional<PeerIdentity> identity,
                           absl::AnyInvocable<void(SocketClient&)> gone)
    : SocketClient(loop, host, TakeOffered(state.fd), PolicyOf(state),
                   std::move(identity), std::move(gone)) {
  opening_.Reset();
  SetSilent(false);
  Restore(state.client);
  inbox_ = state.inbox;
  opened_ = state.received != inbox_.size();
  if (state.rows != 0) rows_ = state.rows;
  if (state.cols != 0) cols_ = state.cols;
  input_closed_ = state.input_closed;
  received_ = state.received;
  if (rows_ || cols_) {
    settle_ = loop_.After(kSettleTime, [this] { ApplySize(); });
  }
  // What had come before comes first.
  if (!inbox_.empty() || input_closed_) {
    GoOnSoon();
  }
}

SocketClientState SocketClient::Save() const {
  return {.client = Client::Save(),
          .fd = connection_.get(),
          .wanted = "",
          .uwsgi = policy_.framing == Framing::kUwsgi,
          .shows = static_cast<int>(policy_.shows),
          .read_only = policy_.read_only,
          .allow_signals = policy_.allow_signals,
          .allow = SpellAll(policy_.allow),
          .inbox = decoder_.Pending() + inbox_,
          .rows = rows_.value_or(0),
          .cols = cols_.value_or(0),
          .input_closed = input_closed_ || refused_,
          .received = received_};
}

SocketClient::~SocketClient() {
  LogOf(Severity::kInfo, UidOf(identity_), "left", "client=", id(),
        " left; received=", received_, " missed=", missed(),
        " dropped=", dropped_, " ignored=", ignored_);
}

Rights SocketClient::RightsIn(const Session& session) const {
  Rights rights = deptyr::RightsIn(session.name(), session.owner(),
                                   policy_.allow, identity_);
  if (policy_.allow.empty()) {
    rights = rights | Rights{Right::kSee, Right::kType, Right::kResize};
    if (policy_.allow_signals) rights = rights | Rights{Right::kSignal};
  }
  return policy_.read_only ? rights & Rights{Right::kSee} : rights;
}

void SocketClient::Join(Session& session) {
  LogOf(Severity::kInfo, UidOf(identity_), "joined", "client=", id(), " ",
        DescribePeer(identity_), " ", Info().kind,
        RightsIn(session).Has(Right::kType) ? "" : " read-only",
        " joined session=", session.name());
  // Its view begins here, though it may be sent nothing for a moment.
  const std::optional<uint64_t> beginning = PlainBeginning(session);
  if (beginning) {
    session.Attach(*this, *beginning);
  } else {
    session.Attach(*this);
  }
  if (!settle_.pending()) ApplySize();
}

// A short history that makes the screen is sent as it is: scripts are clients,
// too, and have no use for escape sequences that the program didn't write.
// Nothing: it needs a picture.
std::optional<uint64_t> SocketClient::PlainBeginning(
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

std::optional<uint64_t> SocketClient::InsertBeginning(Session& session) {
  if (const auto plain = PlainBeginning(session)) return plain;
  if (!MayHavePicture()) return std::nullopt;
  Session::Picture picture = session.TakePicture(session.size());
  InsertPicture(picture.from, std::move(picture.paint));
  // Who may only look doesn't make the program do anything.
  if (!picture.exact && RightsIn(session).Has(Right::kResize)) {
    session.Repaint();
  }
  return picture.from;
}

// Whoever told a size is a terminal, and gets the screen as it is.
std::optional<uint64_t> SocketClient::SkipAhead(const Ring& ring) {
  if (!begun()) return InsertBeginning(*session());
  if (!size() && !lost()) return Client::SkipAhead(ring);
  if (!MayHavePicture()) return std::nullopt;
  Session::Picture picture =
      session()->TakePicture(size().value_or(session()->size()));
  InsertPicture(picture.from, std::move(picture.paint));
  return picture.from;
}

ClientInfo SocketClient::Info() const {
  return {.kind = policy_.framing == Framing::kRaw ? "raw" : "uwsgi",
          .identity = identity_,
          .read_only = session() != nullptr && !May(Right::kType),
          .dropped = dropped_};
}

void SocketClient::Kick(absl::string_view why) {
  LogOf(Severity::kInfo, UidOf(identity_), "kicked", "client=", id(),
        " has to leave: ", why);
  End();
}

void SocketClient::CloseWhenServed() {
  closing_ = true;
  if (session() == nullptr || !owed(session()->ring())) SayGoodbye();
}

// To close while something unread has come would be to reset the connection,
// and over TCP to take back what is on its way.
void SocketClient::SayGoodbye() {
  if (linger_.pending()) return;
  ShutDownWriting(connection_.get());
  Linger();
  StopOutput();
  Update();
}

void SocketClient::Linger() {
  linger_ = loop_.After(kLingerTime, [this] {
    if (BytesQueued(connection_.get()) == 0) return End();
    Linger();
  });
}

void SocketClient::WaitForRoom(bool wait) {
  wait_for_room_ = wait;
  if (closing_ && !owed(session()->ring())) return SayGoodbye();
  Update();
}

void SocketClient::End() {
  if (std::exchange(is_over_, true)) return;
  watch_.Reset();
  opening_.Reset();
  undecided_.Reset();
  closed_.Reset();
  StopGoingOn();
  gone_(*this);
}

bool SocketClient::reading() const {
  return !input_closed_ && !input_blocked() && (inbox_.empty() || !opened_);
}

// Over TCP neither an end of file nor silence tells of a close.
void SocketClient::WatchForClose(absl::Duration pause) {
  closed_ = loop_.After(pause, [this, pause] {
    const std::optional<bool> closed = PeerHasClosed(connection_.get());
    if (closed && *closed) return OnClosed();
    if (closed) WatchForClose(std::min(2 * pause, kLongestClosePause));
  });
}

void SocketClient::Update() {
  if (is_over_) return;
  if (identity_ || deaf() || reading()) {
    closed_.Reset();
  } else if (!closed_.pending()) {
    WatchForClose(kFirstClosePause);
  }
  if (deaf()) {
    if (input_closed_ && inbox_.empty() && typed_all()) return End();
    return watch_.Set(reading() ? Interest::kRead : Interest::kNone);
  }
  watch_.Set(InterestIn(reading(), wait_for_room_ && !silent()));
}

void SocketClient::OnReady(Ready ready) {
  if (goes_on_soon()) return;  // what came before comes first
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

void SocketClient::OnClosed() {
  if (!policy_.type_after_close) return End();
  // Should it be there after all (the kernel lacked memory), it is told.
  ShutDownWriting(connection_.get());
  TypeOut();
  Update();
}

void SocketClient::Receive() {
  std::array<char, kInputRoom> room;
  const IoResult got =
      ReadSome(connection_.get(), std::span(room).first(input_room()));
  switch (got.state) {
    case IoState::kDone:
      break;
    case IoState::kWouldBlock:
      return;
    case IoState::kEnd:
      input_closed_ = true;
      if (session() != nullptr) session()->StopLeading(*this);
      StopSilence();
      return Advance();
    case IoState::kError:
      input_closed_ = true;
      return OnClosed();
  }
  received_ += got.bytes;
  inbox_.append(room.data(), got.bytes);
  if (loop_.TurnIsLong()) return GoOnSoon();
  Advance();
}

bool SocketClient::Begin() {
  constexpr char kNotHere[] =
      "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"
      "deptyr: this is a program's terminal; it takes nothing of a browser\n";
  if (opened_) return true;
  switch (DetectProtocol(inbox_, /*over_tcp=*/!identity_)) {
    case Protocol::kHead:
      Refuse(kRefusedWrongSocket, host_.wrong_socket,
             Encode(Refused{.code = kRefusedWrongSocket,
                            .text = host_.wrong_socket}));
      return false;
    case Protocol::kBrowser:
      Refuse(kRefusedMalformed, "it speaks HTTP, or what else a browser does",
             kNotHere);
      return false;
    case Protocol::kUndecided:
      if (input_closed_) break;
      opening_.Reset();
      if (undecided_.pending()) return false;
      undecided_ = loop_.After(kUndecidedTime, [this] {
        opened_ = true;
        StopSilence();
        Advance();
      });
      return false;
    case Protocol::kClient:
      break;
  }
  opened_ = true;
  undecided_.Reset();
  StopSilence();
  return true;
}

void SocketClient::StopSilence() {
  opening_.Reset();
  SetSilent(false);
  if (session() != nullptr) session()->Pump(*this);
}

// Unread bytes would make the close a reset, which can take the answer back.
void SocketClient::Refuse(absl::string_view code, absl::string_view why,
                          absl::string_view answer) {
  host_.refusals.Note(identity_, code, why);
  refused_ = true;
  inbox_.clear();
  opening_.Reset();
  undecided_.Reset();
  (void)WriteSome(connection_.get(), answer);
  ShutDownWriting(connection_.get());
  StopOutput();
  linger_ = loop_.After(kLingerTime, [this] { End(); });
}

void SocketClient::Advance() {
  if (refused_) inbox_.clear();
  if (inbox_.empty() || !Begin()) return Update();
  absl::string_view bytes = inbox_;
  for (int i = 0; !bytes.empty() && !input_blocked(); ++i) {
    if (WaitsForNextTurn(i)) {
      GoOnSoon();
      break;
    }
    if (policy_.framing == Framing::kRaw) {
      Take(FramedKeys{std::exchange(bytes, "")});
    } else if (const auto input = decoder_.Take(bytes)) {
      Take(*input);
    }
  }
  if (refused_) bytes = "";
  inbox_ = std::string(bytes);
  Update();
}

void SocketClient::Take(const FramedInput& input) {
  if (const auto* keys = std::get_if<FramedKeys>(&input)) {
    if (session() != nullptr && !May(Right::kType)) {
      dropped_ += keys->bytes.size();
    } else {
      Type(keys->bytes);
    }
  } else if (const auto* rows = std::get_if<FramedRows>(&input)) {
    TakeSize(rows_, rows->rows);
  } else if (const auto* cols = std::get_if<FramedCols>(&input)) {
    TakeSize(cols_, cols->cols);
  } else if (const auto* signal = std::get_if<FramedSignal>(&input)) {
    TakeSignal(signal->number);
  } else if (std::holds_alternative<FramedForeign>(input)) {
    Refuse(kRefusedMalformed, "it sends no packets of a uwsgi-framed client",
           "deptyr: this socket takes uwsgi packets whose modifier1 is 0\r\n");
  } else {
    ++ignored_;
  }
}

void SocketClient::TakeSignal(int number) {
  const bool may = session() != nullptr && May(Right::kSignal);
  if (may && session()->Signal(number, identity_).ok()) return;
  ++dropped_;
}

// Both sides told: applied together.  One alone: after a while.
void SocketClient::TakeSize(std::optional<uint16_t>& side, uint16_t value) {
  if (session() != nullptr && !May(Right::kResize)) {
    ++dropped_;
    return;
  }
  side = value;
  if (rows_ && cols_) {
    ApplySize();
  } else if (!settle_.pending()) {
    settle_ = loop_.After(kSettleTime, [this] { ApplySize(); });
  }
}

// A side that wasn't told, or is told as 0, stays as it was.
void SocketClient::ApplySize() {
  settle_.Reset();
  if (session() == nullptr) return;  // Join() comes back to it
  const uint16_t rows = rows_.value_or(0);
  const uint16_t cols = cols_.value_or(0);
  rows_.reset();
  cols_.reset();
  if (rows == 0 && cols == 0) return;
  if (!May(Right::kResize)) {
    ++dropped_;
    return;
  }
  WindowSize size = this->size().value_or(session()->size());
  if (rows != 0) size.rows = rows;
  if (cols != 0) size.cols = cols;
  session()->SetClientSize(*this, size);
}

}  // namespace deptyr
