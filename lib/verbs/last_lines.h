// The last lines of a text that comes in pieces.
//
//   LastLines last(10);
//   last.Add("one\ntwo\nthr");
//   out += last.Take();
//
// A line that isn't finished counts as one.  Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace deptyr {

class LastLines {
 public:
  explicit LastLines(size_t most) : most_(most) {}

  void Add(absl::string_view text) {
    while (!text.empty()) {
      const size_t newline = text.find('\n');
      const size_t size = std::min(newline, text.size() - 1) + 1;
      if (!open_) lines_.emplace_back();
      lines_.back().append(text.data(), size);
      open_ = newline == absl::string_view::npos;
      text.remove_prefix(size);
      if (lines_.size() > most_ + 1) lines_.pop_front();
    }
  }

  // Returns the lines, and begins anew.
  std::string Take() {
    std::string text;
    while (lines_.size() > most_) lines_.pop_front();
    for (const std::string& line : std::exchange(lines_, {})) text += line;
    open_ = false;
    return text;
  }

 private:
  const size_t most_;
  std::deque<std::string> lines_;
  bool open_ = false;  // the last has no newline yet
};

}  // namespace deptyr
