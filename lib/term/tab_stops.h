// Where a terminal's tab stops are.  Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace deptyr {

class TabStops {
 public:
  explicit TabStops(int cols) { Resize(cols); }

  void Set(int col, bool stop) { stops_[static_cast<size_t>(col)] = stop; }
  void Clear() { stops_.assign(stops_.size(), false); }
  // The next stop, `last` if there is none before it; and the one before `col`,
  // or the first column.
  int After(int col, int last) const {
    while (++col < last && !stops_[static_cast<size_t>(col)]) {
    }
    return col;
  }
  int Before(int col) const {
    while (--col > 0 && !stops_[static_cast<size_t>(col)]) {
    }
    return col;
  }
  // New columns get a stop every eight.
  void Resize(int cols) {
    const auto size = static_cast<size_t>(cols);
    for (size_t col = stops_.size(); col < size; ++col) {
      stops_.push_back(IsUsual(col));
    }
    stops_.resize(size);
  }

  // The sequences that give these stops to a terminal that has the usual ones;
  // they move the cursor.
  std::string Sequences() const {
    std::string out;
    bool usual = true;
    for (size_t col = 0; col < stops_.size(); ++col) {
      usual &= stops_[col] == IsUsual(col);
      if (stops_[col]) absl::StrAppend(&out, "\x1b[", col + 1, "G\x1bH");
    }
    return usual ? "" : "\x1b[3g" + out;
  }

 private:
  // No tab ever reaches the stop of the first column.
  static bool IsUsual(size_t col) { return col % 8 == 0; }

  std::vector<bool> stops_;
};

}  // namespace deptyr
