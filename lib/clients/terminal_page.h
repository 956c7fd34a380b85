// A page on head's own terminal in the place of a session.  A key closes it,
// unless it is the line that says there is no session to show yet.
//
//   TerminalPage page;
//   Undo undo;
//   page.Open(TerminalPage::kHelp, kClearScreen, HelpText('\x1c'));
//   page.Write(STDOUT_FILENO, undo);  // again when there is room,
//                                     // until written()
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/session/session.h"
#include "lib/sys/io.h"
#include "lib/term/undo.h"

namespace deptyr {

class TerminalPage {
 public:
  enum Kind { kNone, kWaits, kList, kHelp, kQuit, kNote };

  // Resets and clears the terminal by `clear`, for `text`, whose lines end with
  // "\n".
  void Open(Kind kind, absl::string_view clear, absl::string_view text);
  void Close() { Open(kNone, "", ""); }
  Kind kind() const { return kind_; }
  // Whether the next key is for the page.
  bool takes_keys() const { return kind_ != kNone && kind_ != kWaits; }

  // Writes as much as the terminal takes, which `undo` notes.
  IoState Write(int fd, Undo& undo);
  bool written() const { return left_.empty(); }

 private:
  Kind kind_ = kNone;
  std::string left_;  // to be written
};

// `only_others` says that there are sessions, but none of head's own user.
std::string WaitsText(absl::string_view socket, bool only_others,
                      std::optional<char> command_key);
// The sessions that fit on a terminal of `rows`; the first ten have digits.
std::string ListText(const std::vector<Session*>& sessions,
                     const Session* shown, int rows);
// The session that a digit chooses; null for other keys, and beyond the end.
Session* ChooseFrom(const std::vector<Session*>& sessions, char key);
std::string HelpText(std::optional<char> command_key);
// `programs` would lose their terminal.
std::string QuitText(absl::string_view programs);

}  // namespace deptyr
