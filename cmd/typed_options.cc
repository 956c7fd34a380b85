#include "cmd/typed_options.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "lib/base/status.h"

namespace deptyr {
namespace {

Piece Enter() {
  return {.kind = Piece::Kind::kKey, .text = "Enter"};
}

// Reads standard input where a paste of "-" stands for it.
absl::Status PasteStdin(std::vector<Piece>& pieces) {
  for (Piece& piece : pieces) {
    if (piece.kind != Piece::Kind::kPaste || piece.text != "-") continue;
    piece.text.clear();
    std::array<char, 65536> room;
    while (const size_t got = std::fread(room.data(), 1, room.size(), stdin)) {
      piece.text.append(room.data(), got);
    }
    if (std::ferror(stdin) != 0) return Errno("read standard input");
  }
  return absl::OkStatus();
}

}  // namespace

TypedOptions::TypedOptions(Options& options)
    : options_(options), clear_(*PiecesOfKeys(kClearsLine)) {
  options.Do("keys", "NAMES", "type these keys, as in 'C-c Up F1 M-x'",
             [this](absl::string_view names) -> absl::Status {
               ASSIGN_OR_RETURN(std::vector<Piece> keys, PiecesOfKeys(names));
               Add(std::move(keys));
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Do("enter", "",
             "type Enter here; at the end, if it stands before everything",
             [this](absl::string_view) {
               AddEnter();
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Do("line", "TEXT",
             "type TEXT and Enter as a line of its own: what is half typed is "
             "cleared",
             [this](absl::string_view text) {
               AddLine(text);
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Value("clear", "NAMES", &clear_, PiecesOfKeys,
                "with --line, the keys that clear a half-typed line",
                {.usual = "C-u"});
  options.Do("paste", "TEXT",
             "paste TEXT as it is, or standard input for \"-\"",
             [this](absl::string_view text) {
               Add({{.kind = Piece::Kind::kPaste, .text = std::string(text)}});
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Do("mouse", "EVENT", "click at ROW,COL, or BUTTON:ROW,COL",
             [this](absl::string_view event) -> absl::Status {
               ASSIGN_OR_RETURN(const Piece click, ParseMouse(event));
               Add({click});
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Do("pause", "SECONDS", "wait here for this long",
             [this](absl::string_view text) -> absl::Status {
               ASSIGN_OR_RETURN(const absl::Duration time, ParseSeconds(text));
               Add({{.kind = Piece::Kind::kPause, .pause = time}});
               return absl::OkStatus();
             },
             {.repeatable = true});
  options.Flag("literal", &literal_, "type backslashes as they are");
}

void TypedOptions::Add(std::vector<Piece> pieces) {
  given_.push_back({options_.operands_so_far(), std::move(pieces)});
}

void TypedOptions::AddLine(absl::string_view text) {
  given_.push_back({options_.operands_so_far(), {}, std::string(text)});
}

void TypedOptions::AddEnter() {
  enter_first_ = enter_first_ || given_.empty();
  Add({Enter()});
}

absl::StatusOr<std::vector<Piece>> TypedOptions::Pieces(
    const std::vector<std::string>& texts) const {
  std::vector<Piece> all;
  const auto meant = [this](const std::string& text) {
    return literal_ ? text : Unescape(text);
  };
  const auto append = [&all](const std::vector<Piece>& pieces) {
    all.insert(all.end(), pieces.begin(), pieces.end());
  };
  const size_t before = options_.operands_so_far() - texts.size();
  auto text = texts.begin();
  const auto append_texts = [&](size_t operands) -> absl::Status {
    const auto begin = text;
    while (text != texts.end() &&
           before + static_cast<size_t>(text - texts.begin()) < operands) {
      ++text;
    }
    ASSIGN_OR_RETURN(const std::string joined,
                     meant(absl::StrJoin(begin, text, " ")));
    append(PiecesOfText(joined));
    return absl::OkStatus();
  };
  // An --enter before everything is meant for the end: "send mc --enter list".
  bool enter_last = false;
  for (const Given& given : given_) {
    RETURN_IF_ERROR(append_texts(given.operands));
    const bool first = &given == &given_.front() && all.empty();
    if (first && enter_first_) {
      enter_last = true;
    } else if (given.line) {
      ASSIGN_OR_RETURN(const std::string line, meant(*given.line));
      append(PiecesOfLine(clear_, line));
      append({Enter()});
    } else {
      append(given.pieces);
    }
  }
  RETURN_IF_ERROR(append_texts(SIZE_MAX));
  if (enter_last) append({Enter()});
  RETURN_IF_ERROR(PasteStdin(all));
  return all;
}

}  // namespace deptyr
