#include "lib/clients/terminal_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/term/key_names.h"

namespace deptyr {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(100);

// The longest paste that is kept for a program that doesn't read.  Beyond, the
// terminal isn't read either, not even for commands.
constexpr size_t kMostUntyped = 1 << 20;

}  // namespace

TerminalClient::TerminalClient(EventLoop& loop, Owner& owner, Terminal terminal,
                               std::optional<char> command_key)
    : Client(loop, terminal.fd()),
      owner_(owner),
      terminal_(std::move(terminal)),
      command_key_(command_key),
      keys_(command_key ? std::string(1, *command_key) : "",
            CommandKeys::Alone::kWaits) {
  watch_ = loop_.Add(terminal_.fd(), Interest::kRead,
                     [this](Ready ready) { OnReady(ready); });
  (void)MeasureTerminal();
}

// A descriptor can't be watched any less once it is closed.
TerminalClient::~TerminalClient() {
  watch_.Reset();
  GiveBack();
}

void TerminalClient::LeaveTerminal() {
  watch_.Reset();
  terminal_.LetGo();
}

void TerminalClient::GiveBack() {
  const auto late = undo_.expects_input() ? Terminal::LateInput::kDropped
                                          : Terminal::LateInput::kKept;
  const std::string undo =
      was_of_010_ ? ResetAndClear() : undo_.Sequences(terminal_size_.cols);
  terminal_.GiveBack(undo, absl::ZeroDuration(), late);
}

std::string TerminalClient::UndoSequences(bool ahead) const {
  if (was_of_010_) return ResetAndClear();
  Undo undo = undo_;
  if (ahead && cursor() >= session()->ring().begin()) {
    undo.Note(session()->ring().From(cursor()));
  }
  return absl::StrCat(undo.Sequences(terminal_size_.cols),
                      HasTitle() ? kKeepTitle : "");
}

std::string TerminalClient::ClearSequences() {
  return absl::StrCat(UndoSequences(), std::exchange(fresh_, false)
                                           ? ScrollOff(terminal_size_.rows)
                                           : kClearScreen);
}

void TerminalClient::GoOn(Session* shown, const ClientState& before, bool leads,
                          absl::string_view redo) {
  fresh_ = false;
  Restore(before);
  was_of_010_ = redo.empty();
  if (was_of_010_) return Show(shown);
  undo_.Note(redo);
  // A page of head's own goes.
  if (shown == nullptr || before.session.empty()) return Show(shown);
  shown_ = shown;
  shown->Readmit(*this);
  if (leads) shown->Lead(*this);
  if (size() != terminal_size_) shown->SetClientSize(*this, terminal_size_);
  shown->Pump(*this);
}

void TerminalClient::Tell(absl::string_view what) {
  note_ = absl::StrCat("deptyr ", Printable(what), "\n\nAny key goes back.\n");
  ShowPage(TerminalPage::kNote);
}

void TerminalClient::OnSessionsChanged() {
  if (page_.kind() == TerminalPage::kList) {
    ShowPage(TerminalPage::kList);
  } else if (page_.kind() == TerminalPage::kWaits) {
    Show(owner_.DefaultSession());
  }
}

void TerminalClient::OnTerminalResized() {
  if (!MeasureTerminal()) return;
  if (session() != nullptr) session()->SetClientSize(*this, terminal_size_);
  if (page_.takes_keys()) ShowPage(page_.kind());
}

bool TerminalClient::MeasureTerminal() {
  const auto size = GetWindowSize(terminal_.fd());
  if (!size.ok() || size->rows == 0 || size->cols == 0) return false;
  terminal_size_ = *size;
  return true;
}

void TerminalClient::OnContinued() {
  (void)terminal_.MakeRaw();
  fresh_ = true;
  page_.takes_keys() ? ShowPage(page_.kind()) : Show(shown_);
}

// --- the terminal

void TerminalClient::WaitForRoom(bool wait) {
  wait_for_room_ = wait;
  UpdateInterest();
}

