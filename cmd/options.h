// The options of one subcommand, declared once: the help, for people and for
// programs, follows, and a test compares that with the man page.
//
//   Options options("body", "[OPTION]... [HEAD-SOCKET] -- PROGRAM [ARG]...",
//                   "run PROGRAM on a terminal of its own");
//   options.Value("name", "NAME", &name, "the session's name",
//                 {.usual = "PROGRAM's basename"});
//   options.Flag("replace", &replace, "take the place of a running program");
//   ASSIGN_OR_RETURN(std::vector<std::string> operands,
//                    options.Parse(argc, argv));
//
// Parsing stops at the first operand, so that a program keeps its own options,
// unless AllowAfter() says otherwise; "--" ends the options too.  "--name=X"
// and "--name X" are the same.
//
// An option that is declared as "q,quiet" is also -q.  Letters may be joined,
// and a value may follow its letter at once: -rq, -e^A.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

#include "lib/base/named.h"
#include "lib/base/status.h"
#include "lib/base/window_size.h"

namespace deptyr {

// The help says this about an option's values.
struct OptionValues {
  std::string usual = {};                       // what counts without it
  std::vector<absl::string_view> choices = {};  // empty: there is no list
  bool repeatable = false;                      // each that is given counts
};

// OK if `text` is one of them; otherwise the error says which there are.
absl::Status CheckChoice(absl::string_view text,
                         const std::vector<absl::string_view>& choices);

class Options {
 public:
  using Setter = absl::AnyInvocable<absl::Status(absl::string_view)>;

  Options(std::string command, std::string synopsis, std::string summary)
      : command_(std::move(command)),
        synopsis_(std::move(synopsis)),
        summary_(std::move(summary)) {}

  // Calls `set` with each value.  A flag has no placeholder, and "" as its
  // value.
  void Do(absl::string_view name, absl::string_view placeholder,
          absl::string_view help, Setter set, const OptionValues& values = {});
  void Flag(absl::string_view name, bool* flag, absl::string_view help);
  void Value(absl::string_view name, absl::string_view placeholder,
             std::string* value, absl::string_view help,
             const OptionValues& values = {});
  // Does the same with a parser of the value, such as ParseSize.
  template <typename To, typename Parser>
  void Value(absl::string_view name, absl::string_view placeholder, To* value,
             Parser parse, absl::string_view help,
             const OptionValues& values = {}) {
    const auto set = [=](absl::string_view text) -> absl::Status {
      ASSIGN_OR_RETURN(*value, parse(text));
      return absl::OkStatus();
    };
    Do(name, placeholder, help, set, values);
  }
  // Collects the values of an option that may be given several times.
  template <typename To, typename Parser>
  void Values(absl::string_view name, absl::string_view placeholder,
              std::vector<To>* values, Parser parse, absl::string_view help) {
    const auto set = [=](absl::string_view text) -> absl::Status {
      ASSIGN_OR_RETURN(values->emplace_back(), parse(text));
      return absl::OkStatus();
    };
    Do(name, placeholder, help, set, {.repeatable = true});
  }
  // Takes one of `values.choices`, for a string that may be optional.
  template <typename To>
  void OneOf(absl::string_view name, absl::string_view placeholder, To* value,
             const OptionValues& values, absl::string_view help) {
    const auto parse = [choices = values.choices](
                           absl::string_view text) -> absl::StatusOr<To> {
      RETURN_IF_ERROR(CheckChoice(text, choices));
      return std::string(text);
    };
    Value(name, placeholder, value, parse, help, values);
  }
  // Takes one of the table's names as the value.  The default is what `value`
  // is already.
  template <typename To, size_t kSize>
  void OneOf(absl::string_view name, absl::string_view placeholder, To* value,
             const Named<To> (&table)[kSize], absl::string_view help) {
    const auto parse = [&table](absl::string_view text) -> absl::StatusOr<To> {
      RETURN_IF_ERROR(CheckChoice(text, NamesOf(table)));
      return *ValueNamed(table, text);
    };
    Value(name, placeholder, value, parse, help,
          {.usual = std::string(NameIn(table, *value)),
           .choices = NamesOf(table)});
  }
  // Declares --json: the answer is JSON, and so is an error.
  void Json(absl::string_view help) { Flag("json", &json_, help); }

  // Lets options follow this many operands, too; all of them, for a subcommand
  // that runs no program.
  void AllowAfter(size_t operands) { allowed_after_ = operands; }
  void AllowAnywhere() { AllowAfter(SIZE_MAX); }

  // How many operands have come: for a setter, those before its option.
  size_t operands_so_far() const { return operands_so_far_; }

  // Returns the operands.  InvalidArgument says what is wrong with the command
  // line.
  absl::StatusOr<std::vector<std::string>> Parse(int argc, char** argv);
  // How many of the operands came before "--"; nothing if there was no "--".
  std::optional<size_t> operands_before_dashes() const {
    return before_dashes_;
  }
  // Whether --help was among the options; then print Help(), or HelpJson() if
  // --json followed, and do nothing else.
  bool help_wanted() const { return help_wanted_; }
  // Whether --json was, also where Parse() failed.
  bool json() const { return json_; }
  const std::string& command() const { return command_; }
  const std::string& synopsis() const { return synopsis_; }
  std::string Help() const;
  // An object, on one line; docs/json.md says what is in it.
  std::string HelpJson() const;

 private:
  using Words = absl::Span<char* const>;
  struct Option {
    char letter;  // '\0' for none
    std::string name;
    std::string placeholder;  // "" for a flag
    std::string help;
    Setter set;
    OptionValues values;
  };
  absl::StatusOr<std::vector<std::string>> TakeWords(Words words);
  // These take an option's word, and, if they need it as a value, the first one
  // of those that follow.
  absl::Status TakeName(absl::string_view word, Words& following);
  absl::Status TakeLetters(absl::string_view word, Words& following);
  absl::Status Set(Option& option, const std::string& spelled,
                   std::optional<absl::string_view> value, Words& following);
  static std::string TextOf(const Option& option);
  absl::Status Wrong(absl::string_view what) const;

  const std::string command_;
  const std::string synopsis_;
  const std::string summary_;
  std::vector<Option> options_;
  size_t allowed_after_ = 0;
  std::optional<size_t> before_dashes_;
  size_t operands_so_far_ = 0;
  bool help_wanted_ = false;
  bool json_ = false;
};

// "24x80", rows first.
absl::StatusOr<WindowSize> ParseSize(absl::string_view text);
absl::StatusOr<std::string> ParseSessionName(absl::string_view text);
// Seconds, "10" or "0.5"; or with a unit, "2m".
absl::StatusOr<absl::Duration> ParseSeconds(absl::string_view text);
// The same, or "never" for an infinite time.
absl::StatusOr<absl::Duration> ParseTimeLimit(absl::string_view text);
absl::StatusOr<size_t> ParseCount(absl::string_view text);
// A place in a session's stream.
absl::StatusOr<uint64_t> ParseOffset(absl::string_view text);
// Bytes, "65536", "64K", "1M".
absl::StatusOr<size_t> ParseBytes(absl::string_view text);
// A file mode in octal, "0660".
absl::StatusOr<mode_t> ParseMode(absl::string_view text);
// The number of a descriptor.
absl::StatusOr<int> ParseFd(absl::string_view text);

}  // namespace deptyr
