#include "lib/clients/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/session/session.h"
#include "lib/sys/io.h"
#include "lib/term/characters.h"
#include "lib/wire/messages.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

// The most notices that are kept for a client that never reads, while its
// program restarts again and again.
constexpr size_t kMostNotices = 32;
constexpr size_t kMostNoticeBytes = 16 << 10;
// How long output may be on its way to a terminal, and the answers to it back.
constexpr absl::Duration kReplayTime = absl::Seconds(1);

}  // namespace

Client::Client(EventLoop& loop, int out_fd, Output output)
    : SessionClient(out_fd),
      loop_(loop),
      protocol_(output),
      drawing_(loop, *this) {}

Client::~Client() {
  if (session() != nullptr) session()->Detach(*this);
}

std::string Client::GiveUpPlace() {
  in_line_.reset();
  drawing_.End();
  return std::exchange(untyped_, {});
}

bool Client::InsertIsDue() const {
  return !inserts_.empty() && inserts_[0].offset <= cursor();
}

bool Client::OwedAnything() const {
  if (session() == nullptr) return false;
  if (output().leaving()) return !inserts_.empty();
  const uint64_t end = session()->ring().end();
  return !deaf() && (lost() || cursor() < end ||
                     (!inserts_.empty() && inserts_[0].offset <= end));
}

// --- inserts

void Client::Add(Insert insert) {
  const auto after = std::upper_bound(
      inserts_.begin(), inserts_.end(), insert.offset,
      [](uint64_t at, const Insert& other) { return at < other.offset; });
  inserts_.insert(after, std::move(insert));
  // Where there are too many notices the oldest go, except for the very first
  // insert, which may be half written.
  size_t count = 0;
  size_t bytes = 0;
  for (auto it = inserts_.end() - 1; it != inserts_.begin(); --it) {
    if (it->picture) continue;
    bytes += it->text.size();
    if (++count > kMostNotices || bytes > kMostNoticeBytes) {
      it = inserts_.erase(it);
    }
  }
}

void Client::ForgetPictures() {
  const auto first = inserts_.begin() + (insert_begun_ ? 1 : 0);
  const auto gone =
      std::remove_if(first, inserts_.end(),
                     [](const Insert& insert) { return insert.picture; });
  if (gone != inserts_.end()) output().Lose();
  inserts_.erase(gone, inserts_.end());
}

bool Client::MayHavePicture() {
  if (quota_ == nullptr || quota_->TakeTurn(Charged())) {
    in_line_.reset();
    return true;
  }
  if (in_line_ == nullptr) {
    in_line_ = quota_->Queue(Charged(), [this] {
      in_line_.reset();
      if (session() != nullptr) session()->Pump(*this);
    });
  }
  return false;
}

void Client::ChargePictures() {
  if (quota_ == nullptr) return;
  for (Insert& insert : inserts_) {
    if (!insert.picture || insert.held != nullptr) continue;
    insert.held = std::make_unique<BacklogQuota::Held>(
        *quota_, Charged(), insert.text.size(), output().fd(),
        [this] { CutPicture(); });
  }
}

void Client::CutPicture() {
  ForgetPictures();
  if (!insert_begun_ || !inserts_[0].picture) return;
  const Insert cut = std::move(inserts_[0]);
  inserts_.pop_front();
  const size_t left = LeftOfPacket(cut);
  insert_begun_ = left > 0;
  if (insert_begun_) {
    inserts_.push_front(
        {.offset = cut.offset, .text = cut.text.substr(cut.written, left)});
  }
  output().Lose();
}

size_t Client::LeftOfPacket(const Insert& insert) const {
  if (protocol_ == Output::kPlain) return 0;
  size_t end = insert.begun;
  while (end < insert.written) {
    end += PacketSize(absl::string_view(insert.text).substr(end));
  }
  return end - insert.written;
}

// --- writing

Pumped Client::Pump(const Ring& ring) {
  const Pumped pumped = deaf() ? Pumped::kAll : WriteOwed(ring);
  if (pumped == Pumped::kGone) {
    output().Stop();
    ForgetInserts();
  }
  if (deaf()) output().PassTo(ring.end());
  return pumped;
}

