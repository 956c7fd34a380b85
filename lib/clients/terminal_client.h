// The client on head's own terminal: it shows one session, and the command key
// (^\ unless told otherwise) takes the next key for head itself.
//
//   ^\ n  ^\ p   the next, the previous session
//   ^\ l  ^\ c   list them; a digit chooses
//   ^\ r         redraw
//   ^\ w         take the keys, so that nobody else types, or give them back
//   ^\ d         give the terminal back, head goes on in the background
//   ^\ q         quit: asks first, for the programs are hung up
//   ^\ ^\        the key itself
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/clients/client.h"
#include "lib/clients/terminal_page.h"
#include "lib/session/session.h"
#include "lib/sys/terminal.h"
#include "lib/term/command_keys.h"
#include "lib/term/undo.h"

namespace deptyr {

class TerminalClient final : public Client {
 public:
  // The head whose terminal it is on.
  class Owner {
   public:
    virtual ~Owner() = default;
    // In the order of the list.
    virtual std::vector<Session*> ListedSessions() const = 0;
    // The session that is shown until somebody chooses another, or null.
    virtual Session* DefaultSession() const = 0;
    // Where programs register.
    virtual const std::string& Socket() const = 0;
    // "a (pid 1), b (pid 2)": those that lose their terminal when head quits.
    virtual std::string ProgramsToLose() const = 0;
    virtual void OnBackgroundWanted() = 0;
    virtual void OnQuit() = 0;
    virtual void OnTerminalGone() = 0;
  };

  // Nothing is on the terminal before Show() or GoOn().
  TerminalClient(EventLoop& loop, Owner& owner, Terminal terminal,
                 std::optional<char> command_key);
  ~TerminalClient() override;

  // Shows this session, or, without one, that head waits for a program.
  void Show(Session* session);
  // Goes on where another program's client was, which did to the terminal what
  // `redo` does; nothing of that is shown.
  void GoOn(Session* shown, const ClientState& before, bool leads,
            absl::string_view redo);
  // Shows what went wrong, until a key is pressed.
  void Tell(absl::string_view what);
  // A program started or ended somewhere.
  void OnSessionsChanged();
  void OnTerminalResized();
  // The terminal was somebody else's for a while (SIGCONT).
  void OnContinued();
  // Gives the terminal back; nothing is shown any more.
  void GiveBack();
  // Leaves that to another process.
  void LeaveTerminal();
  // It knows what was done to the terminal.
  const Undo& undo() const { return undo_; }
  const Terminal& terminal() const { return terminal_; }
  // The session that is on the terminal, or under a page that covers it.
  const Session* shown() const { return shown_; }

  void WaitForRoom(bool wait) override;
  Pumped OnWriteFailed() override;
  void OnGone() override { owner_.OnTerminalGone(); }
  std::optional<uint64_t> SkipAhead(const Ring& ring) override;
  std::optional<WindowSize> Room() const override { return terminal_size_; }
  Border border() const override;
  ClientInfo Info() const override { return InfoAs(ClientKind::kTerminal); }
  void Kick(absl::string_view) override {}  // head goes with its terminal
  void OnInputUnblocked() override { UpdateInterest(); }
  void OnWritten(absl::string_view bytes) override {
    undo_.Note(bytes);
    was_of_010_ = false;
  }
  void OnChange(Change::Kind change) override;

 private:
  // Tells whether the terminal has a size.
  bool MeasureTerminal();
  void OnReady(Ready ready);
  void ReadKeys();
  void Take(const std::vector<Typed>& all);
  void Obey(char key);
  void Choose(char key);
  void TakeOrGiveKeys();
  void ShowNext(int direction);
  void ShowPage(TerminalPage::Kind kind);
  std::string TextOf(TerminalPage::Kind kind) const;
  void WritePage();
  void Pause();
  void UpdateInterest();

  // Takes back what was done to the terminal, or, with `ahead`, what will be
  // once it has everything there is.
  std::string UndoSequences(bool ahead = false) const;
  // The same, and blanks it; what others have shown there isn't erased.
  std::string ClearSequences();
  // Shows a line of head's own about the session.
  void InsertLine(absl::string_view text);
  void OnWriterChange(Change::Kind change);

  Owner& owner_;
  Terminal terminal_;
  Undo undo_;
  bool fresh_ = true;  // others have written to the terminal, and head hasn't
  // Version 0.1.0 had the terminal, and didn't say what it did to it.
  bool was_of_010_ = false;
  const std::optional<char> command_key_;
  CommandKeys keys_;
  Timer key_patience_;  // until the rest of an encoded key should have come
  WindowSize terminal_size_;
  Session* shown_ = nullptr;  // also while a page covers it
  TerminalPage page_;
  std::string note_;
  bool wait_for_room_ = false;
  Timer pause_;
  Watch watch_;
};

}  // namespace deptyr
