#include "lib/term/widths.h"

#include <utf8proc.h>

#include <clocale>
#include <cwchar>
#include <cwctype>
#include <string>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

namespace deptyr {
namespace {

bool IsAssigned(char32_t character) {
  const auto category =
      utf8proc_category(static_cast<utf8proc_int32_t>(character));
  return category != UTF8PROC_CATEGORY_CN && category != UTF8PROC_CATEGORY_CO &&
         category != UTF8PROC_CATEGORY_CS && category != UTF8PROC_CATEGORY_CC;
}

// A program measures with the C library, so the screen has to agree.
TEST(WidthsTest, AreThoseOfTheCLibrary) {
  if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) GTEST_SKIP();
  std::string differ;
  for (char32_t character = 0x20; character <= 0x10ffff; ++character) {
    const int width = wcwidth(static_cast<wchar_t>(character));
    if (width < 0 || !IsAssigned(character)) continue;
    if (GlyphWidth(character) == width) continue;
    absl::StrAppend(&differ, absl::Hex(character), " ");
  }
  EXPECT_EQ(differ, "302e 302f 16ff0 16ff1 ");
}

TEST(WidthsTest, NewerOnesAreKnown) {
  EXPECT_EQ(GlyphWidth(U'\U0001fae8'), 2) << "Unicode 15";
  EXPECT_EQ(GlyphWidth(U'\u3099'), 0);
  EXPECT_EQ(GlyphWidth(U'\u200d'), 0);
  EXPECT_EQ(GlyphWidth(U'\ufe0f'), 0);
  EXPECT_EQ(GlyphWidth(U'\u00ad'), 1);
}

}  // namespace
}  // namespace deptyr
