// The tables of what a screen's cells name by numbers: looks, links, and
// characters with marks.
//
//   CellTables tables;
//   GridCell cell = {.glyph = 'e', .look = tables.NumberOf({})};
//   tables.AddMark(cell, U'\u0301');
//   const Cell read = tables.Read(cell);  // "é"
//
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

#include "lib/term/cell.h"
#include "lib/term/grid.h"
#include "lib/term/looks.h"

namespace deptyr {

class CellTables {
 public:
  static constexpr size_t kMostMarks = 31;

  uint32_t NumberOf(const Look& look) { return looks_.Intern(look); }
  const Look& LookOf(const GridCell& cell) const { return looks_[cell.look]; }
  // A number for Look::link; 0, which is no link, if there are too many.
  uint16_t NumberOfLink(const std::string& link);
  const std::string& LinkOf(const Look& look) const {
    return links_[look.link];
  }
  // Joins a mark to the cell's character, if that has fewer than kMostMarks.
  void AddMark(GridCell& cell, char32_t mark);
  Cell Read(const GridCell& from) const;

  // Whether Collect() is due.
  bool is_full() const {
    return looks_.size() >= most_looks_ || texts_.size() >= most_texts_ ||
           links_.size() >= kMostLinks;
  }
  // Forgets what none of these cells and pens has any more, and gives the rest
  // new numbers: those from before mean nothing then.  Returns how many cells
  // it has looked at.
  uint64_t Collect(absl::Span<Grid* const> grids, absl::Span<Look* const> pens);

 private:
  // The tables are cleaned up when they have this many entries more than twice
  // what the cells need.
  static constexpr size_t kFewUnused = 512;
  static constexpr size_t kMostLinks = 0xffff;

  Looks looks_;
  Texts links_;  // "PARAMETERS;URI"
  Texts texts_;  // characters with marks
  size_t most_looks_ = kFewUnused;
  size_t most_texts_ = kFewUnused;
};

}  // namespace deptyr
