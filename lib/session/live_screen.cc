#include "lib/session/live_screen.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/sys/memory.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

// How much the model works at once, in units of lib/term/screen.h: in idle time
// (a fifth of a millisecond), while somebody waits for a picture, and while
// nobody does.
constexpr uint64_t kSlice = 20'000;
constexpr uint64_t kMostAtOnce = 400'000;
constexpr uint64_t kMostUnasked = kMostAtOnce / 4;
// A byte of text is taken, written to the model, and shown in a cell.
constexpr uint64_t kWorkOfText = 3;

// Bytes.  This many are a millisecond's work, if they are text.
constexpr size_t kLittle = 16 << 10;
// A model that is further behind begins anew: from so little for somebody who
// asks, and from so much in its own time.
constexpr uint64_t kMostBehind = 128 << 10;
constexpr uint64_t kMostLearned = 256 << 10;
// A picture is kept until the screen changes, for whoever asks next; one that
// took long, or is long, for a moment in any case.
constexpr size_t kMostKept = 1 << 20;
constexpr size_t kLong = 64 << 10;
constexpr Clock::duration kMoment = std::chrono::milliseconds(20);
// After something was drawn there is this many times as long for other things.
constexpr int kDrawingsShare = 8;
constexpr Clock::duration kLongestWait = std::chrono::milliseconds(250);
// The flood is over when this long brings no more than kLittle.
constexpr absl::Duration kQuiet = absl::Milliseconds(20);
constexpr absl::Duration kParkAfter = absl::Seconds(5);

// Anybody may claim any size, and one act of a program may touch all of a
// screen.  So the model has no more than a part of a larger terminal.  (A
// display of 3840x2160 pixels has 480x135 characters.)
constexpr uint16_t kMostSide = 1000;
constexpr int kMostCells = 65'536;

WindowSize Modelled(WindowSize size) {
  size.cols = std::min(size.cols, kMostSide);
  const int most_rows = kMostCells / std::max<int>(size.cols, 1);
  size.rows =
      static_cast<uint16_t>(std::min<int>({size.rows, kMostSide, most_rows}));
  return {.rows = size.rows, .cols = size.cols};
}

// From how much of the end a model can be made at once; more if that doesn't
// fill it.
size_t Affordable(absl::string_view bytes, WindowSize size) {
  const auto line = static_cast<uint64_t>(size.rows * size.cols / kCellsAtOnce);
  size_t from = bytes.size();
  uint64_t work = 0;
  int lines = 0;
  while (from > 0 && (work < kMostAtOnce / 4 * 3 || lines < size.rows)) {
    const bool ends_line = bytes[--from] == '\n';
    work += ends_line ? line : kWorkOfText;
    lines += ends_line ? 1 : 0;
  }
  return bytes.size() - from;
}

// A model leaves little behind in the heap, but many of them add up.
void NoteParked() {
  constexpr int kSometimes = 64;
  static int parked = 0;
  if (++parked % kSometimes == 0) ReturnFreeMemory();
}

}  // namespace

void LiveScreen::OnStart(WindowSize size) {
  Begin(size);
  ring_.RecordModes(ring_.end(), "");
  if (ring_.latest().adopted == 0) return;
  Unpark();
  Doubt();
  ++sure_from_;
}

void LiveScreen::Begin(WindowSize size) {
  begin_ = modelled_ = learned_from_ = sure_from_ = ring_.end();
  known_ = false;
  digest_ = behind_ = Digest();
  terminal_size_ = size;
  size_ = Modelled(size);
  asked_ = false;
  if (answers_ != nullptr) answers_->Clear();
  again_.reset();
  Forget();
  idle_work_.Reset();
  quiet_.Reset();
  park_.Reset();
}

void LiveScreen::Resume(WindowSize size) {
  const ModesRecord& modes = ring_.modes();
  const uint64_t resized = ring_.state().resized;
  Begin(size);
  begin_ = ring_.latest().begin;
  const bool lost = begin_ < ring_.begin();
  const bool partly = lost || ring_.latest().adopted != 0;
  if (lost) {
    const bool known = modes.offset >= ring_.begin();
    begin_ = known ? modes.offset : ring_.SafeStart(ring_.begin());
    if (known) digest_.Scan({modes.text.data(), modes.size});
    digest_.Rebase();
    behind_ = digest_;
  }
  modelled_ = learned_from_ = begin_;
  // Everything written before that was for another size.
  sure_from_ = std::max(partly ? begin_ + 1 : begin_, resized);
  if (resized > begin_) {
    digest_.Scan(ring_.From(begin_).substr(0, resized - begin_));
    digest_.Resized();
  }
  digest_.Scan(ring_.From(begin_ + digest_.offset()));
  if (partly) StartAgain(/*at_once=*/false);
  FollowSoon();
}

