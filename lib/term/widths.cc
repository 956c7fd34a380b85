#include "lib/term/widths.h"

#include <utf8proc.h>

#include <algorithm>

namespace deptyr {
namespace {

bool IsIn(char32_t character, char32_t first, char32_t last) {
  return character >= first && character <= last;
}

}  // namespace

int GlyphWidth(char32_t character) {
  if (character < 0x300 || IsIn(character, 0x2500, 0x25a0)) return 1;
  if (IsIn(character, 0x4e00, 0x9fff)) return 2;
  const utf8proc_property_t& property =
      *utf8proc_get_property(static_cast<utf8proc_int32_t>(character));
  switch (property.boundclass) {
    case UTF8PROC_BOUNDCLASS_V:  // they join the Jamo before them
    case UTF8PROC_BOUNDCLASS_T:
      return 0;
    case UTF8PROC_BOUNDCLASS_PREPEND:
      return 1;
    default:
      break;
  }
  if (property.category == UTF8PROC_CATEGORY_MC) return 1;
  // Numbers in circles, and hexagrams.
  if (IsIn(character, 0x3248, 0x324f) || IsIn(character, 0x4dc0, 0x4dff)) {
    return 2;
  }
  return std::min(static_cast<int>(property.charwidth), 2);
}

}  // namespace deptyr
