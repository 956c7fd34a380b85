#include "cmd/options.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "lib/base/nearest.h"
#include "lib/wire/session_name.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

// "text, ansi or json".
std::string Listed(std::vector<absl::string_view> names) {
  const absl::string_view last = names.back();
  names.pop_back();
  return absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

}  // namespace

absl::Status CheckChoice(absl::string_view text,
                         const std::vector<absl::string_view>& choices) {
  if (absl::c_linear_search(choices, text)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("unknown value: ", text, "; say ", Listed(choices)));
}

void Options::Do(absl::string_view name, absl::string_view placeholder,
                 absl::string_view help, Setter set,
                 const OptionValues& values) {
  char letter = '\0';
  if (name.size() > 2 && name[1] == ',') {
    letter = name[0];
    name.remove_prefix(2);
  }
  options_.push_back({letter, std::string(name), std::string(placeholder),
                      std::string(help), std::move(set), values});
}

void Options::Flag(absl::string_view name, bool* flag, absl::string_view help) {
  Do(name, "", help, [flag](absl::string_view) {
    *flag = true;
    return absl::OkStatus();
  });
}

void Options::Value(absl::string_view name, absl::string_view placeholder,
                    std::string* value, absl::string_view help,
                    const OptionValues& values) {
  const auto set = [value](absl::string_view text) {
    *value = std::string(text);
    return absl::OkStatus();
  };
  Do(name, placeholder, help, set, values);
}

absl::Status Options::Wrong(absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; see deptyr ", command_, " --help"));
}

absl::StatusOr<std::vector<std::string>> Options::Parse(int argc, char** argv) {
  const Words words(argv + 1, static_cast<size_t>(argc - 1));
  auto operands = TakeWords(words);
  // It may stand after what is wrong.
  const bool takes_json = absl::c_any_of(
      options_, [](const Option& option) { return option.name == "json"; });
  if (help_wanted_ || (!operands.ok() && takes_json)) {
    json_ = absl::c_linear_search(words, absl::string_view("--json"));
  }
  return operands;
}

absl::StatusOr<std::vector<std::string>> Options::TakeWords(Words words) {
  std::vector<std::string> operands;
  while (!words.empty()) {
    const absl::string_view word = words.front();
    const bool is_operand = word.size() < 2 || word[0] != '-';
    if (is_operand && operands.size() == allowed_after_) break;
    words.remove_prefix(1);
    if (word == "--") {
      before_dashes_ = operands.size();
      break;
    }
    if (word == "--help" || word == "-h") {
      help_wanted_ = true;
      return std::vector<std::string>();
    }
    if (is_operand) {
      operands.emplace_back(word);
      operands_so_far_ = operands.size();
    } else {
      RETURN_IF_ERROR(word[1] == '-' ? TakeName(word, words)
                                     : TakeLetters(word, words));
    }
  }
  operands.insert(operands.end(), words.begin(), words.end());
  operands_so_far_ = operands.size();
  return operands;
}

absl::Status Options::TakeName(absl::string_view word, Words& following) {
  const size_t equals = word.find('=');
  const std::string spelled(word.substr(0, equals));
  std::optional<absl::string_view> value;
  if (equals != absl::string_view::npos) value = word.substr(equals + 1);
  for (Option& option : options_) {
    if (spelled.substr(2) != option.name) continue;
    return Set(option, spelled, value, following);
  }
  std::vector<absl::string_view> known;
  for (const Option& option : options_) known.emplace_back(option.name);
  const std::string nearest = Nearest(spelled.substr(2), known);
  return Wrong(absl::StrCat(
      "unknown option ", spelled,
      nearest.empty() ? "" : absl::StrCat(" (did you mean --", nearest, "?)")));
}

absl::Status Options::TakeLetters(absl::string_view word, Words& following) {
  for (size_t i = 1; i < word.size(); ++i) {
    const std::string spelled = {'-', word[i]};
    const auto option =
        std::find_if(options_.begin(), options_.end(),
                     [&](const Option& o) { return o.letter == word[i]; });
    if (option == options_.end()) {
      return Wrong(absl::StrCat("unknown option ", i == 1 ? word : spelled));
    }
    const bool is_last = !option->placeholder.empty();
    std::optional<absl::string_view> value;
    if (is_last && i + 1 < word.size()) value = word.substr(i + 1);
    RETURN_IF_ERROR(Set(*option, spelled, value, following));
    if (is_last) break;
  }
  return absl::OkStatus();
}

absl::Status Options::Set(Option& option, const std::string& spelled,
                          std::optional<absl::string_view> value,
                          Words& following) {
  const bool is_flag = option.placeholder.empty();
  if (is_flag && value) return Wrong(absl::StrCat(spelled, " takes no value"));
  if (!is_flag && !value) {
    if (following.empty()) {
      return Wrong(
          absl::StrCat(spelled, " needs a value, ", option.placeholder));
    }
    value = following.front();
    following.remove_prefix(1);
  }
  const absl::Status set = option.set(value.value_or(""));
  return set.ok() ? set : Wrong(absl::StrCat(spelled, ": ", set.message()));
}

std::string Options::Help() const {
  std::string text = absl::StrCat("usage: deptyr ", command_, " ", synopsis_,
                                  "\n", summary_, "\n\n");
  const auto add = [&text](absl::string_view spelled, absl::string_view help) {
    absl::StrAppendFormat(&text, "  %-24s %s\n", spelled, help);
  };
  for (const Option& option : options_) {
    const std::string letter =
        option.letter == '\0' ? "" : absl::StrFormat("-%c, ", option.letter);
    const absl::string_view space = option.placeholder.empty() ? "" : " ";
    add(absl::StrCat(letter, "--", option.name, space, option.placeholder),
        TextOf(option));
  }
  add("--help", "print this help and exit");
  return text;
}

