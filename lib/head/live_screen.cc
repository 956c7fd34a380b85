#include "lib/head/live_screen.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/sys/memory.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

// A fifth of a millisecond of the model's time.
constexpr size_t kSlice = 4096;
// What a millisecond parses.
constexpr size_t kLittle = 4 * kSlice;
// The most that is parsed at once while somebody waits: a dozen milliseconds.
constexpr uint64_t kMostAtOnce = 256 << 10;
// No more than kLittle in so long: the flood is over.
constexpr absl::Duration kQuiet = absl::Milliseconds(20);
constexpr absl::Duration kParkAfter = absl::Seconds(5);

// A size is somebody's word.  Of a terminal larger than any there is, the model
// has a part.
constexpr uint16_t kMostSide = 1000;
constexpr int kMostCells = 250'000;

WindowSize Modelled(WindowSize size) {
  size.cols = std::min(size.cols, kMostSide);
  const int most_rows = kMostCells / std::max<int>(size.cols, 1);
  size.rows =
      static_cast<uint16_t>(std::min<int>({size.rows, kMostSide, most_rows}));
  return size;
}

// What a model leaves in the heap is little, but for many of them it adds up.
void NoteParked() {
  constexpr int kSometimes = 64;
  static int parked = 0;
  if (++parked % kSometimes == 0) ReturnFreeMemory();
}

// Whatever the terminal was in the middle of (CAN) and whatever it shows.
std::string CleanTerminal() {
  return absl::StrCat("\x18", kLeaveAlternateScreen, kResetModes,
                      "\x1b[H\x1b[2J");
}

}  // namespace

void LiveScreen::Begin(WindowSize size) {
  begin_ = modelled_ = learned_from_ = sure_from_ = ring_.end();
  digest_ = Digest();
  size_ = Modelled(size);
  whole_ = size_ == size;
  screen_.reset();
  parked_.clear();
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
  if (lost) {
    const bool known = modes.offset >= ring_.begin();
    begin_ = known ? modes.offset : ring_.SafeStart(ring_.begin());
    if (known) digest_.Scan({modes.text.data(), modes.size});
    digest_.Rebase();
  }
  modelled_ = learned_from_ = begin_;
  // What was written before that was for another size.
  sure_from_ = std::max(lost ? begin_ + 1 : begin_, resized);
  if (resized > begin_) {
    digest_.Scan(ring_.From(begin_).substr(0, resized - begin_));
    digest_.Resized();
  }
  digest_.Scan(ring_.From(begin_ + digest_.offset()));
  if (lost) StartAgain(ring_.capacity());
  FollowSoon();
}

// What was before the screen isn't looked at again: of a hundred full rings
// that would take longer than all the rest of an upgrade.
void LiveScreen::Resume(WindowSize size, Parked screen) {
  if (screen.offset < ring_.begin() || screen.offset > ring_.end()) {
    return Resume(size);
  }
  Begin(size);
  begin_ = modelled_ = learned_from_ = sure_from_ = screen.offset;
  digest_.Scan(screen.modes);
  digest_.Rebase();
  digest_.Scan(ring_.From(begin_));
  if (!screen.paint) {
    // Made when somebody asks, or the program writes; of this program's output.
    modelled_ = std::min(ring_.latest().begin, begin_);
    sure_from_ = begin_ + 1;
    return;
  }
  parked_ = *std::move(screen.paint);
  FollowSoon();
}

std::optional<LiveScreen::Parked> LiveScreen::Park() {
  const uint64_t first = ring_.latest().begin;
  const bool in_ring = first >= ring_.begin() && ring_.state().resized <= first;
  const bool soon = Whole() - first <= kLittle;
  if (in_ring && soon) return std::nullopt;
  if (!lapped() && exact()) {
    // In its own time, as it would have been here.
    if (in_ring && Whole() - modelled_ > kLittle) return std::nullopt;
    CatchUp();
  }
  Parked parked{.offset = Whole(), .modes = Modes(), .paint = {}};
  if (!lapped() && exact()) {
    parked.paint = screen_ ? screen_->Paint(digest_, size_) : parked_;
  }
  return parked;
}

std::string LiveScreen::Modes() const {
  return absl::StrCat(digest_.alternate_screen() ? "\x1b[?1049h" : "",
                      digest_.Modes());
}

bool LiveScreen::ClearedAt(uint64_t first) const {
  return begin_ + digest_.last_clear() >= std::max(first, sure_from_);
}

