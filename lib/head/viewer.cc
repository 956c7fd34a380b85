#include "lib/head/viewer.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/log.h"
#include "lib/head/head.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(100);
constexpr size_t kDigits = 10;

// The longest paste that is kept for a program that doesn't read.  Beyond, the
// terminal isn't read either, not even for commands.
constexpr size_t kMostUntyped = 1 << 20;

}  // namespace

Viewer::Viewer(EventLoop& loop, Head& head, Terminal terminal,
               std::optional<char> command_key)
    : Client(loop, terminal.fd()),
      head_(head),
      terminal_(std::move(terminal)),
      command_key_(command_key),
      keys_(command_key ? std::string(1, *command_key) : "",
            CommandKeys::Alone::kWaits) {
  watch_ = loop_.Add(terminal_.fd(), Interest::kRead,
                     [this](Ready ready) { OnReady(ready); });
  (void)MeasureTerminal();
}

Viewer::Viewer(EventLoop& loop, Head& head, Terminal terminal,
               std::optional<char> command_key, Session* first)
    : Viewer(loop, head, std::move(terminal), command_key) {
  Show(first);
}

Viewer::Viewer(EventLoop& loop, Head& head, Terminal terminal,
               std::optional<char> command_key, Session* shown,
               const ClientState& before, bool leads)
    : Viewer(loop, head, std::move(terminal), command_key) {
  Restore(before);
  // A page of head's own goes.
  if (shown == nullptr || before.session.empty()) {
    Show(shown);
    return;
  }
  shown_ = shown;
  shown->Readmit(*this);
  if (leads) shown->Lead(*this);
  if (size() != terminal_size_) shown->SetClientSize(*this, terminal_size_);
  shown->Pump(*this);
}

void Viewer::Tell(absl::string_view what) {
  note_ = absl::StrCat("deptyr ", Printable(what), "\n\nAny key goes back.\n");
  ShowPage(Page::kNote);
}

void Viewer::OnSessionsChanged() {
  if (page_ == Page::kList) {
    ShowPage(Page::kList);
  } else if (shown_ == nullptr && page_ == Page::kNone) {
    Show(head_.newest());
  }
}

void Viewer::OnTerminalResized() {
  if (!MeasureTerminal()) return;
  if (session() != nullptr) session()->SetClientSize(*this, terminal_size_);
  if (page_ != Page::kNone) ShowPage(page_);
}

bool Viewer::MeasureTerminal() {
  const auto size = GetWindowSize(terminal_.fd());
  if (!size.ok() || size->rows == 0 || size->cols == 0) return false;
  terminal_size_ = *size;
  return true;
}

void Viewer::OnContinued() {
  (void)terminal_.MakeRaw();
  if (page_ == Page::kNone) {
    Show(shown_);
  } else {
    ShowPage(page_);
  }
}

bool Viewer::OwedAnything() const {
  return session() != nullptr && owed(session()->ring());
}

void Viewer::WaitForRoom(bool wait) {
  wait_for_room_ = wait;
  UpdateInterest();
}

void Viewer::UpdateInterest() {
  if (pause_.pending()) return watch_.Set(Interest::kNone);
  const bool read = untyped() < kMostUntyped;
  watch_.Set(InterestIn(read, wait_for_room_));
}

// It is still there: without memory, the kernel reads and writes nothing.
void Viewer::Pause() {
  pause_ = loop_.After(kPause, [this] { UpdateInterest(); });
}

Client::Pumped Viewer::OnWriteFailed() {
  Pause();
  return Pumped::kBlocked;
}

void Viewer::OnGone() {
  head_.OnTerminalGone();
}

// What was missed can't be had back; what stands on the screen can.
std::optional<uint64_t> Viewer::SkipAhead(const Ring&) {
  return InsertPaint();
}

uint64_t Viewer::InsertPaint() {
  Session::Picture picture = shown_->TakePicture(terminal_size_);
  InsertPicture(picture.from, std::move(picture.paint));
  if (!picture.exact) shown_->Repaint();
  return picture.from;
}

void Viewer::OnProgramStarted() {
  InsertAt(session()->ring().end(),
           absl::StrCat(kLeaveAlternateScreen, ResetModesInPlace()));
}

void Viewer::OnProgramEnded(const std::string& how) {
  // Below the cursor, which is where the last that the program wrote ends.
  InsertAt(session()->ring().end(),
           absl::StrCat(ResetModesInPlace(), "\r\n\x1b[7m[deptyr: ",
                        session()->name(), " ", Printable(how),
                        "; waiting for the next start]\x1b[m\x1b[K\r\n"));
  session()->Pump(*this);
}

void Viewer::OnReady(Ready ready) {
  if (ready.hangup) {
    head_.OnTerminalGone();
    return;
  }
  if (ready.writable && wait_for_room_) {
    if (session() != nullptr) {
      session()->Pump(*this);
    } else {
      WritePage();
    }
  }
  if (ready.readable) ReadKeys();
}

void Viewer::ReadKeys() {
  std::array<char, 4096> room;
  const IoResult got = ReadSome(terminal_.fd(), room);
  if (got.state == IoState::kEnd) {
    head_.OnTerminalGone();
    return;
  }
  if (got.state == IoState::kError) Pause();
  Take(keys_.Feed({room.data(), got.bytes}));
  UpdateInterest();
}