std::string Options::TextOf(const Option& option) {
  const auto& [usual, choices, repeatable] = option.values;
  std::string text = option.help;
  if (!choices.empty()) absl::StrAppend(&text, ": ", Listed(choices));
  if (!usual.empty()) absl::StrAppend(&text, " (", usual, ")");
  if (repeatable) text += "; repeatable";
  return text;
}

std::string Options::HelpJson() const {
  nlohmann::ordered_json help = {
      {"name", command_},
      {"usage", absl::StrCat("deptyr ", command_, " ", synopsis_)},
      {"summary", absl::StrReplaceAll(summary_, {{"\n", " "}})},
      {"options", nlohmann::ordered_json::array()}};
  for (const Option& option : options_) {
    nlohmann::ordered_json& about = help["options"].emplace_back();
    about["name"] = absl::StrCat("--", option.name);
    if (option.letter != '\0') {
      about["letter"] = std::string({'-', option.letter});
    }
    if (!option.placeholder.empty()) about["value"] = option.placeholder;
    const auto& [usual, choices, repeatable] = option.values;
    for (const absl::string_view choice : choices) {
      about["choices"].push_back(std::string(choice));
    }
    if (!usual.empty()) about["default"] = usual;
    if (repeatable) about["repeatable"] = true;
    about["help"] = option.help;
  }
  return help.dump();
}

absl::StatusOr<WindowSize> ParseSize(absl::string_view text) {
  const size_t x = text.find('x');
  int rows = 0;
  int cols = 0;
  if (x != absl::string_view::npos &&
      absl::SimpleAtoi(text.substr(0, x), &rows) &&
      absl::SimpleAtoi(text.substr(x + 1), &cols) && rows > 0 && cols > 0 &&
      rows <= UINT16_MAX && cols <= UINT16_MAX) {
    return WindowSize{static_cast<uint16_t>(rows), static_cast<uint16_t>(cols)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a size: ", text, "; say ROWSxCOLS, as in 24x80"));
}

absl::StatusOr<std::string> ParseSessionName(absl::string_view text) {
  if (IsSessionName(text)) return std::string(text);
  return absl::InvalidArgumentError(
      absl::StrCat("not a session name: ", text,
                   "; say 1 to 64 letters, digits and _.@:+-, not with a dot "
                   "or dash first"));
}

absl::StatusOr<absl::Duration> ParseSeconds(absl::string_view text) {
  double seconds = 0;
  absl::Duration duration;
  const bool is_number = absl::SimpleAtod(text, &seconds);
  if (is_number) duration = absl::Seconds(seconds);
  if ((is_number || absl::ParseDuration(text, &duration)) &&
      duration >= absl::ZeroDuration() && duration < absl::Hours(24 * 365)) {
    return duration;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "not a time: ", text, "; say seconds, or a number and its unit: 90, 2m"));
}

absl::StatusOr<absl::Duration> ParseTimeLimit(absl::string_view text) {
  return text == "never" ? absl::InfiniteDuration() : ParseSeconds(text);
}

absl::StatusOr<size_t> ParseCount(absl::string_view text) {
  uint32_t count = 0;
  if (absl::SimpleAtoi(text, &count)) return size_t{count};
  return absl::InvalidArgumentError(absl::StrCat("not a number: ", text));
}

absl::StatusOr<uint64_t> ParseOffset(absl::string_view text) {
  uint64_t offset = 0;
  if (absl::SimpleAtoi(text, &offset)) return offset;
  return absl::InvalidArgumentError(
      absl::StrCat("not an offset: ", text,
                   "; deptyr status tells those that head remembers"));
}

absl::StatusOr<size_t> ParseBytes(absl::string_view text) {
  absl::string_view digits = text;
  size_t unit = 1;
  if (absl::ConsumeSuffix(&digits, "K")) unit = size_t{1} << 10;
  if (unit == 1 && absl::ConsumeSuffix(&digits, "M")) unit = size_t{1} << 20;
  if (unit == 1 && absl::ConsumeSuffix(&digits, "G")) unit = size_t{1} << 30;
  uint32_t number = 0;
  constexpr size_t kMost = size_t{1} << 32;
  if (absl::SimpleAtoi(digits, &number) && number <= kMost / unit) {
    return number * unit;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "not a number of bytes up to 4G: ", text, "; say 65536, 64K or 1M"));
}

absl::StatusOr<mode_t> ParseMode(absl::string_view text) {
  mode_t mode = 0;
  constexpr mode_t kMost = 0777;
  bool octal = !text.empty() && text.size() <= 4;
  for (const char digit : text) {
    octal = octal && digit >= '0' && digit <= '7';
    mode = mode * 8 + static_cast<mode_t>(digit - '0');
  }
  if (octal && mode <= kMost) return mode;
  return absl::InvalidArgumentError(
      absl::StrCat("not a mode: ", text, "; say octal, as in 0660"));
}

absl::StatusOr<int> ParseFd(absl::string_view text) {
  int fd = 0;
  if (absl::SimpleAtoi(text, &fd) && fd >= 0) return fd;
  return absl::InvalidArgumentError(
      absl::StrCat("not a descriptor number: ", text));
}

}  // namespace deptyr
