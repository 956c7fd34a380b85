// How many columns a character takes.
//
//   int columns = GlyphWidth(U'世');  // 2
//
// The answer is that of wcwidth(3) in glibc 2.36 (Unicode 15), by which
// programs and xterm go, but it comes from libutf8proc.  Wide characters take
// two columns; marks, joiners and variation selectors take none, and belong to
// the character before them.  So an emoji that is put together by joiners takes
// as much as its parts do, and VS16 makes nothing wider, as in xterm.  Pure.
#pragma once

namespace deptyr {

// 0, 1 or 2.
int GlyphWidth(char32_t character);

}  // namespace deptyr
