#include "lib/term/plain_text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"

#include "lib/term/cell.h"

namespace deptyr {
namespace {

// Each byte may wrap, and the rows that have left the screen are kept so long.
constexpr size_t kMostAtOnce = 512;

WindowSize OneRow(int cols) {
  return {1, static_cast<uint16_t>(std::clamp(cols, 20, 1000))};
}

// Whether the cursor goes to another line, or this one to another place.
bool LeavesLine(SequenceParser::Event event, const SequenceParser& sequence) {
  const char final = sequence.final();
  if (event == SequenceParser::Event::kEscape) {
    return sequence.intermediate() == '#' ||
           (sequence.intermediate() == 0 && absl::StrContains("78DEMc", final));
  }
  if (event != SequenceParser::Event::kCsi || sequence.intermediate() != 0) {
    return false;
  }
  if (sequence.prefix() == '?') {
    constexpr int kScreens[] = {6, 47, 69, 1047, 1048, 1049};
    const int mode = Parameters(sequence.body()).At(0);
    return (final == 'h' || final == 'l') &&
           std::find(std::begin(kScreens), std::end(kScreens), mode) !=
               std::end(kScreens);
  }
  if (sequence.prefix() != 0) return false;
  const bool clears = final == 'J' && sequence.body() == "2";
  return clears || absl::StrContains("ABEFHLMSTdefkrsu", final);
}

}  // namespace

PlainText::PlainText(int cols)
    : screen_(OneRow(cols), /*scrollback=*/2 * kMostAtOnce) {
  screen_.Write("\x1b[20h");  // LF begins a line, whatever is before it
}

void PlainText::SetCols(int cols) {
  if (cols > 0) screen_.Resize(OneRow(cols));
}

std::string PlainText::Feed(absl::string_view bytes) {
  std::string out;
  size_t begin = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (parser_.ground() && bytes[i] != '\x1b') {
      i = std::min(bytes.find('\x1b', i), bytes.size()) - 1;
      continue;
    }
    // The bytes before a sequence that leaves the line are written, the
    // sequence isn't.
    if (parser_.ground()) {
      Take(bytes.substr(begin, i - begin), out);
      begin = i;
    }
    const SequenceParser::Event event = parser_.Take(bytes[i]);
    if (!LeavesLine(event, parser_)) continue;
    screen_.Write("\x18");  // ends what of it came before
    LeaveLine(out);
    begin = i + 1;
  }
  Take(bytes.substr(begin), out);
  return out;
}

void PlainText::Take(absl::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, kMostAtOnce);
    screen_.Write(part);
    bytes.remove_prefix(part.size());
    Collect(out);
  }
}

void PlainText::LeaveLine(std::string& out) {
  if (!row().empty()) Take("\r\n", out);
}

// Takes the rows that have left the screen.
void PlainText::Collect(std::string& out) {
  if (screen_.history() == 0) return;
  for (int row = -screen_.history(); row < 0; ++row) {
    out += TextOf(row);
    if (!screen_.ReadRow(false, row).wraps) out += '\n';
  }
  screen_.ForgetHistory();
}

std::string PlainText::TextOf(int row) const {
  std::string text;
  size_t used = 0;
  for (const Cell& cell : screen_.ReadRow(false, row).cells) {
    cell.AppendTo(text);
    if (!cell.erased()) used = text.size();
  }
  text.resize(used);
  return text;
}

std::string PlainText::Flush() {
  std::string out;
  // A character that isn't whole is none.
  Take(absl::string_view("\0", 1), out);
  out += row();
  Take("\r\x1b[K", out);
  return out;
}

}  // namespace deptyr
