// The command key is the first byte, or the first two; the second also says how
// long the reads are.  The rest is typed, and it may spell a key.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "lib/term/command_keys.h"
#include "lib/term/key_names.h"

namespace {

using Alone = deptyr::CommandKeys::Alone;

// Commands and keystrokes in their order, in one text.
std::string Meaning(const std::string& wanted, Alone alone,
                    absl::string_view bytes, size_t longest) {
  deptyr::CommandKeys keys(wanted, alone);
  std::string text;
  const auto add = [&](const std::vector<deptyr::Typed>& all) {
    for (const deptyr::Typed& typed : all) {
      if (const auto* command = std::get_if<deptyr::Command>(&typed)) {
        text += {'c', command->key.value_or('c')};
        continue;
      }
      for (const char c : std::get<deptyr::Keystrokes>(typed).bytes) {
        text += {'k', c};
      }
    }
  };
  while (!bytes.empty()) {
    const absl::string_view read = bytes.substr(0, longest);
    bytes.remove_prefix(read.size());
    add(keys.Feed(read));
  }
  // Keys that are held back for longer are still typed, or a command.
  while (keys.patience() > absl::ZeroDuration()) add(keys.TimeIsUp());
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2) return 0;
  const absl::string_view all(reinterpret_cast<const char*>(bytes), size);
  const absl::string_view typed = all.substr(2);
  const size_t longest = size_t{1} + bytes[1] % 16;
  for (const std::string& keys :
       {std::string(1, all[0]), std::string{all[0], all[1]}}) {
    for (const Alone alone : {Alone::kWaits, Alone::kCommands}) {
      if (Meaning(keys, alone, typed, longest) !=
          Meaning(keys, alone, typed, size)) {
        std::abort();
      }
    }
  }
  const auto key = deptyr::ParseKey(typed);
  if (key.ok() && key->has_value()) {
    const auto again = deptyr::ParseKey(deptyr::SpellKey(**key));
    if (!again.ok() || *again != *key) std::abort();
  }
  return 0;
}
