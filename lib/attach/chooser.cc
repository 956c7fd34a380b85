#include "lib/attach/chooser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace deptyr {
namespace {

constexpr size_t kDigits = 9;

// A key that moves by this many lines, in all its spellings.
struct Move {
  absl::string_view key;
  int by;
};
constexpr Move kMoves[] = {{"\x1b[A", -1}, {"\x1bOA", -1}, {"\x10", -1},
                           {"\x1b[B", 1},  {"\x1bOB", 1},  {"\x0e", 1},
                           {"\t", 1}};

// Sequences of other keys do nothing; they end in a letter or a tilde.
void DropSequence(absl::string_view& keys) {
  size_t end = 2;
  while (end < keys.size() && (keys[end] < 0x40 || keys[end] > 0x7e)) ++end;
  keys.remove_prefix(std::min(end + 1, keys.size()));
}

}  // namespace

Chooser::Chooser(std::vector<Choice> choices) : choices_(std::move(choices)) {
  Narrow();
}

void Chooser::Narrow() {
  const std::string wanted = absl::AsciiStrToLower(typed_);
  shown_.clear();
  for (size_t i = 0; i < choices_.size(); ++i) {
    const Choice& choice = choices_[i];
    const std::string text = absl::StrCat(choice.name, " ", choice.about);
    if (absl::StrContains(absl::AsciiStrToLower(text), wanted)) {
      shown_.push_back(i);
    }
  }
  at_ = 0;
}

void Chooser::Move(int by) {
  if (shown_.empty()) return;
  at_ = (at_ + shown_.size() + static_cast<size_t>(by)) % shown_.size();
}

const std::string& Chooser::chosen() const {
  return choices_[shown_[at_]].name;
}

Chooser::State Chooser::Take(absl::string_view keys) {
  while (!keys.empty()) {
    const auto* const move = std::find_if(
        std::begin(kMoves), std::end(kMoves),
        [&](const auto& m) { return absl::StartsWith(keys, m.key); });
    if (move != std::end(kMoves)) {
      Move(move->by);
      keys.remove_prefix(move->key.size());
      continue;
    }
    const char key = keys[0];
    if (key == '\x1b') {
      if (keys.size() == 1) return State::kCancelled;
      DropSequence(keys);
      continue;
    }
    keys.remove_prefix(1);
    if (key == '\x03' || key == '\x04') return State::kCancelled;
    if (key == '\r' || key == '\n') {
      if (!shown_.empty()) return State::kChosen;
    } else if (key == '\x7f' || key == '\b') {
      if (!typed_.empty()) typed_.pop_back();
      Narrow();
    } else if (typed_.empty() && key >= '1' && key <= '9') {
      const auto line = static_cast<size_t>(key - '1');
      if (line >= shown_.size()) continue;
      at_ = line;
      return State::kChosen;
    } else if (absl::ascii_isgraph(static_cast<unsigned char>(key))) {
      typed_ += key;
      Narrow();
    }
  }
  return State::kOpen;
}

std::string Chooser::Draw(WindowSize size) const {
  const size_t width = std::max<size_t>(size.cols, 2) - 1;
  const size_t room = std::max<size_t>(size.rows, 3) - 2;
  std::vector<std::string> lines = {
      typed_.empty() ? "Which session? Arrows and Enter, a digit, or letters "
                       "of its name; Escape leaves."
                     : absl::StrCat("Which session? ", typed_)};
  // The lines around the chosen one.
  const size_t first = at_ < room ? 0 : at_ - room + 1;
  size_t widest = 0;
  for (const size_t i : shown_) {
    widest = std::max(widest, choices_[i].name.size());
  }
  for (size_t i = first; i < shown_.size() && i - first < room; ++i) {
    const Choice& choice = choices_[shown_[i]];
    const std::string digit =
        typed_.empty() && i < kDigits ? absl::StrCat(i + 1) : " ";
    lines.push_back(absl::StrCat(
        digit, "  ", choice.name,
        std::string(widest + 2 - choice.name.size(), ' '), choice.about));
  }
  std::string drawn(kErase);
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool marked = i > 0 && first + i - 1 == at_;
    absl::StrAppend(&drawn, i == 0 ? "" : "\r\n", marked ? "\x1b[7m" : "",
                    lines[i].substr(0, width), marked ? "\x1b[m" : "");
  }
  absl::StrAppend(&drawn, "\r");
  if (lines.size() > 1) {
    absl::StrAppend(&drawn, "\x1b[", lines.size() - 1, "A");
  }
  return drawn;
}

}  // namespace deptyr
