#include "lib/clients/terminal_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/log.h"
#include "lib/term/key_names.h"

namespace deptyr {
namespace {

constexpr size_t kDigits = 10;
// Above and below the list.
constexpr int kOtherRows = 4;

}  // namespace

void TerminalPage::Open(Kind kind, absl::string_view clear,
                        absl::string_view text) {
  kind_ = kind;
  left_.clear();
  if (kind == kNone) return;
  left_ = absl::StrCat(clear, absl::StrReplaceAll(text, {{"\n", "\r\n"}}));
}

IoState TerminalPage::Write(int fd, Undo& undo) {
  const IoResult wrote = WriteSome(fd, left_);
  undo.Note(absl::string_view(left_).substr(0, wrote.bytes));
  left_.erase(0, wrote.bytes);
  return wrote.state;
}

std::string WaitsText(absl::string_view socket, bool only_others,
                      std::optional<char> command_key) {
  return absl::StrCat(
      "[deptyr: ", Printable(socket),
      only_others ? " waits for a program of its own user; the list has others'"
                  : " waits for its first program",
      command_key ? absl::StrCat("; ", SpellKey(*command_key), " ? for help")
                  : "",
      "]\n");
}

std::string ListText(const std::vector<Session*>& sessions,
                     const Session* shown, int rows) {
  std::string text =
      "Sessions; a digit shows one, any other key goes back.\n\n";
  size_t number = 0;
  for (const Session* session : sessions) {
    ++number;
    absl::StrAppend(&text, session == shown ? "*" : " ",
                    number > kDigits ? " " : absl::StrCat(number % kDigits),
                    "  ", session->name(), "  ", Printable(session->State()),
                    "\n");
    if (static_cast<int>(number) + kOtherRows >= rows) break;
  }
  if (number == 0) absl::StrAppend(&text, "(none yet)\n");
  if (number < sessions.size()) {
    absl::StrAppend(&text, "... ", sessions.size() - number, " more\n");
  }
  return text;
}

Session* ChooseFrom(const std::vector<Session*>& sessions, char key) {
  if (key < '0' || key > '9') return nullptr;
  const size_t number = key == '0' ? kDigits : static_cast<size_t>(key - '0');
  return number > sessions.size() ? nullptr : sessions[number - 1];
}

std::string HelpText(std::optional<char> command_key) {
  return absl::StrCat(
      "After ", command_key ? SpellKey(*command_key) : "the command key",
      ":\n\n"
      "  n p  next, previous session\n"
      "  l c  list the sessions, choose one\n"
      "  r    redraw\n"
      "  w    take the keys, so that nobody else types, or give them back\n"
      "  d    give this terminal back; head goes on in the background\n"
      "  q    quit\n"
      "  the same key again: types it\n\n"
      "Any key goes back.\n");
}

std::string QuitText(absl::string_view programs) {
  return absl::StrCat(
      "Quit head?  ",
      programs.empty()
          ? "No program runs."
          : absl::StrCat("These programs lose their terminal (SIGHUP): ",
                         programs),
      "\n\ny quits, any other key goes back.\n");
}

}  // namespace deptyr
