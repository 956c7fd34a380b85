// The options of send that say what is typed: pieces that keep the order in
// which the command line has them, between the texts that are operands.
//
//   Options options("send", "[OPTION]... SESSION [TEXT]...", "Types.");
//   TypedOptions typed(options);
//   ASSIGN_OR_RETURN(auto operands, options.Parse(argc, argv));
//   operands.erase(operands.begin());  // SESSION
//   ASSIGN_OR_RETURN(std::vector<Piece> pieces, typed.Pieces(operands));
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "cmd/options.h"
#include "lib/verbs/typed.h"

namespace deptyr {

class TypedOptions {
 public:
  // Adds --keys, --enter, --line, --clear, --paste, --mouse, --pause and
  // --literal to the options; lives as long as they do.
  explicit TypedOptions(Options& options);
  TypedOptions(const TypedOptions&) = delete;
  TypedOptions& operator=(const TypedOptions&) = delete;

  // Returns all pieces, once the options are parsed.  The texts are the last
  // operands; those without an option between them are one, with spaces.  Reads
  // standard input if "--paste -" says so.
  absl::StatusOr<std::vector<Piece>> Pieces(
      const std::vector<std::string>& texts) const;

 private:
  // An option adds these after so many operands.
  struct Given {
    size_t operands;
    std::vector<Piece> pieces;
    std::optional<std::string> line = {};
  };
  void Add(std::vector<Piece> pieces);
  void AddLine(absl::string_view text);
  void AddEnter();

  const Options& options_;
  std::vector<Given> given_;
  bool enter_first_ = false;  // of the options
  bool literal_ = false;
  std::vector<Piece> clear_;
};

}  // namespace deptyr