// Bytes older than the parked screen aren't looked at again: with a hundred
// full rings that would take longer than all the rest of an upgrade.
void LiveScreen::Resume(WindowSize size, Parked screen) {
  if (screen.offset < ring_.begin() || screen.offset > ring_.end()) {
    return Resume(size);
  }
  Begin(size);
  begin_ = modelled_ = learned_from_ = sure_from_ = screen.offset;
  digest_.Scan(screen.modes);
  digest_.Rebase();
  behind_ = digest_;
  digest_.Scan(ring_.From(begin_));
  if (!screen.paint) {
    // It is made of this program's output when somebody asks, or the program
    // writes.
    modelled_ = std::min(ring_.latest().begin, begin_);
    sure_from_ = begin_ + 1;
    return;
  }
  parked_ = *std::move(screen.paint);
  if (screen.lacks_picture) ++sure_from_;
  FollowSoon();
}

std::optional<LiveScreen::Parked> LiveScreen::Park() {
  AnswerNow();
  const uint64_t first = ring_.latest().begin;
  const bool in_ring = first >= ring_.begin() && ring_.state().resized <= first;
  const bool soon = Whole() - first <= kLittle;
  if (in_ring && soon) return std::nullopt;
  bool painted = !lapped() && HasText();
  if (painted) {
    // The next head makes it in its own time, as this one would have.
    if (in_ring && Whole() - modelled_ > kLittle) return std::nullopt;
    painted = CatchUp(kMostUnasked, /*needs_model=*/false);
  }
  Parked parked{.offset = Whole(), .modes = Modes(), .paint = {}};
  if (painted) {
    bool all = true;
    std::string paint = PaintFor(size_, all);
    if (all && HasText()) parked.paint = std::move(paint);
    parked.lacks_picture = !exact();
  }
  return parked;
}

std::string LiveScreen::Modes() const {
  return absl::StrCat(digest_.modes().alternate() ? "\x1b[?1049h" : "",
                      digest_.modes().Sequences());
}

bool LiveScreen::ClearedAt(uint64_t first) const {
  return begin_ + digest_.last_clear() >= std::max(first, sure_from_);
}

// Whether the screen is exact, except for a picture that no model keeps.
bool LiveScreen::HasText() const {
  // If the model has to start again, it does so at the last clear if the ring
  // still has that.
  return SameCells(size_, terminal_size_) &&
         (ClearedAt(lapped() ? ring_.begin() : learned_from_) ||
          (known_ && !lapped()));
}

bool LiveScreen::exact() const {
  const uint64_t picture = digest_.last_picture();
  const bool gone = picture <= digest_.last_clear() ||
                    (known_ && begin_ + picture <= modelled_);
  return HasText() && gone;
}

void LiveScreen::OnOutput() {
  digest_.Scan(ring_.From(begin_ + digest_.offset()), [this](const Query& it) {
    if (answers_ == nullptr) return;
    answers_->Take(it, begin_ + digest_.last_query(), digest_.modes(),
                   terminal_size_);
  });
  RecordModes();
  if (!lapped()) {
    if (IsAwaited()) Advance(kSlice);
    return FollowSoon();
  }
  // Until the flood is over it would be lapped again and again.
  Forget();
  asked_ = false;
  idle_work_.Reset();
  if (!quiet_.pending()) AwaitQuiet();
}

// It is done so often that the ring still has all that came after the last.
void LiveScreen::RecordModes() {
  if (ring_.end() - ring_.modes().offset < ring_.capacity() / 2) return;
  std::string modes = Modes();
  if (modes.size() >= std::size(ring_.modes().text)) {
    modes = digest_.modes().ShortSequences();
  }
  ring_.RecordModes(Whole(), modes);
}

void LiveScreen::AwaitQuiet() {
  quiet_ = loop_.After(kQuiet, [this, end = ring_.end()] {
    if (!lapped()) return;
    if (ring_.end() - end > kLittle) {
      const bool too_long = IsAwaited() && answers_->waits_at() <= end;
      if (too_long) answers_->StopOthersWaiting();
      return AwaitQuiet();
    }
    StartAgain(/*at_once=*/false);
    FollowSoon();
  });
}

bool LiveScreen::IsBehind() const {
  return modelled_ < Whole() || (screen_ && unparked_ < parked_.size());
}

// A model that is only a little behind catches up when somebody asks.  So most
// sessions never need one, and no keystroke waits for the work of the one
// before.
void LiveScreen::FollowSoon() {
  if (idle_work_.pending()) return;
  const bool little = Whole() - modelled_ <= kLittle && !asked_;
  if ((little || !IsBehind()) && !IsAwaited()) return;
  idle_work_ = loop_.WhenIdle([this] {
    Advance(kSlice);
    FollowSoon();
  });
}