Pumped Client::WriteOwed(const Ring& ring) {
  if (!output().leaving()) {
    if (drawing_.stale() && !MayDraw()) return Pumped::kWaits;
    if (drawing_.TakeStale()) ChangeView();
    if (lost() || (cursor() < ring.begin() && !drawn())) {
      const Pumped found = FindPlace(ring);
      if (found != Pumped::kAll) return found;
    }
    if (drawn()) return WriteDrawn();
  }
  while (OwedAnything()) {
    const bool insert =
        output().leaving() || (packet_left_ == 0 && InsertIsDue());
    const Pumped wrote = insert ? WriteInsert() : WriteStream(ring);
    if (wrote != Pumped::kAll) return wrote;
  }
  return Pumped::kAll;
}

// Finds where the client goes on.
Pumped Client::FindPlace(const Ring& ring) {
  ForgetPictures();
  // An insert that is half written comes first: a client that doesn't take the
  // rest of it needs no picture yet.
  while (insert_begun_) {
    if (const Pumped wrote = WriteInsert(); wrote != Pumped::kAll) return wrote;
  }
  const std::optional<uint64_t> start = SkipAhead(ring);
  if (!start) return Pumped::kWaits;
  begun() ? output().SkipTo(*start) : BeginAt(*start);
  return Pumped::kAll;
}

std::optional<uint64_t> Client::SkipAhead(const Ring& ring) {
  // Far enough ahead not to be lapped again by the next few reads.
  return ring.SafeStart(ring.end() - ring.capacity() / 4);
}

Pumped Client::WriteStream(const Ring& ring) {
  absl::string_view bytes = ring.From(cursor());
  if (!inserts_.empty()) bytes = bytes.substr(0, inserts_[0].offset - cursor());
  if (protocol_ == Output::kPackets) {
    if (packet_left_ == 0) {
      packet_left_ = std::min(bytes.size(), kLongestOutput);
      header_ = HeaderOf(deptyr::Output(), packet_left_);
    }
    bytes = bytes.substr(0, packet_left_);
  }
  const IoResult wrote = WriteSome(output().fd(), header_, bytes);
  if (wrote.state == IoState::kWouldBlock) return Pumped::kBlocked;
  if (wrote.state == IoState::kEnd) return Pumped::kGone;
  if (wrote.state == IoState::kError) return OnWriteFailed();
  output().NoteTaken(wrote.bytes);
  const size_t of_header = std::min(header_.size(), wrote.bytes);
  header_.erase(0, of_header);
  OnWritten(bytes.substr(0, wrote.bytes - of_header));
  output().Advance(wrote.bytes - of_header);
  if (packet_left_ > 0) packet_left_ -= wrote.bytes - of_header;
  NoteReplayed();
  return Pumped::kAll;
}

Pumped Client::WriteInsert() {
  Insert& insert = inserts_[0];
  const absl::string_view left =
      absl::string_view(insert.text).substr(insert.written);
  const IoResult wrote =
      WriteSome(output().fd(), left.substr(0, kLargestWrite));
  if (wrote.state == IoState::kWouldBlock && !left.empty()) {
    ChargePictures();
    return Pumped::kBlocked;
  }
  if (wrote.state == IoState::kEnd) return Pumped::kGone;
  if (wrote.state == IoState::kError) return OnWriteFailed();
  output().NoteTaken(wrote.bytes);
  OnWritten(left.substr(0, wrote.bytes));
  insert.written += wrote.bytes;
  if (insert.held != nullptr) insert.held->Wrote(wrote.bytes);
  insert_begun_ = wrote.bytes != left.size();
  if (!insert_begun_) inserts_.pop_front();
  return Pumped::kAll;
}

// --- drawing

LiveScreen::Picture Client::MakePicture(Session& session, WindowSize room) {
  const std::optional<WindowSize> own = Room();
  if (own && !session.Fits(*own)) {
    return drawing_.Begin(session, *own, border());
  }
  drawing_.End();
  return session.TakePicture(room);
}

void Client::OnSizes() {
  const std::optional<WindowSize> own = Room();
  if (session() == nullptr || !own || deaf()) return;
  if (!drawn() && session()->Fits(*own)) return;
  drawing_.SetStale();
  drawing_.PumpSoon();
}

