// The one key that isn't for the program: spelling it, and finding it in what
// a person types.
//
//   ASSIGN_OR_RETURN(CommandKey key, ParseKey("^\\"));
//   CommandKeys keys(key);
//   for (const Typed& typed : keys.Feed(bytes)) ...
//
// Pure.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

inline constexpr char kDefaultCommandKey[] = "^\\";

// The control character that `spelling` names: "^A" (dtach, abduco), "ctrl-a"
// (docker), "C-a" (tmux), "^?" for DEL.  Nothing for "none".
absl::StatusOr<std::optional<char>> ParseKey(absl::string_view spelling);

// "^A"
std::string SpellKey(char key);

struct Keystrokes {
  std::string bytes;
  bool operator==(const Keystrokes&) const = default;
};
struct Command {
  char key;
  bool operator==(const Command&) const = default;
};
using Typed = std::variant<Keystrokes, Command>;

// Takes the command key and the key after it out of the input, wherever reads
// cut it.  The command key twice is a keystroke, itself.
class CommandKeys {
 public:
  explicit CommandKeys(std::optional<char> key) : key_(key) {}
  std::vector<Typed> Feed(absl::string_view bytes);

 private:
  const std::optional<char> key_;
  bool pending_ = false;  // the command key came, the next didn't
};

}  // namespace deptyr
