#include "lib/verbs/typed.h"

#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/base/named.h"
#include "lib/base/status.h"

namespace deptyr {
namespace {

// Takes a number of at most `most` digits off the beginning of `text`.
std::optional<char> TakeNumber(absl::string_view& text, size_t most, int base) {
  unsigned number = 0;
  const absl::string_view digits = text.substr(0, most);
  const auto [end, error] =
      std::from_chars(digits.begin(), digits.end(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - digits.begin()));
  return static_cast<char>(number);
}

// `text` begins after the backslash.
std::optional<char> TakeEscape(absl::string_view& text) {
  constexpr absl::string_view kLetters = "nrtbae\\";
  constexpr absl::string_view kBytes = "\n\r\t\b\a\x1b\\";
  constexpr int kOctal = 8;
  constexpr int kHexadecimal = 16;
  if (text.empty()) return std::nullopt;
  const char letter = text[0];
  text.remove_prefix(1);
  if (letter == '0') return TakeNumber(text, 3, kOctal).value_or('\0');
  if (letter == 'x') return TakeNumber(text, 2, kHexadecimal);
  const size_t at = kLetters.find(letter);
  if (at == absl::string_view::npos) return std::nullopt;
  return kBytes[at];
}

// --- the mouse

// The numbers by which a terminal tells of buttons (xterm's "Mouse Tracking").
constexpr Named<int> kButtons[] = {{"left", 0},
                                   {"middle", 1},
                                   {"right", 2},
                                   {"wheel-up", 64},
                                   {"wheel-down", 65}};
constexpr int kFirstWheel = 64;
constexpr int kMostCells = 10'000;

struct MouseEvent {
  int button = 0;
  int row = 0;
  int col = 0;
};

absl::StatusOr<MouseEvent> MouseEventOf(absl::string_view text) {
  MouseEvent event;
  absl::string_view place = text;
  bool known = true;
  if (const size_t colon = text.find(':'); colon != absl::string_view::npos) {
    known = false;
    place.remove_prefix(colon + 1);
    for (const Named<int>& button : kButtons) {
      if (button.name != text.substr(0, colon)) continue;
      event.button = button.value;
      known = true;
    }
  }
  const std::vector<absl::string_view> numbers = absl::StrSplit(place, ',');
  if (known && numbers.size() == 2 &&
      absl::SimpleAtoi(numbers[0], &event.row) && event.row >= 0 &&
      event.row < kMostCells && absl::SimpleAtoi(numbers[1], &event.col) &&
      event.col >= 0 && event.col < kMostCells) {
    return event;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a mouse event: ", text,
                   "; say ROW,COL, counted from 0, or BUTTON:ROW,COL with "
                   "left, middle, right, wheel-up or wheel-down"));
}

// Several encodings may be set: the one that kDecModes has last counts.
absl::StatusOr<std::string> EncodeMouse(const MouseEvent& event, bool press,
                                        const Modes& modes) {
  constexpr int kReleased = 3;
  constexpr int kOffset = 32;
  constexpr int kMostPlace = 223;  // in one byte
  const int row = event.row + 1;
  const int col = event.col + 1;
  if (modes.IsSet(true, 1006).value_or(false)) {
    return absl::StrCat("\x1b[<", event.button, ";", col, ";", row,
                        press ? "M" : "m");
  }
  const int code = kOffset + (press ? event.button : kReleased);
  if (modes.IsSet(true, 1015).value_or(false)) {
    return absl::StrCat("\x1b[", code, ";", col, ";", row, "M");
  }
  if (row > kMostPlace || col > kMostPlace) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the program has asked for the mouse in a form that ends at row and "
        "column ",
        kMostPlace - 1));
  }
  std::string bytes = "\x1b[M";
  for (const int number : {code, kOffset + col, kOffset + row}) {
    bytes.push_back(static_cast<char>(number));
  }
  return bytes;
}

absl::StatusOr<std::string> Click(const MouseEvent& event, const Modes& modes) {
  const bool presses_only = modes.IsSet(true, 9).value_or(false);
  bool reported = presses_only;
  for (const int mode : {1000, 1002, 1003}) {
    reported = reported || modes.IsSet(true, mode).value_or(false);
  }
  if (!reported) {
    return absl::FailedPreconditionError(
        "the program hasn't asked for the mouse");
  }
  if (modes.IsSet(true, 1016).value_or(false)) {
    return absl::FailedPreconditionError(
        "the program has asked for the mouse's place in pixels");
  }
  ASSIGN_OR_RETURN(std::string bytes, EncodeMouse(event, true, modes));
  if (presses_only || event.button >= kFirstWheel) return bytes;
  ASSIGN_OR_RETURN(const std::string release, EncodeMouse(event, false, modes));
  return absl::StrCat(bytes, release);
}

