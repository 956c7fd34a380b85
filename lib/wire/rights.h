// The rights that somebody has in a session, spelt like "see,type".  Pure.
//
//   ASSIGN_OR_RETURN(const Rights rights, ParseRights("type"));
//   rights.Has(Right::kSee);   // true: nobody has to type blindly
#pragma once

#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

enum class Right : unsigned {
  kSee = 1,
  kType = 2,
  kResize = 4,
  kSignal = 8,
  kAdminister = 16,  // make others leave, report how a program ended
};

class Rights {
 public:
  constexpr Rights() = default;  // none
  constexpr Rights(std::initializer_list<Right> rights) {
    for (const Right right : rights) bits_ |= static_cast<unsigned>(right);
  }
  static constexpr Rights All() {
    return {Right::kSee, Right::kType, Right::kResize, Right::kSignal,
            Right::kAdminister};
  }

  constexpr bool Has(Right right) const {
    return (bits_ & static_cast<unsigned>(right)) != 0;
  }
  constexpr Rights operator|(Rights other) const {
    return Rights(bits_ | other.bits_);
  }
  constexpr Rights operator&(Rights other) const {
    return Rights(bits_ & other.bits_);
  }
  constexpr bool operator==(const Rights&) const = default;

 private:
  explicit constexpr Rights(unsigned bits) : bits_(bits) {}
  unsigned bits_ = 0;
};

// "see,type,resize,signal,administer"; "none", as "" stands for a peer that
// doesn't say.
std::string Spell(Rights rights);
// Reads what a person wrote: a list of those words, or "all".  The rights to
// type, resize and signal include the right to see.
absl::StatusOr<Rights> ParseRights(absl::string_view text);
// Reads what another deptyr wrote; words that this one doesn't know are
// skipped.
Rights KnownRights(absl::string_view text);

}  // namespace deptyr
