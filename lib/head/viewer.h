// Head's own terminal, one more client: it shows one session, and the command
// key (^\ unless told otherwise) takes the next key for head itself.
//
//   ^\ n  ^\ p   the next, the previous session
//   ^\ l  ^\ c   list them; a digit chooses
//   ^\ r         redraw
//   ^\ d         give the terminal back, head goes on in the background
//   ^\ q         quit: asks first, for the programs are hung up
//   ^\ ^\        the key itself
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/clients/client.h"
#include "lib/session/session.h"
#include "lib/sys/terminal.h"
#include "lib/term/command_keys.h"
#include "lib/term/key_names.h"

namespace deptyr {

class Head;

class Viewer final : public Client {
 public:
  Viewer(EventLoop& loop, Head& head, Terminal terminal,
         std::optional<char> command_key, Session* first);
  // One that another program was until now: it goes on where that was, and the
  // terminal shows nothing of it.
  Viewer(EventLoop& loop, Head& head, Terminal terminal,
         std::optional<char> command_key, Session* shown,
         const ClientState& before, bool leads);

  // Shows what went wrong, until a key is pressed.
  void Tell(absl::string_view what);
  // A program started or ended somewhere.
  void OnSessionsChanged();
  void OnTerminalResized();
  // The terminal was somebody else's for a while (SIGCONT).
  void OnContinued();
  bool OwedAnything() const;
  const Terminal& terminal() const { return terminal_; }
  // The session that is on the terminal, or under a page that covers it.
  const Session* shown() const { return shown_; }

  void WaitForRoom(bool wait) override;
  Pumped OnWriteFailed() override;
  void OnGone() override;
  std::optional<uint64_t> SkipAhead(const Ring& ring) override;
  ClientInfo Info() const override { return {.kind = "terminal"}; }
  void Kick(absl::string_view) override {}  // head goes with its terminal
  void OnInputUnblocked() override { UpdateInterest(); }
  void OnProgramStarted() override;
  void OnProgramEnded(const std::string& how) override;

 private:
  bool charged() const override { return false; }
  // What is on the terminal: a session, or a page of head's own.
  enum class Page { kNone, kList, kHelp, kQuit, kNote };

  Viewer(EventLoop& loop, Head& head, Terminal terminal,
         std::optional<char> command_key);
  // Tells whether the terminal has a size.
  bool MeasureTerminal();
  void OnReady(Ready ready);
  void ReadKeys();
  void Take(const std::vector<Typed>& all);
  void Obey(char key);
  void Choose(char key);
  void Show(Session* session);
  // Returns from where on the stream continues it.
  uint64_t InsertPaint();
  void ShowNext(int direction);
  void ShowPage(Page page);
  void WritePage();
  void Pause();
  void UpdateInterest();
  std::string ListText() const;
  std::string HelpText() const;
  std::string QuitText() const;

  Head& head_;
  Terminal terminal_;
  const std::optional<char> command_key_;
  CommandKeys keys_;
  Timer patience_;  // with the rest of an encoded key
  WindowSize terminal_size_;
  Session* shown_ = nullptr;  // also while a page covers it
  Page page_ = Page::kNone;
  std::string note_;
  std::string page_text_;  // what is left to write of the page
  bool wait_for_room_ = false;
  Timer pause_;
  Watch watch_;
};

}  // namespace deptyr
