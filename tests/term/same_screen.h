// Whether two screens are the same, and where they aren't.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "lib/term/painter.h"
#include "lib/term/screen.h"

namespace deptyr {

inline std::string Said(const Cursor& cursor) {
  return absl::StrCat(cursor.row, ",", cursor.col,
                      cursor.wraps ? " about to wrap" : "");
}

inline testing::AssertionResult SameRows(const std::vector<Row>& a,
                                         const std::vector<Row>& b,
                                         const std::string& what) {
  if (a.size() != b.size()) return testing::AssertionFailure() << "sizes";
  for (size_t row = 0; row < a.size(); ++row) {
    if (a[row] == b[row]) continue;
    return testing::AssertionFailure()
           << what << " row " << row << ": "
           << testing::PrintToString(PaintLine(a[row])) << " and "
           << testing::PrintToString(PaintLine(b[row]));
  }
  return testing::AssertionSuccess();
}

inline testing::AssertionResult SameScreen(Screen& a, Screen& b) {
  auto same = SameRows(a.Rows(), b.Rows(), "");
  if (!same) return same;
  if (a.cursor() != b.cursor()) {
    return testing::AssertionFailure()
           << "cursors at " << Said(a.cursor()) << " and " << Said(b.cursor());
  }
  if (a.alternate_screen() != b.alternate_screen() ||
      a.cursor_visible() != b.cursor_visible() ||
      a.reverse_video() != b.reverse_video()) {
    return testing::AssertionFailure() << "modes";
  }
  return SameRows(a.Rows(false), b.Rows(false), "primary");
}

}  // namespace deptyr
