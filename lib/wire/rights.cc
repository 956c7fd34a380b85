#include "lib/wire/rights.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace deptyr {
namespace {

constexpr std::pair<Right, absl::string_view> kNames[] = {
    {Right::kSee, "see"},
    {Right::kType, "type"},
    {Right::kResize, "resize"},
    {Right::kSignal, "signal"},
    {Right::kAdminister, "administer"},
};

// None if there is no such right.
Rights RightNamed(absl::string_view word) {
  for (const auto& [right, name] : kNames) {
    if (name == word) return {right};
  }
  return {};
}

}  // namespace

std::string Spell(Rights rights) {
  std::vector<absl::string_view> words;
  for (const auto& [right, name] : kNames) {
    if (rights.Has(right)) words.push_back(name);
  }
  return words.empty() ? "none" : absl::StrJoin(words, ",");
}

absl::StatusOr<Rights> ParseRights(absl::string_view text) {
  if (text == "all") return Rights::All();
  Rights rights;
  // A null view would be split into no words at all, and an empty list is
  // wrong.
  if (text.empty()) text = "";
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    const Rights right = RightNamed(word);
    if (right == Rights()) {
      return absl::InvalidArgumentError(
          absl::StrCat("no such right: \"", word,
                       "\"; say see, type, resize, signal, administer, with "
                       "commas between, or all"));
    }
    rights = rights | right;
    if (!right.Has(Right::kAdminister)) rights = rights | Rights{Right::kSee};
  }
  return rights;
}

Rights KnownRights(absl::string_view text) {
  Rights rights;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    rights = rights | RightNamed(word);
  }
  return rights;
}

}  // namespace deptyr