bool LiveScreen::exact() const {
  // Where it starts again, if it has to, is where the last clear was, if it
  // can.
  return whole_ && ClearedAt(lapped() ? ring_.begin() : learned_from_);
}

void LiveScreen::OnOutput() {
  digest_.Scan(ring_.From(begin_ + digest_.offset()));
  if (!lapped()) return FollowSoon();
  // To follow would be in vain until the flood is over.
  screen_.reset();
  parked_.clear();
  idle_work_.Reset();
  if (!quiet_.pending()) AwaitQuiet();
}

void LiveScreen::AwaitQuiet() {
  quiet_ = loop_.After(kQuiet, [this, end = ring_.end()] {
    if (!lapped()) return;
    if (ring_.end() - end > kLittle) return AwaitQuiet();
    StartAgain(ring_.capacity());
    FollowSoon();
  });
}

// What is but a little behind is made when somebody asks: most sessions never
// need a model, and no keystroke meets the work for the one before.
void LiveScreen::FollowSoon() {
  if (Whole() - modelled_ <= kLittle || idle_work_.pending()) return;
  idle_work_ = loop_.WhenIdle([this] { Follow(); });
}

void LiveScreen::Follow() {
  FollowTo(std::min(Whole(), modelled_ + kSlice));
  FollowSoon();
}

void LiveScreen::FollowTo(uint64_t offset) {
  Unpark();
  screen_->Write(ring_.From(modelled_).substr(0, offset - modelled_));
  modelled_ = offset;
}

// From the last clear if there are at most `most` bytes since; that is exact.
void LiveScreen::StartAgain(uint64_t most) {
  const uint64_t end = ring_.end();
  const uint64_t clear = begin_ + digest_.last_clear();
  const uint64_t first = std::max(begin_, ring_.begin());
  const bool from_clear = ClearedAt(first) && end - clear <= most;
  // Bytes that the digest hasn't seen (Resume()) show something, too.
  const uint64_t all = std::max(ring_.latest().begin, ring_.begin());
  learned_from_ =
      from_clear
          ? clear
          : ring_.SafeStart(std::max(all, end - std::min(end, kMostAtOnce)));
  modelled_ = std::min(learned_from_, Whole());
  parked_.clear();
  screen_.emplace(size_);
  if (!from_clear && digest_.alternate_screen()) screen_->Write("\x1b[?1049h");
  ParkLater();
}

void LiveScreen::CatchUp() {
  if (lapped() || Whole() - modelled_ > kMostAtOnce) StartAgain(kMostAtOnce);
  if (modelled_ < Whole()) FollowTo(Whole());
}

void LiveScreen::Resize(WindowSize size) {
  // What was written before is for the old size.
  const WindowSize modelled = Modelled(size);
  if (digest_.offset() == 0) {
    screen_.reset();
    parked_.clear();
  } else if (!lapped()) {
    CatchUp();
    Unpark();
    screen_->Resize(modelled);
  }
  digest_.Resized();
  size_ = modelled;
  whole_ = modelled == size;
}

LiveScreen::Picture LiveScreen::Take(WindowSize room) {
  CatchUp();
  Picture picture{.paint = CleanTerminal(), .from = Whole(), .exact = exact()};
  const bool fits = room.rows >= size_.rows && room.cols >= size_.cols;
  if (!screen_ && fits) {
    picture.paint += parked_;
  } else {
    Unpark();
    picture.paint += screen_->Paint(digest_, room);
  }
  return picture;
}

void LiveScreen::Unpark() {
  if (screen_) return;
  screen_.emplace(size_);
  screen_->Write(parked_);
  parked_ = std::string();
  ParkLater();
}

void LiveScreen::ParkLater() {
  park_ = loop_.After(kParkAfter, [this, end = ring_.end()] {
    if (!screen_) return;
    if (ring_.end() != end || lapped()) return ParkLater();
    CatchUp();
    parked_ = screen_->Paint(digest_, size_);
    screen_.reset();
    // Its own size, in its own place.
    parked_ = std::string(parked_);
    NoteParked();
  });
}

std::string PaintingOf(absl::string_view bytes, WindowSize size) {
  Digest digest;
  digest.Scan(bytes);
  Screen screen(Modelled(size));
  screen.Write(bytes.substr(0, digest.whole()));
  return CleanTerminal() + screen.Paint(digest, Modelled(size));
}

}  // namespace deptyr