// The terminal shows something that doesn't fit any more.
void Client::ChangeView() {
  if (!drawn() && session()->Fits(*Room())) return;
  KeepPacket(session()->ring());
  ForgetPictures();
  output().Lose();
}

Pumped Client::WriteDrawn() {
  while (OwedAnything()) {
    if (InsertIsDue()) {
      if (const auto wrote = WriteInsert(); wrote != Pumped::kAll) return wrote;
      continue;
    }
    if (!MayDraw() || !MayHavePicture()) return Pumped::kWaits;
    Draw();
  }
  return Pumped::kAll;
}

// It comes before all that is inserted later in the stream.  However often the
// bell rang in the meantime, it rings once.
void Client::Draw() {
  const uint64_t before = cursor();
  LiveScreen::Picture picture = drawing_.Draw(*Room());
  const uint64_t to = std::max(picture.from, before);
  const uint64_t bell = session()->screen().last_bell();
  if (bell > before && bell <= to) picture.paint += kBell;
  InsertPicture(before, EncodeDrawing(std::move(picture.paint), to));
  output().Advance(to - before);
}

void Client::OnProgramChange() {
  if (!drawn()) return;
  const bool untaken =
      std::any_of(inserts_.begin(), inserts_.end(),
                  [](const Insert& insert) { return insert.picture; });
  if (untaken || loop_.TurnIsLong() || !MayHavePicture()) {
    drawing_.SetStale();
  } else if (cursor() < session()->ring().end()) {
    Draw();
  }
  drawing_.OnReset();
}

void Client::KeepPacket(const Ring& ring) {
  if (packet_left_ == 0) return;
  inserts_.push_front({.offset = cursor(),
                       .text = absl::StrCat(header_, ring.From(cursor()).substr(
                                                         0, packet_left_))});
  insert_begun_ = true;
  output().Advance(packet_left_);
  packet_left_ = 0;
  header_.clear();
}

void Client::StopOutput() {
  output().Stop();
  ForgetInserts();
  in_line_.reset();
  if (session() != nullptr) session()->Pump(*this);
}

void Client::SendLastAndClose(std::string text) {
  if (deaf()) return;
  KeepPacket(session()->ring());
  CutPicture();
  inserts_.resize(insert_begun_ ? 1 : 0);
  inserts_.push_back({.offset = cursor(), .text = std::move(text)});
  in_line_.reset();
  output().Leave();
}

// Questions that others saw before it begins, or that head has answered, are
// answered.
void Client::BeginAt(uint64_t offset) {
  output().BeginAt(offset);
  StartReplay();
}

void Client::OnFirstSize() {
  if (begun() && cursor() < session()->audience().answered()) StartReplay();
}

void Client::StartReplay() {
  answered_ = session()->audience().answered();
  replaying_ = cursor() < answered_;
  replayed_.Reset();
}

// Meanwhile head answers, and what it answers is replayed, too.
void Client::NoteReplayed() {
  if (!replaying_) return;
  if (session() != nullptr &&
      session()->audience().answered_by_head() > answered_) {
    answered_ = session()->audience().answered_by_head();
    replayed_.Reset();
  }
  if (cursor() < answered_ || replayed_.pending()) return;
  replayed_ = loop_.After(kReplayTime, [this] { replaying_ = false; });
}

// --- input

bool Client::answers() const {
  return size() && begun() && !replaying_ && !lost() && !deaf() && !drawn() &&
         !output().leaving() && !Info().read_only;
}

void Client::Type(absl::string_view keystrokes) {
  keys_ += keystrokes.size();
  if (session() == nullptr) return;
  if (!session()->audience().Hears(*this)) {
    return OnUnheard(keystrokes.size());
  }
  if (session()->PassInterrupt(*this, keystrokes)) return;
  flush_.Reset();
  const std::string typed = WithoutAnswers(keystrokes);
  const bool is_typed = !typed.empty() && !IsReport(typed);
  if (is_typed) session()->Lead(*this);
  if (is_typed) last_typed_ = absl::Now();
  untyped_ += typed;
  FlushRepliesLater();
  TypeUntyped();
}