void TerminalClient::UpdateInterest() {
  if (pause_.pending()) return watch_.Set(Interest::kNone);
  watch_.Set(InterestIn(untyped() < kMostUntyped, wait_for_room_));
}

// The terminal is still there: without memory, the kernel reads and writes
// nothing.
void TerminalClient::Pause() {
  pause_ = loop_.After(kPause, [this] { UpdateInterest(); });
}

Pumped TerminalClient::OnWriteFailed() {
  Pause();
  return Pumped::kBlocked;
}

void TerminalClient::OnReady(Ready ready) {
  if (ready.hangup) return owner_.OnTerminalGone();
  if (ready.writable && wait_for_room_) {
    session() != nullptr ? session()->Pump(*this) : WritePage();
  }
  if (ready.readable) ReadKeys();
}

void TerminalClient::ReadKeys() {
  std::array<char, 4096> room;
  const IoResult got = ReadSome(terminal_.fd(), room);
  if (got.state == IoState::kEnd) return owner_.OnTerminalGone();
  if (got.state == IoState::kError) Pause();
  Take(keys_.Feed({room.data(), got.bytes}));
}

// A command never waits for keystrokes before it: a program that hangs must not
// keep a person here.  Keystrokes that had no room yet go to the session that
// they were typed into (Session::Detach()).
void TerminalClient::Take(const std::vector<Typed>& all) {
  for (const Typed& typed : all) {
    if (const auto* command = std::get_if<Command>(&typed)) {
      Obey(command->key.value_or('?'));
    } else if (page_.takes_keys()) {
      Choose(std::get<Keystrokes>(typed).bytes[0]);
    } else {
      Type(std::get<Keystrokes>(typed).bytes);
    }
  }
  UpdateInterest();
  key_patience_.Reset();
  if (keys_.patience() == absl::ZeroDuration()) return;
  key_patience_ =
      loop_.After(keys_.patience(), [this] { Take(keys_.TimeIsUp()); });
}

void TerminalClient::Obey(char key) {
  if (key == 'n') return ShowNext(1);
  if (key == 'p') return ShowNext(-1);
  if (key == 'l' || key == 'c') return ShowPage(TerminalPage::kList);
  if (key == 'w') return TakeOrGiveKeys();
  if (key == 'd') return owner_.OnBackgroundWanted();
  if (key == 'q') return ShowPage(TerminalPage::kQuit);
  if (key != 'r') return ShowPage(TerminalPage::kHelp);
  Show(shown_);
  if (session() != nullptr) session()->Repaint();
}

// They go to the one that asked for them, if one did.
void TerminalClient::TakeOrGiveKeys() {
  if (session() == nullptr) return;
  const Writer& writer = session()->writer();
  session()->GiveKeys(writer.client() == this ? writer.asker() : this);
}

void TerminalClient::Choose(char key) {
  if (page_.kind() == TerminalPage::kQuit && (key == 'y' || key == 'Y')) {
    return owner_.OnQuit();
  }
  Session* const chosen = page_.kind() == TerminalPage::kList
                              ? ChooseFrom(owner_.ListedSessions(), key)
                              : nullptr;
  Show(chosen == nullptr ? shown_ : chosen);
}

void TerminalClient::ShowNext(int direction) {
  const std::vector<Session*> sessions = owner_.ListedSessions();
  if (sessions.empty()) return Show(nullptr);
  const auto count = static_cast<int>(sessions.size());
  const auto found = std::find(sessions.begin(), sessions.end(), shown_);
  // Without one that is shown, the next is the first and the previous the last.
  const int at = found != sessions.end()
                     ? static_cast<int>(found - sessions.begin())
                     : (direction > 0 ? -1 : 0);
  Show(sessions[static_cast<size_t>((at + direction + count) % count)]);
}

// --- what it shows

Border TerminalClient::border() const {
  return ShowsUtf8() ? Border::kLines : Border::kAscii;
}

