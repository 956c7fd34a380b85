// How many columns a character takes.
//
//   int columns = GlyphWidth(U'世');  // 2
//
// It is what wcwidth(3) of glibc 2.36 says, of Unicode 15, which programs and
// xterm go by; but pure, by libutf8proc.  Wide characters take two columns;
// marks, joiners and variation selectors take none, and belong to the character
// before them.  So an emoji that is put together by joiners takes as much as
// its parts do, and VS16 makes nothing wider, as in xterm.
#pragma once

namespace deptyr {

// 0, 1 or 2.
int GlyphWidth(char32_t character);

}  // namespace deptyr