std::string Client::WithoutAnswers(absl::string_view keystrokes) {
  if (replaying_ || !session()->audience().Answers(*this)) {
    return replies_.Feed(keystrokes, ReplyFilter::kAll);
  }
  // Without a terminal's size it isn't asked; but it may sit on a terminal.
  if (!size() && session()->answers_queries()) {
    return replies_.Feed(keystrokes, ReplyFilter::kOurs);
  }
  if (session()->reports_size()) {
    return replies_.Feed(keystrokes, ReplyFilter::kSizes);
  }
  return absl::StrCat(replies_.Flush(), keystrokes);
}

void Client::FlushRepliesLater() {
  if (replies_.patience() == absl::ZeroDuration()) return;
  flush_ = loop_.After(replies_.patience(), [this] {
    untyped_ += replies_.Flush();
    TypeUntyped();
    OnInputUnblocked();
  });
}

void Client::TypeUntyped() {
  if (untyped_.empty()) return;
  if (session() == nullptr) {
    untyped_.clear();
    return;
  }
  const size_t taken = session()->Type(*this, untyped_);
  typed_ += taken;
  untyped_.erase(0, taken);
  if (untyped_.empty()) std::string().swap(untyped_);  // a paste was large
}

void Client::OnInputRoom() {
  TypeUntyped();
  if (!input_blocked()) OnInputUnblocked();
}

// --- the upgrade

ClientState Client::Save() const {
  ClientState state{.id = id_,
                    .since = absl::ToUnixMillis(since_),
                    .session = session() == nullptr ? "" : session()->name(),
                    .cursor = cursor(),
                    .missed = missed(),
                    .deaf = deaf(),
                    .rows = size() ? size()->rows : uint16_t{0},
                    .cols = size() ? size()->cols : uint16_t{0},
                    .untyped = untyped_,
                    .held = replies_.held(),
                    .answered = begun() || session() == nullptr
                                    ? answered_
                                    : session()->audience().answered(),
                    .replaying = replaying_,
                    .header = header_,
                    .packet_left = packet_left_,
                    .insert_begun = insert_begun_,
                    .inserts = {},
                    .begins = !begun(),
                    .lost = lost() || drawn(),
                    .typed = InfoAs(ClientKind::kAttach).typed,
                    .last_typed = last_typed_ == absl::InfinitePast()
                                      ? 0
                                      : absl::ToUnixMillis(last_typed_),
                    .xpixels = size() ? size()->xpixels : uint16_t{0},
                    .ypixels = size() ? size()->ypixels : uint16_t{0}};
  for (const Insert& insert : inserts_) {
    const size_t begun = insert.picture ? LeftOfPacket(insert) : 0;
    state.inserts.push_back({insert.offset, insert.text.substr(insert.written),
                             insert.picture, begun});
  }
  return state;
}

void Client::Restore(const ClientState& state) {
  id_ = state.id;
  GoOnAfter(id_);
  since_ = absl::FromUnixMillis(state.since);
  output().Restore(state.cursor, state.missed, !state.begins, state.lost);
  if (state.deaf) output().Stop();
  if (state.rows != 0 || state.cols != 0) {
    SetSize({state.rows, state.cols, state.xpixels, state.ypixels});
  }
  untyped_ = state.untyped;
  header_ = state.header;
  packet_left_ = static_cast<size_t>(state.packet_left);
  insert_begun_ = state.insert_begun;
  for (const InsertState& insert : state.inserts) {
    // A picture from 0.1.0 doesn't say where its packet ends: it is never cut.
    const bool whole = protocol_ == Output::kPackets && inserts_.empty() &&
                       insert_begun_ && insert.begun == 0;
    inserts_.push_back({.offset = insert.offset,
                        .text = insert.text,
                        .picture = insert.for_now && !whole,
                        .begun = insert.begun});
  }
  answered_ = state.answered;
  replaying_ = state.replaying;
  NoteReplayed();
  // The filter has looked at these bytes before, so it holds all of them again.
  untyped_ += replies_.Feed(state.held);
  keys_ = state.typed + untyped_.size() + replies_.held().size();
  if (state.last_typed != 0) {
    last_typed_ = absl::FromUnixMillis(state.last_typed);
  }
  FlushRepliesLater();
}

}  // namespace deptyr
