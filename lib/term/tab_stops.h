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
    for (size_t col = 0; col < stops_.size(); ++col) {
      if (stops_[col] != IsUsual(col)) return "\x1b[3g" + SetSequences();
    }
    return "";
  }
  // DECST8C, which gives a terminal that knows it the usual stops.
  static constexpr char kEveryEight[] = "\x1b[?5W";
  // The sequences that give the usual stops to a terminal that has any.
  static std::string ResetSequences(int cols) {
    return "\x1b[3g" + TabStops(cols).SetSequences() + kEveryEight;
  }

 private:
  // No tab ever reaches the stop of the first column.
  static bool IsUsual(size_t col) { return col % 8 == 0; }

  std::string SetSequences() const {
    std::string out;
    for (size_t col = 0; col < stops_.size(); ++col) {
      if (stops_[col]) absl::StrAppend(&out, "\x1b[", col + 1, "G\x1bH");
    }
    return out;
  }

  std::vector<bool> stops_;
};

}  // namespace deptyr
