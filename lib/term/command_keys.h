// Finds the key that isn't for the program in what a person types: the one
// before a command to head in head's own terminal, the one that detaches in
// attach.
//
//   CommandKeys keys("\x1c", CommandKeys::Alone::kWaits);
//   for (const Typed& typed : keys.Feed(bytes)) {
//     const auto* command = std::get_if<Command>(&typed);
//   }
//   // If nothing more comes within keys.patience():
//   std::vector<Typed> rest = keys.TimeIsUp();
//
// With one key, either that is a command at once, or the key after it is one;
// then, pressed twice, it is typed once.  With several keys (docker's ^P^Q),
// the last one is the command at once, and what isn't followed by the next one
// within kPatience is typed.
//
// Keys are found in any number of pieces, and in the encodings that programs
// ask terminals for as well: kitty's "CSI 92;5u" and xterm's (modifyOtherKeys)
// "CSI 27;5;92~".  Nothing is a key inside a paste (CSI 200 ~ to CSI 201 ~).
// Pure.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace deptyr {

// Bytes for the program.
struct Keystrokes {
  std::string bytes;
  bool operator==(const Keystrokes&) const = default;
};
struct Command {
  // The key after the command key; nothing if there was none, or if it isn't an
  // ASCII character (an arrow, alt-x).
  std::optional<char> key;
  bool operator==(const Command&) const = default;
};
using Typed = std::variant<Keystrokes, Command>;

class CommandKeys {
 public:
  // How long to wait for the next of several keys.
  static constexpr absl::Duration kPatience = absl::Milliseconds(400);
  // How long to wait for the rest of what a person may have pressed: Escape, or
  // Alt and "[".  If that comes later it is still found, though the program has
  // got the beginning.
  static constexpr absl::Duration kEscapePatience = absl::Milliseconds(50);
  // How long to wait for the rest of what only a terminal sends.
  static constexpr absl::Duration kSequencePatience = absl::Seconds(1);

  // One of them, for what has come of a sequence.
  static absl::Duration PatienceFor(absl::string_view sequence);

  // The meaning of one key without another after it.
  enum class Alone {
    kWaits,     // the other key is still to come
    kCommands,  // a command
  };

  // `keys` are control characters; if there are none, everything is for the
  // program.
  CommandKeys(std::string keys, Alone alone)
      : keys_(std::move(keys)), alone_(alone) {}

  std::vector<Typed> Feed(absl::string_view bytes);
  // How long to wait before TimeIsUp(), unless something is fed.  Zero says
  // that TimeIsUp() isn't needed.
  absl::Duration patience() const;
  std::vector<Typed> TimeIsUp();

 private:
  struct Key {
    std::optional<char> character;
    bool silent = false;  // it was released, or is a modifier by itself
  };
  enum class Kind { kUnfinished, kKey, kOther };

  static Kind Judge(absl::string_view sequence);
  static Key Decode(absl::string_view sequence);
  void Take(char c, std::vector<Typed>& typed);
  void TakeSequence(absl::string_view sequence, std::vector<Typed>& typed);
  void OnKey(const Key& key, absl::string_view bytes,
             std::vector<Typed>& typed);
  void OnKeyAfter(const Key& key, std::vector<Typed>& typed);
  std::string GiveUp();

  const std::string keys_;
  const Alone alone_;
  size_t matched_ = 0;    // so many of keys_ were pressed,
  std::string held_;      // by these bytes
  std::string sequence_;  // an escape sequence that may be a key
  size_t passed_ = 0;     // bytes of it that the program has got
  bool in_paste_ = false;
};

}  // namespace deptyr
