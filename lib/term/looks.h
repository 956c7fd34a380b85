// Tables of what many cells of a screen have in common, so that a cell names it
// by a number.
//
//   Looks looks;
//   const uint32_t number = looks.Intern({.style = {.bold = true}});
//   const Style& style = looks[number].style;
//
// Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

#include "lib/term/style.h"

namespace deptyr {

// How a cell looks and what belongs to it beside its character.
struct Look {
  Style style = {};
  bool is_guarded = false;  // DECSCA
  uint16_t link = 0;        // a number in a table of links, or 0

  bool operator==(const Look& other) const {
    return std::memcmp(this, &other, sizeof other) == 0;
  }
};
static_assert(std::has_unique_object_representations_v<Look>);

inline uint64_t HashOf(const Look& look) {
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::array<uint64_t, 3> words;
  static_assert(sizeof words == sizeof look);
  std::memcpy(words.data(), &look, sizeof look);
  const uint64_t mixed =
      ((words[0] * kFactor ^ words[1]) * kFactor ^ words[2]) * kFactor;
  return mixed ^ mixed >> 32;
}
inline uint64_t HashOf(const std::string& text) {
  return absl::Hash<std::string>()(text);
}

// Different values, each of which has a number.  The first one is the usual
// one, Value{}, and has the number 0.
template <typename Value>
class Interned {
 public:
  Interned() { Clear(); }
  Interned(Interned&& from) noexcept : Interned() { *this = std::move(from); }
  Interned& operator=(Interned&& from) noexcept {
    values_ = std::move(from.values_);
    from.Clear();
    Index();
    return *this;
  }

  uint32_t Intern(const Value& value) {
    // Most are among the last that were asked for.
    uint32_t& recent = recent_[HashOf(value) % recent_.size()];
    if (values_[recent] == value) return recent;
    const auto it = numbers_.find(value);
    if (it != numbers_.end()) return recent = *it;
    values_.push_back(value);
    recent = static_cast<uint32_t>(values_.size() - 1);
    numbers_.insert(recent);
    return recent;
  }
  const Value& operator[](uint32_t number) const { return values_[number]; }
  size_t size() const { return values_.size(); }

  // Forgets the values that aren't `used`, and returns the new number of each.
  std::vector<uint32_t> Keep(const std::vector<bool>& used) {
    std::vector<uint32_t> moved(values_.size());
    size_t kept = 0;
    for (size_t i = 0; i < values_.size(); ++i) {
      if (i != 0 && !used[i]) continue;
      moved[i] = static_cast<uint32_t>(kept);
      if (kept != i) values_[kept] = std::move(values_[i]);
      ++kept;
    }
    values_.resize(kept);
    Index();
    return moved;
  }

 private:
  // A number is found by its value, which is in the table only once.
  struct Hash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming)
    size_t operator()(const Value& value) const { return HashOf(value); }
    size_t operator()(uint32_t number) const {
      return (*this)((*from)[number]);
    }
    const std::vector<Value>* from;
  };
  struct Equal {
    using is_transparent = void;  // NOLINT(readability-identifier-naming)
    const Value& Of(const Value& value) const { return value; }
    const Value& Of(uint32_t number) const { return (*from)[number]; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Of(a) == Of(b);
    }
    const std::vector<Value>* from;
  };
  using Numbers = absl::flat_hash_set<uint32_t, Hash, Equal>;

  void Clear() {
    values_.assign(1, Value{});
    Index();
  }
  void Index() {
    recent_ = {};
    numbers_ = Numbers(0, Hash{&values_}, Equal{&values_});
    numbers_.reserve(values_.size());
    for (uint32_t i = 0; i < values_.size(); ++i) numbers_.insert(i);
  }

  std::vector<Value> values_;
  std::array<uint32_t, 64> recent_ = {};
  Numbers numbers_;
};

using Looks = Interned<Look>;
using Texts = Interned<std::string>;

}  // namespace deptyr
