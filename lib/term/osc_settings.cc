#include "lib/term/osc_settings.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/base/utf8.h"

namespace deptyr {
namespace {

// The first `most` bytes of valid UTF-8, without controls.
std::string Printable(absl::string_view text, size_t most) {
  std::string out;
  Utf8Decoder decoder;
  for (const char c : text) {
    if (decoder.Take(c) != Utf8Decoder::Result::kCharacter) continue;
    std::string character;
    if (!IsC1(decoder.character())) AppendUtf8(decoder.character(), character);
    if (out.size() + character.size() > most) break;
    out += character;
  }
  return out;
}

bool HasColor(int command) {
  return command == 4 || command == 5 || (command >= 10 && command <= 19);
}

}  // namespace

// XTPUSHTITLE and XTPOPTITLE.
void OscSettings::StackTitle(const Parameters& parameters) {
  const bool icon = parameters.At(1) != 2;
  const bool title = parameters.At(1) != 1;
  if (parameters.At(0) == 22) {
    if (stack_.size() == kMostTitles) stack_.erase(stack_.begin());
    stack_.push_back(titles_);
  } else if (parameters.At(0) == 23 && !stack_.empty()) {
    if (icon) titles_.icon = stack_.back().icon;
    if (title) titles_.title = stack_.back().title;
    stack_.pop_back();
  }
}

void OscSettings::Take(absl::string_view body) {
  const size_t end = body.find(';');
  int command = 0;
  if (!absl::SimpleAtoi(body.substr(0, end), &command)) return;
  body = end == absl::string_view::npos ? "" : body.substr(end + 1);
  const bool has_text = end != absl::string_view::npos;
  switch (command) {
    case 0:
    case 1:
    case 2:
      if (!has_text) break;
      if (command != 2) titles_.icon = Printable(body, kLongestTitle);
      if (command != 1) titles_.title = Printable(body, kLongestTitle);
      break;
    case 7:
      folder_ =
          body.size() > kLongestFolder ? "" : Printable(body, body.size());
      break;
    case 8:  // PARAMETERS ; URI
      link_open_ = body.find(';') + 1 < body.size();
      break;
    case 9:
      if (absl::StartsWith(body, "4;")) {
        progress_ = Printable(body, kLongestWord);
        if (absl::StartsWith(progress_, "4;0")) progress_.clear();
      }
      break;
    case 22:
      pointer_ = Printable(body, kLongestWord);
      break;
    default:
      if (HasColor(command)) SetColors(command, body);
      if (HasColor(command - 100)) ResetColors(command - 100, body);
      break;
  }
}

// OSC 4 and 5 have pairs of a number and a colour.  OSC 10 has a colour, and
// others for the commands that follow.  A "?" asks.
void OscSettings::SetColors(int command, absl::string_view body) {
  const std::vector<absl::string_view> words = absl::StrSplit(body, ';');
  for (size_t i = 0; i < words.size(); ++i, ++command) {
    std::string key = absl::StrCat(command, ";");
    if (command <= 5) {
      int index = 0;
      if (!absl::SimpleAtoi(words[i++], &index) || index < 0 || index > 255 ||
          i == words.size()) {
        return;
      }
      absl::StrAppend(&key, index, ";");
      --command;
    } else if (!HasColor(command)) {
      return;
    }
    const std::string color = Printable(words[i], kLongestColor);
    if (color != "?" && !color.empty()) colors_[key] = color;
  }
}

void OscSettings::ResetColors(int command, absl::string_view body) {
  for (const absl::string_view word : absl::StrSplit(body, ';')) {
    const std::string start = absl::StrCat(command, ";", word);
    std::erase_if(colors_, [&](const auto& color) {
      return body.empty() ? absl::StartsWith(color.first, start)
                          : color.first == start + ";";
    });
  }
}

std::string OscSettings::TitleSequences() const {
  std::string out;
  Titles shown;
  const auto show = [&](const Titles& titles) {
    if (titles.icon != shown.icon && titles.icon == titles.title) {
      absl::StrAppend(&out, "\x1b]0;", titles.icon, "\x07");
    } else {
      if (titles.icon != shown.icon) {
        absl::StrAppend(&out, "\x1b]1;", titles.icon, "\x07");
      }
      if (titles.title != shown.title) {
        absl::StrAppend(&out, "\x1b]2;", titles.title, "\x07");
      }
    }
    shown = titles;
  };
  for (const Titles& titles : stack_) {
    show(titles);
    out += "\x1b[22;0t";
  }
  show(titles_);
  return out;
}

std::string OscSettings::Sequences() const {
  std::string out = TitleSequences();
  if (!folder_.empty()) absl::StrAppend(&out, "\x1b]7;", folder_, "\x07");
  for (const auto& [start, color] : colors_) {
    absl::StrAppend(&out, "\x1b]", start, color, "\x07");
  }
  if (!progress_.empty()) absl::StrAppend(&out, "\x1b]9;", progress_, "\x07");
  if (!pointer_.empty()) absl::StrAppend(&out, "\x1b]22;", pointer_, "\x07");
  return out;
}

// `start` is a key of colors_: OSC 4 is reset by OSC 104, and 10 by 110.
std::string OscSettings::ResetColor(absl::string_view start) {
  return absl::StrCat("\x1b]1", start.size() == 3 ? "" : "0",
                      start.substr(0, start.size() - 1), "\x07");
}

std::string OscSettings::ChangeFrom(const OscSettings& before) const {
  std::string out;
  if (titles_.icon != before.titles_.icon) {
    absl::StrAppend(&out, "\x1b]1;", titles_.icon, "\x07");
  }
  if (titles_.title != before.titles_.title) {
    absl::StrAppend(&out, "\x1b]2;", titles_.title, "\x07");
  }
  if (folder_ != before.folder_) {
    absl::StrAppend(&out, "\x1b]7;", folder_, "\x07");
  }
  for (const auto& [start, color] : before.colors_) {
    if (!colors_.contains(start)) out += ResetColor(start);
  }
  for (const auto& [start, color] : colors_) {
    const auto was = before.colors_.find(start);
    if (was != before.colors_.end() && was->second == color) continue;
    absl::StrAppend(&out, "\x1b]", start, color, "\x07");
  }
  if (progress_ != before.progress_) {
    absl::StrAppend(&out, "\x1b]9;", progress_.empty() ? "4;0" : progress_,
                    "\x07");
  }
  if (pointer_ != before.pointer_) {
    absl::StrAppend(&out, "\x1b]22;", pointer_, "\x07");
  }
  return out;
}

std::string OscSettings::Undo() const {
  std::string out;
  if (link_open_) out += "\x1b]8;;\x1b\\";
  if (!progress_.empty()) out += "\x1b]9;4;0\x07";
  if (!pointer_.empty()) out += "\x1b]22;\x07";
  for (const auto& [start, color] : colors_) out += ResetColor(start);
  if (!folder_.empty()) out += "\x1b]7;\x07";
  for (size_t i = 0; i < stack_.size(); ++i) out += "\x1b[23;0t";
  const Titles& titles = stack_.empty() ? titles_ : stack_.front();
  if (!titles.icon.empty()) out += "\x1b]1;\x07";
  if (!titles.title.empty()) out += "\x1b]2;\x07";
  return out;
}

}  // namespace deptyr
