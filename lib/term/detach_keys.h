// The key that ends a client's visit, found in what a person types.
//
//   ASSIGN_OR_RETURN(std::string keys, ParseDetachKeys("^\\"));
//   DetachKeys detach(keys);
//   typed = detach.Feed(bytes);     // what of it is for the program
//   if (detach.detached()) ...
//   wait for detach.patience(), then detach.TimeIsUp()
//
// One key: the same key again, within kPatience or in the same read, types it
// once; anything else, or nothing, detaches.  Several keys (docker's ^P^Q): the
// last of them detaches at once, and what isn't followed by the next one within
// kPatience is typed.  However reads cut it, and in the encodings that programs
// ask terminals for: kitty's "CSI 92;5u" and xterm's "CSI 27;5;92~".
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace deptyr {

// Control characters: "^A", "ctrl-a" or "C-a", several with commas between
// them; none at all for "none".
absl::StatusOr<std::string> ParseDetachKeys(absl::string_view spelling);

class DetachKeys {
 public:
  // How long the next of several keys, or the same one again, is waited for.
  static constexpr absl::Duration kPatience = absl::Milliseconds(400);
  // How long the rest of an escape sequence is: a person who pressed Escape
  // waits as well.
  static constexpr absl::Duration kSequencePatience = absl::Milliseconds(50);

  explicit DetachKeys(std::string keys) : keys_(std::move(keys)) {}

  // What of `bytes`, and of what was held back before, is for the program.
  std::string Feed(absl::string_view bytes);
  // Call TimeIsUp() if nothing was fed for so long; 0: nothing is held back.
  absl::Duration patience() const;
  // What was held back and is for the program after all.
  std::string TimeIsUp();
  // From then on nothing is for the program any more.
  bool detached() const { return detached_; }

 private:
  struct Key {
    std::optional<char> control;  // the control character that it is
    bool silent = false;          // a release, or a modifier by itself
  };
  enum class Kind { kUnfinished, kKey, kOther };

  static Kind Judge(absl::string_view sequence);
  static Key Decode(absl::string_view sequence);
  void Take(char c, std::string& typed);
  void OnKey(const Key& key, absl::string_view bytes, std::string& typed);

  const std::string keys_;
  size_t matched_ = 0;    // of keys_
  std::string held_;      // the bytes of those
  std::string sequence_;  // of an escape sequence that may be a key
  bool detached_ = false;
};

}  // namespace deptyr
