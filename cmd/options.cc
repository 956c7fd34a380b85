#include "cmd/options.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"

namespace deptyr {

Options::Options(std::string command, std::string synopsis, std::string summary)
    : command_(std::move(command)),
      synopsis_(std::move(synopsis)),
      summary_(std::move(summary)) {}

void Options::Add(std::string name, std::string placeholder, std::string help,
                  absl::AnyInvocable<absl::Status(absl::string_view)> set) {
  char letter = '\0';
  if (name.size() > 2 && name[1] == ',') {
    letter = name[0];
    name.erase(0, 2);
  }
  options_.push_back({letter, std::move(name), std::move(placeholder),
                      std::move(help), std::move(set)});
}

void Options::Flag(std::string name, bool* flag, std::string help) {
  Add(std::move(name), "", std::move(help), [flag](absl::string_view) {
    *flag = true;
    return absl::OkStatus();
  });
}

void Options::Value(std::string name, std::string placeholder,
                    std::string* value, std::string help) {
  Add(std::move(name), std::move(placeholder), std::move(help),
      [value](absl::string_view text) {
        *value = std::string(text);
        return absl::OkStatus();
      });
}

absl::Status Options::Wrong(absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; see deptyr ", command_, " --help"));
}

absl::StatusOr<std::vector<std::string>> Options::Parse(int argc, char** argv) {
  std::vector<std::string> operands;
  int at = 1;
  for (; at < argc; ++at) {
    const absl::string_view word = argv[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      if (!anywhere_) break;
      operands.emplace_back(word);
      continue;
    }
    if (word == "--help" || word == "-h") {
      help_wanted_ = true;
      return std::vector<std::string>();
    }
    ASSIGN_OR_RETURN(at, word[1] == '-' ? TakeName(argc, argv, at)
                                        : TakeLetters(argc, argv, at));
  }
  operands.insert(operands.end(), argv + at, argv + argc);
  return operands;
}

absl::StatusOr<int> Options::TakeName(int argc, char** argv, int at) {
  const absl::string_view word = absl::string_view(argv[at]).substr(2);
  const size_t equals = word.find('=');
  const absl::string_view name = word.substr(0, equals);
  const auto option =
      std::find_if(options_.begin(), options_.end(),
                   [&](const Option& o) { return o.name == name; });
  if (option == options_.end()) {
    return Wrong(absl::StrCat("unknown option --", name));
  }
  std::optional<absl::string_view> rest;
  if (equals != absl::string_view::npos) rest = word.substr(equals + 1);
  return TakeValue(*option, absl::StrCat("--", name), rest, argc, argv, at);
}

absl::StatusOr<int> Options::TakeLetters(int argc, char** argv, int at) {
  const absl::string_view word = argv[at];
  for (size_t i = 1; i < word.size(); ++i) {
    const auto option =
        std::find_if(options_.begin(), options_.end(),
                     [&](const Option& o) { return o.letter == word[i]; });
    if (option == options_.end()) {
      return Wrong(absl::StrCat("unknown option ", i == 1 ? word : "-",
                                i == 1 ? "" : word.substr(i, 1)));
    }
    const std::string spelled = absl::StrCat("-", word.substr(i, 1));
    if (!option->placeholder.empty()) {
      std::optional<absl::string_view> rest;
      if (i + 1 < word.size()) rest = word.substr(i + 1);
      return TakeValue(*option, spelled, rest, argc, argv, at);
    }
    auto taken = TakeValue(*option, spelled, std::nullopt, argc, argv, at);
    if (!taken.ok()) return taken;
  }
  return at;
}

absl::StatusOr<int> Options::TakeValue(Option& option,
                                       const std::string& spelled,
                                       std::optional<absl::string_view> rest,
                                       int argc, char** argv, int at) {
  if (option.placeholder.empty() && rest) {
    return Wrong(absl::StrCat(spelled, " takes no value"));
  }
  if (!option.placeholder.empty() && !rest) {
    if (++at == argc) {
      return Wrong(
          absl::StrCat(spelled, " needs a value, ", option.placeholder));
    }
    rest = argv[at];
  }
  if (const absl::Status set = option.set(rest.value_or("")); !set.ok()) {
    return Wrong(absl::StrCat(spelled, ": ", set.message()));
  }
  return at;
}

std::string Options::Listed(std::vector<absl::string_view> names) {
  const absl::string_view last = names.back();
  names.pop_back();
  return absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

std::string Options::Spelled(const Option& option) {
  return absl::StrCat(
      option.letter == '\0'
          ? ""
          : absl::StrCat("-", std::string(1, option.letter), ", "),
      "--", option.name, option.placeholder.empty() ? "" : " ",
      option.placeholder);
}

std::string Options::Help() const {
  std::string text = absl::StrCat("usage: deptyr ", command_, " ", synopsis_,
                                  "\n", summary_, "\n\n");
  for (const Option& option : options_) {
    absl::StrAppend(
        &text, absl::StrFormat("  %-24s %s\n", Spelled(option), option.help));
  }
  absl::StrAppend(&text, absl::StrFormat("  %-24s %s\n", "--help",
                                         "print this help and exit"));
  return text;
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

absl::StatusOr<absl::Duration> ParseSeconds(absl::string_view text) {
  double seconds = 0;
  absl::Duration duration;
  if (absl::SimpleAtod(text, &seconds)) duration = absl::Seconds(seconds);
  if ((absl::SimpleAtod(text, &seconds) ||
       absl::ParseDuration(text, &duration)) &&
      duration >= absl::ZeroDuration() && duration < absl::Hours(24 * 365)) {
    return duration;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "not a time: ", text, "; say seconds, or a number and its unit: 90, 2m"));
}

absl::StatusOr<size_t> ParseCount(absl::string_view text) {
  uint32_t count = 0;
  if (absl::SimpleAtoi(text, &count)) return size_t{count};
  return absl::InvalidArgumentError(absl::StrCat("not a number: ", text));
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