// --- pastes

// A line ends as Enter ends it, and other controls, which could end the
// brackets, are left out, as xterm does it.
std::string Pasted(absl::string_view text, bool brackets) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      if (i == 0 || text[i - 1] != '\r') bytes.push_back('\r');
    } else if (!absl::ascii_iscntrl(static_cast<unsigned char>(c)) ||
               c == '\t' || c == '\r') {
      bytes.push_back(c);
    }
  }
  return brackets ? absl::StrCat("\x1b[200~", bytes, "\x1b[201~") : bytes;
}

bool IsLineEnd(char c) {
  return c == '\n' || c == '\r';
}

}  // namespace

absl::StatusOr<std::string> Unescape(absl::string_view text) {
  std::string bytes;
  absl::string_view rest = text;
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c != '\\') {
      bytes.push_back(c);
      continue;
    }
    const absl::string_view escape = rest;
    const auto byte = TakeEscape(rest);
    if (!byte) {
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown escape: \\", escape.substr(0, 1), " in ", text,
          "; the escapes are \\n \\r \\t \\b \\a \\e \\xHH \\0oo and "
          "\\\\"));
    }
    bytes.push_back(*byte);
  }
  return bytes;
}

std::vector<Piece> PiecesOfText(absl::string_view text) {
  std::vector<Piece> pieces;
  size_t end = text.size();
  if (end > 0 && IsLineEnd(text[end - 1])) --end;
  for (const absl::string_view part : {text.substr(0, end), text.substr(end)}) {
    if (!part.empty()) pieces.push_back({.text = std::string(part)});
  }
  return pieces;
}

absl::StatusOr<std::vector<Piece>> PiecesOfKeys(absl::string_view names) {
  std::vector<Piece> pieces;
  for (const absl::string_view name :
       absl::StrSplit(names, ' ', absl::SkipEmpty())) {
    RETURN_IF_ERROR(KeysNamed(name, CursorKeys::kNormal).status());
    pieces.push_back({.kind = Piece::Kind::kKey, .text = std::string(name)});
  }
  return pieces;
}

std::vector<Piece> PiecesOfLine(std::vector<Piece> clear,
                                absl::string_view text) {
  std::vector<Piece> pieces = std::move(clear);
  pieces.insert(pieces.begin(), {.kind = Piece::Kind::kTurn});
  for (Piece& piece : PiecesOfText(text)) pieces.push_back(std::move(piece));
  return pieces;
}

absl::StatusOr<Piece> ParseMouse(absl::string_view event) {
  RETURN_IF_ERROR(MouseEventOf(event).status());
  return Piece{.kind = Piece::Kind::kMouse, .text = std::string(event)};
}

std::optional<std::string> LineEntered(const std::vector<Piece>& pieces) {
  std::string all;
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::kMouse) continue;
    absl::StrAppend(&all, *BytesOf(piece, Modes()));
  }
  if (all.empty() || !IsLineEnd(all.back())) return std::nullopt;
  all.pop_back();
  return all.substr(all.find_last_of("\r\n") + 1);
}

bool DependsOnModes(const Piece& piece) {
  switch (piece.kind) {
    case Piece::Kind::kText:
    case Piece::Kind::kPause:
    case Piece::Kind::kTurn:
      return false;
    case Piece::Kind::kKey:
      return *KeysNamed(piece.text, CursorKeys::kNormal) !=
             *KeysNamed(piece.text, CursorKeys::kApplication);
    case Piece::Kind::kPaste:
    case Piece::Kind::kMouse:
      break;
  }
  return true;
}

absl::StatusOr<std::string> BytesOf(const Piece& piece, const Modes& modes) {
  switch (piece.kind) {
    case Piece::Kind::kText:
      return piece.text;
    case Piece::Kind::kPause:
    case Piece::Kind::kTurn:
      return "";
    case Piece::Kind::kKey:
      return KeysNamed(piece.text, modes.application_cursor_keys()
                                       ? CursorKeys::kApplication
                                       : CursorKeys::kNormal);
    case Piece::Kind::kPaste:
      return Pasted(piece.text, modes.IsSet(true, 2004).value_or(false));
    case Piece::Kind::kMouse:
      break;
  }
  ASSIGN_OR_RETURN(const MouseEvent event, MouseEventOf(piece.text));
  return Click(event, modes);
}

}  // namespace deptyr
