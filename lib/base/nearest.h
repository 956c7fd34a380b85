// Finds the word that somebody meant who typed another.  Pure.
//
//   Nearest("atach", {"attach", "ls"});  // "attach"
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// How many letters have to be put in, left out, replaced, or swapped with the
// next one, to make `b` of `a`.
inline size_t Typos(absl::string_view a, absl::string_view b) {
  // Three rows of the table: distances from the first i - 2, i - 1 and i
  // letters of `a`.
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// Returns the one of `known` that has fewest typos, if they are few, or else
// the only one that begins with `typed`; "" if there is neither.
inline std::string Nearest(absl::string_view typed,
                           const std::vector<absl::string_view>& known) {
  constexpr size_t kLettersForATypo = 3;
  // A word of one or two letters is anything's neighbour.
  size_t least = std::min<size_t>(typed.size() / kLettersForATypo, 2) + 1;
  absl::string_view nearest;
  size_t beginning = 0;
  absl::string_view begins;
  for (const absl::string_view word : known) {
    if (const size_t typos = Typos(typed, word); typos < least) {
      least = typos;
      nearest = word;
    }
    if (!typed.empty() && absl::StartsWith(word, typed)) {
      ++beginning;
      begins = word;
    }
  }
  if (nearest.empty() && beginning == 1) nearest = begins;
  return std::string(nearest);
}

}  // namespace deptyr