void TerminalClient::Show(Session* session) {
  if (this->session() != nullptr) this->session()->Detach(*this);
  ForgetInserts();
  shown_ = session;
  if (session == nullptr) return ShowPage(TerminalPage::kWaits);
  page_.Close();
  // First the size: a program whose terminal changes it repaints.
  session->SetClientSize(*this, terminal_size_);
  session->Attach(*this, SkipAhead(session->ring()));
  if (!session->running()) {
    OnChange(Change::kEnded);
  } else if (session->stopped_by() != 0) {
    InsertLine("is stopped by ^S; ^Q resumes it");
  }
}

// The output that was missed can't be had back, but the screen as it is can.
std::optional<uint64_t> TerminalClient::SkipAhead(const Ring&) {
  Session::Picture picture = MakePicture(*shown_, terminal_size_);
  InsertPicture(picture.from, absl::StrCat(ClearSequences(), picture.paint));
  if (!picture.exact) shown_->Repaint();
  return picture.from;
}

void TerminalClient::OnChange(Change::Kind change) {
  const uint64_t now = session()->ring().end();
  if (change == Change::kStarted || change == Change::kEnded) {
    OnProgramChange();
    // Then it is known what has to be taken back.
    if (drawn()) session()->Pump(*this);
  }
  if (change == Change::kStarted) {
    InsertAt(now, UndoSequences(/*ahead=*/true));
  } else if (change == Change::kEnded) {
    InsertAt(now, UndoSequences(/*ahead=*/true));
    InsertLine(
        absl::StrCat(session()->State(), "; waiting for the next start"));
  }
  OnWriterChange(change);
}

void TerminalClient::OnWriterChange(Change::Kind change) {
  const Writer& writer = session()->writer();
  const bool own = writer.client() == this;
  const std::string key = command_key_
                              ? absl::StrCat(SpellKey(*command_key_), " w")
                              : "deptyr writer";
  if (change == Change::kWriter && writer.client() != nullptr && !own) {
    InsertLine(absl::StrCat("has its keys from client ", writer.client()->id(),
                            " only; ", key, " takes them"));
  } else if (change == Change::kWriter && own) {
    InsertLine(absl::StrCat("has its keys from here only; ", key,
                            " lets others type again"));
  } else if (change == Change::kAskedForKeys && own) {
    InsertLine(absl::StrCat("client ", writer.asker()->id(),
                            " asks for the keys; ", key, " gives them"));
  }
}

// It is below the cursor, where the last that the program wrote ends.
void TerminalClient::InsertLine(absl::string_view text) {
  InsertAt(session()->ring().end(),
           absl::StrCat("\r\n\x1b[7m[deptyr: ", session()->name(), " ",
                        Printable(text), "]\x1b[m\x1b[K\r\n"));
  session()->Pump(*this);
}

void TerminalClient::ShowPage(TerminalPage::Kind kind) {
  if (session() != nullptr) session()->Detach(*this);
  ForgetInserts();
  page_.Open(kind, ClearSequences(), TextOf(kind));
  WritePage();
}

std::string TerminalClient::TextOf(TerminalPage::Kind kind) const {
  if (kind == TerminalPage::kNote) return note_;
  if (kind == TerminalPage::kHelp) return HelpText(command_key_);
  if (kind == TerminalPage::kQuit) return QuitText(owner_.ProgramsToLose());
  const std::vector<Session*> sessions = owner_.ListedSessions();
  if (kind == TerminalPage::kList) {
    return ListText(sessions, shown_, terminal_size_.rows);
  }
  const bool only_others =
      !sessions.empty() && owner_.DefaultSession() == nullptr;
  return WaitsText(owner_.Socket(), only_others, command_key_);
}

void TerminalClient::WritePage() {
  if (page_.Write(terminal_.fd(), undo_) == IoState::kError) Pause();
  WaitForRoom(!page_.written());
}

}  // namespace deptyr