void LiveScreen::Advance(uint64_t most) {
  Unpark();
  const uint64_t before = screen_->work();
  const auto write = [&](absl::string_view bytes) {
    const uint64_t done = screen_->work() - before;
    return done < most ? screen_->WriteSome(bytes, most - done) : size_t{0};
  };
  if (unparked_ < parked_.size()) {
    unparked_ += write(absl::string_view(parked_).substr(unparked_));
  }
  while (unparked_ == parked_.size()) {
    AnswerWithCursor();
    if (modelled_ == Whole()) break;
    ForgetParked();
    const uint64_t to = IsAwaited() ? answers_->waits_at() : Whole();
    const absl::string_view bytes =
        ring_.From(modelled_).substr(0, to - modelled_);
    const size_t taken = write(bytes);
    if (taken == 0) break;
    behind_.Scan(bytes.substr(0, taken));
    modelled_ += taken;
  }
  asked_ = asked_ && IsBehind();
  if (screen_->doubts()) known_ = screen_->known();
}

void LiveScreen::AnswerWithCursor() {
  while (IsAwaited() && answers_->waits_at() <= modelled_) {
    answers_->TakeCursor(screen_->reported_cursor());
  }
}

// The next head doesn't know what is owed.  A program may wait for its answer
// for ever, so one from a model that is still behind is better than none.
void LiveScreen::AnswerNow() {
  if (!IsAwaited()) return;
  (void)CatchUp(kMostAtOnce, /*needs_model=*/true);
  while (IsAwaited()) answers_->TakeCursor(screen_->reported_cursor());
}

// The model is made from the last clear on, which is exact, or from the end of
// the ring: from as much as can be done at once, or as is worth it in idle
// time.
void LiveScreen::StartAgain(bool at_once) {
  const uint64_t end = ring_.end();
  const uint64_t clear = begin_ + digest_.last_clear();
  const uint64_t first = std::max(begin_, ring_.begin());
  const bool from_clear =
      ClearedAt(first) && (!at_once || end - clear <= kMostBehind);
  if (from_clear) {
    learned_from_ = clear;
  } else {
    // Bytes that the digest hasn't seen (Resume()) are on the screen, too.
    const uint64_t all = std::max(ring_.latest().begin, ring_.begin());
    const uint64_t most = at_once ? kMostBehind : kMostLearned;
    uint64_t from = std::max(all, end - std::min(end, most));
    if (at_once) from = end - Affordable(ring_.From(from), size_);
    learned_from_ = ring_.SafeStart(from);
  }
  modelled_ = std::min(learned_from_, Whole());
  Forget();
  screen_ = std::make_unique<Screen>(size_);
  known_ = false;
  // The modes at that place aren't known; the present ones are the best guess.
  behind_ = Digest();
  behind_.Scan(Modes());
  if (!from_clear) {
    screen_->Write(Modes());
    screen_->Doubt(digest_.has_usual_pen_since(
        learned_from_ - std::min(learned_from_, begin_)));
  }
  ParkLater();
}

bool LiveScreen::CatchUp(uint64_t most, bool needs_model) {
  if (lapped() || Whole() - modelled_ > kMostBehind) {
    StartAgain(/*at_once=*/true);
  }
  if (needs_model || modelled_ < Whole()) Advance(most);
  asked_ = IsBehind();
  FollowSoon();
  return !asked_;
}

void LiveScreen::OnResize(WindowSize size) {
  if (!SameCells(size, terminal_size_)) ResizeModel(Modelled(size));
  terminal_size_ = size;
  if (answers_ != nullptr && reports_size()) answers_->TellSize(size);
}

void LiveScreen::ResizeModel(WindowSize modelled) {
  if (digest_.offset() == 0) {
    Forget();
  } else if (!lapped()) {
    // The bytes so far were written for the old size: if the model can't catch
    // up now, it never will.
    if (!CatchUp(kMostUnasked, /*needs_model=*/true)) {
      Doubt();
    }
    ForgetParked();
    screen_->Resize(modelled);
  }
  digest_.Resized();
  behind_.Resized();
  again_.reset();
  size_ = modelled;
}

// However many ask, a screen that is hard to make is made once in a moment, and
// the stream goes on from that picture for all of them.
LiveScreen::Picture LiveScreen::Take(WindowSize room) {
  const Clock::time_point now = Clock::now();
  const bool soon = now < again_until_;
  if (soon && again_ && SameCells(again_->room, room) &&
      again_->picture.from >= ring_.begin()) {
    return again_->picture;
  }
  again_.reset();
  const uint64_t before = work();
  Picture picture = Make(room, soon ? kSlice : kMostAtOnce);
  const uint64_t done = work() - std::min(before, work());
  if (asked_ || done > kMostUnasked || picture.paint.size() > kLong) {
    if (!soon) again_until_ = now + kMoment;
    if (picture.paint.size() <= kMostKept)
      again_.reset(new Again{picture, room});
  }
  return picture;
}

