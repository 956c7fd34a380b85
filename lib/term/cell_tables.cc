#include "lib/term/cell_tables.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"

#include "lib/base/utf8.h"

namespace deptyr {
namespace {

void ForCells(absl::Span<Grid* const> grids,
              absl::FunctionRef<void(GridCell&)> act) {
  for (Grid* const grid : grids) {
    for (int row = -grid->history(); row < grid->rows(); ++row) {
      for (GridCell& cell : (*grid)[row].cells) act(cell);
    }
  }
}

}  // namespace

uint16_t CellTables::NumberOfLink(const std::string& link) {
  if (links_.size() >= kMostLinks) return 0;
  return static_cast<uint16_t>(links_.Intern(link));
}

void CellTables::AddMark(GridCell& cell, char32_t mark) {
  std::string text = Read(cell).text;
  const auto begins = [](char c) { return !IsUtf8Continuation(c); };
  if (std::count_if(text.begin(), text.end(), begins) > ptrdiff_t{kMostMarks}) {
    return;
  }
  AppendUtf8(mark, text);
  cell.glyph = texts_.Intern(text) | GridCell::kText |
               (cell.wide() ? GridCell::kWide : 0);
}

Cell CellTables::Read(const GridCell& from) const {
  const Look& look = LookOf(from);
  Cell cell{
      .style = look.style, .link = LinkOf(look), .is_guarded = look.is_guarded};
  if (from.right_half()) {
    cell.width = 0;
  } else {
    cell.width = from.wide() ? 2 : 1;
    if (from.is_text()) {
      cell.text = texts_[from.number()];
    } else if (!from.erased()) {
      AppendUtf8(char32_t{from.number()}, cell.text);
    }
  }
  return cell;
}

uint64_t CellTables::Collect(absl::Span<Grid* const> grids,
                             absl::Span<Look* const> pens) {
  std::vector<bool> looks(looks_.size());
  std::vector<bool> texts(texts_.size());
  std::vector<bool> links(links_.size());
  uint64_t cells = 0;
  ForCells(grids, [&](const GridCell& cell) {
    ++cells;
    looks[cell.look] = true;
    if (cell.is_text()) texts[cell.number()] = true;
  });
  for (uint32_t i = 0; i < looks.size(); ++i) {
    if (looks[i]) links[looks_[i].link] = true;
  }
  for (const Look* pen : pens) links[pen->link] = true;

  const std::vector<uint32_t> link_at = links_.Keep(links);
  const std::vector<uint32_t> text_at = texts_.Keep(texts);
  const auto with_new_link = [&](Look look) {
    look.link = static_cast<uint16_t>(link_at[look.link]);
    return look;
  };
  Looks kept;
  std::vector<uint32_t> look_at(looks.size());
  for (uint32_t i = 0; i < looks.size(); ++i) {
    if (looks[i]) look_at[i] = kept.Intern(with_new_link(looks_[i]));
  }
  looks_ = std::move(kept);
  for (Look* pen : pens) *pen = with_new_link(*pen);
  ForCells(grids, [&](GridCell& cell) {
    cell.look = look_at[cell.look];
    if (!cell.is_text()) return;
    cell.glyph = (cell.glyph & ~GridCell::kNumber) | text_at[cell.number()];
  });
  most_looks_ = 2 * looks_.size() + kFewUnused;
  most_texts_ = 2 * texts_.size() + kFewUnused;
  return cells;
}

}  // namespace deptyr
