#include "lib/term/charsets.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace deptyr {
namespace {

constexpr absl::string_view kDesignators = "()*+";

// DEC's line drawing characters, from '_' on.
constexpr char32_t kGraphics[] = U" ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

}  // namespace

bool Charsets::Escape(char intermediate, char final) {
  const size_t which = kDesignators.find(intermediate);
  if (intermediate != 0 && which != absl::string_view::npos) {
    sets_[which] = final;
  } else if (intermediate == 0 && (final == 'n' || final == 'o')) {
    used_ = final == 'n' ? 2 : 3;
  } else {
    return false;
  }
  return true;
}

bool Charsets::Control(char c) {
  if (c != '\x0e' && c != '\x0f') return false;
  used_ = c == '\x0e' ? 1 : 0;
  return true;
}

char32_t Charsets::Translate(char32_t character, char set) {
  if (set == '0' && character >= '_' && character <= '~') {
    return kGraphics[character - '_'];
  }
  if (set == 'A' && character == '#') return U'£';
  return character;
}

std::string Charsets::Sequences() const {
  constexpr absl::string_view kUse[] = {"", "\x0e", "\x1bn", "\x1bo"};
  std::string out;
  for (size_t i = 0; i < sets_.size(); ++i) {
    if (sets_[i] == 'B') continue;
    absl::StrAppend(&out, "\x1b", kDesignators.substr(i, 1),
                    absl::string_view(&sets_[i], 1));
  }
  absl::StrAppend(&out, kUse[used_]);
  return out;
}

}  // namespace deptyr