LiveScreen::Picture LiveScreen::Draw(Viewport& view, WindowSize room) {
  const Clock::time_point began = Clock::now();
  const bool all = CatchUp(kMostAtOnce, /*needs_model=*/true);
  Picture picture{.paint = view.Draw(*screen_, ShownDigest().modes(), room),
                  .from = IsBehind() ? modelled_ : ring_.end(),
                  .exact = all && exact()};
  // The client owes its terminal the rest, and comes back for it.
  if (unparked_ < parked_.size() || !view.whole()) picture.from = 0;
  picture.from = std::max(picture.from, ring_.begin());
  const Clock::time_point now = Clock::now();
  draw_after_ =
      std::min(std::max(now, draw_after_) + kDrawingsShare * (now - began),
               now + kLongestWait);
  return picture;
}

std::string LiveScreen::Picture::ForAnyTerminal() const {
  return paint.empty() ? "" : ResetAndClear() + paint;
}

LiveScreen::Picture LiveScreen::Make(WindowSize room, uint64_t most) {
  const bool fits = room.rows >= size_.rows && room.cols >= size_.cols;
  bool all = CatchUp(most, /*needs_model=*/!fits);
  Picture picture{.paint = "\x1b[H", .from = Shown(), .exact = false};
  picture.paint += PaintFor(room, all);
  // The stream may go on inside a sequence that is too long to be sent again.
  const uint64_t pending = behind_.offset() - behind_.whole();
  if (pending == 0 || picture.from + pending > modelled_) {
    absl::StrAppend(&picture.paint, behind_.BeginOfRest());
  }
  picture.exact = all && exact();
  return picture;
}

const Digest& LiveScreen::ShownDigest() const {
  return modelled_ == Whole() ? digest_ : behind_;
}

// The offset where the stream goes on after what the model shows.  It is before
// a sequence that the model stopped in because it takes so long.
uint64_t LiveScreen::Shown() const {
  const uint64_t pending = behind_.offset() - behind_.whole();
  return std::max(modelled_ - std::min(pending, modelled_), ring_.begin());
}

// Sets `all` to false if something was left out.
std::string LiveScreen::PaintFor(WindowSize room, bool& all) {
  const bool fits = room.rows >= size_.rows && room.cols >= size_.cols;
  if (fits && (!screen_ || !parked_.empty())) return parked_;
  Unpark();
  bool whole = true;
  std::string paint = screen_->Paint(ShownDigest().modes(), room, &whole);
  all &= whole;
  if (fits && whole && unparked_ == parked_.size() &&
      paint.size() <= kMostKept) {
    parked_ = paint;
    unparked_ = parked_.size();
  }
  return paint;
}

// The model doesn't show all that it should, from here on.
void LiveScreen::Doubt() {
  sure_from_ = ring_.end();
  known_ = false;
  screen_->Doubt(/*knows_pen=*/false);
}

void LiveScreen::Forget() {
  screen_.reset();
  ForgetParked();
}

void LiveScreen::ForgetParked() {
  parked_ = std::string();
  unparked_ = 0;
}

void LiveScreen::Unpark() {
  if (screen_) return;
  screen_ = std::make_unique<Screen>(size_);
  unparked_ = 0;
  ParkLater();
}

void LiveScreen::ParkLater() {
  park_ = loop_.After(kParkAfter, [this, end = ring_.end()] {
    if (!screen_) return;
    asked_ = IsBehind();
    if (asked_) FollowSoon();
    if (asked_ || ring_.end() != end || lapped()) return ParkLater();
    park_ = loop_.WhenIdle([this] { ParkNow(); });
  });
}

void LiveScreen::ParkNow() {
  if (!screen_ || lapped()) return;
  if (IsBehind()) return ParkLater();
  bool all = true;
  std::string paint = PaintFor(size_, all);
  if (!all) Doubt();
  again_.reset();
  Forget();
  // The copy takes no more memory than it needs, in a place of its own.
  parked_ = std::string(paint);
  NoteParked();
}

std::string PaintingOf(absl::string_view bytes, WindowSize size) {
  const WindowSize modelled = Modelled(size);
  Digest digest;
  digest.Scan(bytes);
  bytes = bytes.substr(0, digest.whole());
  const uint64_t tail =
      bytes.size() -
      Affordable(
          bytes.substr(bytes.size() - std::min(bytes.size(), kMostBehind)),
          modelled);
  Screen screen(modelled);
  if (digest.last_clear() < tail && digest.modes().alternate()) {
    screen.Write("\x1b[?1049h");
  }
  (void)screen.WriteSome(bytes.substr(std::max(digest.last_clear(), tail)),
                         kMostAtOnce);
  return screen.Paint(digest.modes(), modelled);
}

}  // namespace deptyr
