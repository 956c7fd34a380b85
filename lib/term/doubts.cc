#include "lib/term/doubts.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace deptyr {
namespace {

// No program sets more; one that does leaves doubts for ever.
constexpr size_t kMostKinds = 64;

constexpr absl::string_view kAbsolute = "Hf";
constexpr absl::string_view kEdits = "@JKLMPX";
constexpr absl::string_view kHarmless = "mABCDEFGI`abdejkgnctuSTq";

}  // namespace

Doubts::Rows Doubts::Take(SequenceParser::Event event,
                          const SequenceParser& parser) {
  const char final = parser.final();
  const bool plain = parser.prefix() == 0 && parser.intermediate() == 0;
  if (event == SequenceParser::Event::kString) return Rows::kNone;
  if (event == SequenceParser::Event::kControl && final != '\x0e' &&
      final != '\x0f') {
    if (final == '\r') col_ = false;
    return Rows::kNone;
  }
  // XTPUSHSGR and XTPOPSGR: the screen knows what they do.
  if (event == SequenceParser::Event::kCsi && parser.intermediate() == '#' &&
      absl::StrContains("{}pq", final)) {
    return Rows::kNone;
  }
  if (event == SequenceParser::Event::kCsi && plain) {
    const Parameters parameters(parser.body());
    const bool absolute = absl::StrContains(kAbsolute, final);
    if (absolute || final == 'd') row_ = false;
    if (absolute || final == 'G' || final == '`') col_ = false;
    if (final == 'm' && parameters.At(0) == 0) pen_ = false;
    if (absl::StrContains(kEdits, final)) {
      if (final == 'J' && parameters.At(0) >= 2) return Rows::kNone;
      if (row_) return Rows::kAll;
      const bool by_column = final != 'L' && final != 'M';
      return col_ && by_column ? Rows::kCursors : Rows::kNone;
    }
    if (absolute || absl::StrContains(kHarmless, final)) return Rows::kNone;
  }
  return IsNewKind(event, parser) ? Rows::kAll : Rows::kNone;
}

// Each kind of mode, set for the first time, makes a guess of what was before.
bool Doubts::IsNewKind(SequenceParser::Event event,
                       const SequenceParser& parser) {
  if (knows_modes_) return false;
  const char final = parser.final() == 'l' ? 'h' : parser.final();
  uint32_t kind = static_cast<uint32_t>(event);
  for (const char c : {parser.prefix(), parser.intermediate(), final}) {
    kind = kind << 8 | static_cast<uint8_t>(c);
  }
  if (std::find(set_.begin(), set_.end(), kind) != set_.end()) return false;
  if (set_.size() == kMostKinds) return true;
  set_.push_back(kind);
  return true;
}

}  // namespace deptyr