void Viewer::Take(const std::vector<Typed>& all) {
  // A command never waits for keystrokes before it: a program that hangs must
  // not keep a person here.  What had no room yet goes to the session that it
  // was typed into (Session::Detach()).
  for (const Typed& typed : all) {
    if (const auto* command = std::get_if<Command>(&typed)) {
      Obey(command->key.value_or('?'));
    } else if (page_ != Page::kNone) {
      Choose(std::get<Keystrokes>(typed).bytes[0]);
    } else {
      Type(std::get<Keystrokes>(typed).bytes);
    }
  }
  patience_.Reset();
  if (keys_.patience() == absl::ZeroDuration()) return;
  patience_ = loop_.After(keys_.patience(), [this] {
    Take(keys_.TimeIsUp());
    UpdateInterest();
  });
}

void Viewer::Obey(char key) {
  switch (key) {
    case 'n':
      return ShowNext(1);
    case 'p':
      return ShowNext(-1);
    case 'l':
    case 'c':
      return ShowPage(Page::kList);
    case 'r':
      Show(shown_);
      if (session() != nullptr) session()->Repaint();
      return;
    case 'd':
      return head_.RequestBackground();
    case 'q':
      return ShowPage(Page::kQuit);
    default:
      return ShowPage(Page::kHelp);
  }
}

void Viewer::Choose(char key) {
  if (page_ == Page::kQuit && (key == 'y' || key == 'Y')) {
    head_.Stop("asked to on its terminal");
    return;
  }
  if (page_ == Page::kList && key >= '0' && key <= '9') {
    size_t number = key == '0' ? kDigits : static_cast<size_t>(key - '0');
    for (const auto& [name, session] : head_.sessions()) {
      if (--number == 0) return Show(session.get());
    }
  }
  Show(shown_);
}

void Viewer::ShowNext(int direction) {
  const Head::Sessions& sessions = head_.sessions();
  if (sessions.empty()) return Show(nullptr);
  auto at = shown_ == nullptr ? sessions.end() : sessions.find(shown_->name());
  if (direction > 0) {
    if (at == sessions.end() || ++at == sessions.end()) at = sessions.begin();
  } else {
    if (at == sessions.begin()) at = sessions.end();
    --at;
  }
  Show(at->second.get());
}

void Viewer::Show(Session* session) {
  if (this->session() != nullptr) this->session()->Detach(*this);
  ForgetInserts();
  page_ = Page::kNone;
  shown_ = session;
  if (session == nullptr) {
    page_text_ = absl::StrCat(
        ResetAndClear(), "[deptyr: ", Printable(head_.socket()),
        head_.sessions().empty() || head_.newest() != nullptr
            ? " waits for its first program"
            : " waits for a program of its own user; the list has others'",
        command_key_
            ? absl::StrCat("; ", SpellKey(*command_key_), " ? for help")
            : "",
        "]\r\n");
    WritePage();
    return;
  }
  page_text_.clear();
  // First the size: a program whose terminal changes it repaints.
  session->SetClientSize(*this, terminal_size_);
  session->Attach(*this, InsertPaint());
  if (!session->running()) OnProgramEnded(session->State());
}

void Viewer::ShowPage(Page page) {
  if (session() != nullptr) session()->Detach(*this);
  ForgetInserts();
  page_ = page;
  const std::string text = page == Page::kList   ? ListText()
                           : page == Page::kQuit ? QuitText()
                           : page == Page::kNote ? note_
                                                 : HelpText();
  page_text_ = absl::StrCat(ResetAndClear(),
                            absl::StrReplaceAll(text, {{"\n", "\r\n"}}));
  WritePage();
}

void Viewer::WritePage() {
  const IoResult wrote = WriteSome(terminal_.fd(), page_text_);
  page_text_.erase(0, wrote.bytes);
  if (wrote.state == IoState::kError) Pause();
  WaitForRoom(!page_text_.empty());
}

std::string Viewer::ListText() const {
  std::string text =
      "Sessions; a digit shows one, any other key goes back.\n\n";
  size_t number = 0;
  for (const auto& [name, session] : head_.sessions()) {
    ++number;
    absl::StrAppend(&text, session.get() == shown_ ? "*" : " ",
                    number > kDigits ? " " : absl::StrCat(number % kDigits),
                    "  ", name, "  ", Printable(session->State()), "\n");
    if (number + 4 >= terminal_size_.rows) break;
  }
  if (number == 0) absl::StrAppend(&text, "(none yet)\n");
  if (number < head_.sessions().size()) {
    absl::StrAppend(&text, "... ", head_.sessions().size() - number, " more\n");
  }
  return text;
}

std::string Viewer::HelpText() const {
  return absl::StrCat(
      "After ", command_key_ ? SpellKey(*command_key_) : "the command key",
      ":\n\n"
      "  n p  next, previous session\n"
      "  l c  list the sessions, choose one\n"
      "  r    redraw\n"
      "  d    give this terminal back; head goes on in the background\n"
      "  q    quit\n"
      "  the same key again: types it\n\n"
      "Any key goes back.\n");
}

std::string Viewer::QuitText() const {
  const std::string programs = head_.RunningPrograms(false);
  return absl::StrCat(
      "Quit head?  ",
      programs.empty()
          ? "No program runs."
          : absl::StrCat("These programs lose their terminal (SIGHUP): ",
                         programs),
      "\n\ny quits, any other key goes back.\n");
}

}  // namespace deptyr
