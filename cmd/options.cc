#include "cmd/options.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace deptyr {

Options::Options(std::string command, std::string synopsis, std::string summary)
    : command_(std::move(command)),
      synopsis_(std::move(synopsis)),
      summary_(std::move(summary)) {}

void Options::Add(std::string name, std::string placeholder, std::string help,
                  absl::AnyInvocable<absl::Status(absl::string_view)> set) {
  options_.push_back({std::move(name), std::move(placeholder), std::move(help),
                      std::move(set)});
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
  int at = 1;
  for (; at < argc; ++at) {
    absl::string_view word = argv[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word.size() < 2 || word[0] != '-') break;
    if (word == "--help" || word == "-h") {
      help_wanted_ = true;
      return std::vector<std::string>();
    }
    if (!absl::ConsumePrefix(&word, "--")) {
      return Wrong(absl::StrCat("unknown option ", word));
    }
    const size_t equals = word.find('=');
    const absl::string_view name = word.substr(0, equals);
    const auto option =
        std::find_if(options_.begin(), options_.end(),
                     [&](const Option& o) { return o.name == name; });
    if (option == options_.end()) {
      return Wrong(absl::StrCat("unknown option --", name));
    }
    absl::string_view value;
    const bool has_value = equals != absl::string_view::npos;
    if (option->placeholder.empty() && has_value) {
      return Wrong(absl::StrCat("--", name, " takes no value"));
    }
    if (!option->placeholder.empty()) {
      if (!has_value && at + 1 == argc) {
        return Wrong(
            absl::StrCat("--", name, " needs a value, ", option->placeholder));
      }
      value = has_value ? word.substr(equals + 1) : argv[++at];
    }
    if (absl::Status set = option->set(value); !set.ok()) {
      return Wrong(absl::StrCat("--", name, ": ", set.message()));
    }
  }
  std::vector<std::string> operands(argv + at, argv + argc);
  return operands;
}

std::string Options::Help() const {
  std::string text = absl::StrCat("usage: deptyr ", command_, " ", synopsis_,
                                  "\n", summary_, "\n\n");
  for (const Option& option : options_) {
    const std::string left =
        absl::StrCat("--", option.name, option.placeholder.empty() ? "" : " ",
                     option.placeholder);
    absl::StrAppend(&text, absl::StrFormat("  %-24s %s\n", left, option.help));
  }
  absl::StrAppend(&text, absl::StrFormat("  %-24s %s\n", "--help",
                                         "print this, and do nothing else"));
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
      absl::StrCat("not a descriptor's number: ", text));
}

}  // namespace deptyr
