// The first byte is the command key, the second says how long the reads are;
// the rest is typed.  And it may spell a key.  A client's detach keys are the
// first byte, or the first two.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "lib/term/detach_keys.h"
#include "lib/term/keys.h"

namespace {

// Returns commands and keystrokes in their order, in one text.
std::string Meaning(char key, absl::string_view typed, size_t longest) {
  deptyr::CommandKeys keys(key);
  std::string text;
  while (!typed.empty()) {
    const absl::string_view read = typed.substr(0, longest);
    typed.remove_prefix(read.size());
    for (const deptyr::Typed& one : keys.Feed(read)) {
      if (const auto* command = std::get_if<deptyr::Command>(&one)) {
        text += {'\0', command->key};
      } else {
        for (const char c : std::get<deptyr::Keystrokes>(one).bytes) {
          text += {'k', c};
        }
      }
    }
  }
  return text;
}

// Returns what is typed, and whether it detaches; keys is one, or two.
std::string Typed(const std::string& keys, absl::string_view bytes,
                  size_t longest) {
  deptyr::DetachKeys detach(keys);
  std::string text;
  while (!bytes.empty()) {
    const absl::string_view read = bytes.substr(0, longest);
    bytes.remove_prefix(read.size());
    text += detach.Feed(read);
  }
  if (!detach.detached()) {
    // Keys that are held back for longer are still typed, or detach.
    while (detach.patience() > absl::ZeroDuration()) text += detach.TimeIsUp();
  }
  return text + (detach.detached() ? "D" : "T");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2) return 0;
  const absl::string_view all(reinterpret_cast<const char*>(bytes), size);
  const absl::string_view typed = all.substr(2);
  const size_t longest = size_t{1} + bytes[1] % 16;
  if (Meaning(all[0], typed, longest) != Meaning(all[0], typed, size)) {
    std::abort();
  }
  for (const std::string& keys :
       {std::string(1, all[0]), std::string{all[0], all[1]}}) {
    if (Typed(keys, typed, longest) != Typed(keys, typed, size)) std::abort();
  }
  const auto key = deptyr::ParseKey(typed);
  if (key.ok() && key->has_value()) {
    const auto again = deptyr::ParseKey(deptyr::SpellKey(**key));
    if (!again.ok() || *again != *key) std::abort();
  }
  return 0;
}
