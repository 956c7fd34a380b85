// A script types pieces.  Each piece is a write of its own: programs that
// detect pastes by what one read(2) gave them take an Enter that comes with its
// text for a newline, and an Escape that comes with a letter for Alt.  Pure.
//
//   ASSIGN_OR_RETURN(const std::string text, Unescape("stop\\n"));
//   std::vector<Piece> pieces = PiecesOfText(text);  // "stop" and "\n"
//   for (const Piece& piece : pieces) {
//     const Modes& modes = digest.modes();
//     ASSIGN_OR_RETURN(const std::string bytes, BytesOf(piece, modes));
//   }
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/term/key_names.h"  // IWYU pragma: export
#include "lib/term/modes.h"

namespace deptyr {

// Knows \n \r \t \b \a \e \\, \xHH, and \0 to \0377.
absl::StatusOr<std::string> Unescape(absl::string_view text);

struct Piece {
  enum class Kind {
    kText,   // `text` as it is
    kKey,    // the key with this name
    kPaste,  // `text`, as a terminal pastes it
    kMouse,  // an event, as ParseMouse() takes it
    kPause,  // nothing, for this time
    kTurn,   // nothing, until nobody else is typing
  } kind = Kind::kText;
  std::string text = {};
  absl::Duration pause = absl::ZeroDuration();
};

// A newline or a return at the end is a piece of its own, as Enter is.
std::vector<Piece> PiecesOfText(absl::string_view text);
// The keys with these names, with spaces between them (lib/term/key_names.h).
absl::StatusOr<std::vector<Piece>> PiecesOfKeys(absl::string_view names);
// Returns a line of one's own: once nobody else is typing, what clears a
// half-typed line (`clear`), and then the text.  End it with `text`, or with
// another piece.
std::vector<Piece> PiecesOfLine(std::vector<Piece> clear,
                                absl::string_view text);
inline constexpr char kClearsLine[] = "C-u";
// "ROW,COL", counted from 0, for a click there, or "BUTTON:ROW,COL", where
// BUTTON is left, middle, right, wheel-up or wheel-down.
absl::StatusOr<Piece> ParseMouse(absl::string_view event);

// The last line of all that, which a terminal that echoes shows.  Nothing if it
// isn't ended, by Enter.
std::optional<std::string> LineEntered(const std::vector<Piece>& pieces);
// Whether the bytes depend on what the program has asked of its terminal.
bool DependsOnModes(const Piece& piece);
// The bytes that a terminal in these modes sends.  FailedPrecondition if it
// would send nothing.
absl::StatusOr<std::string> BytesOf(const Piece& piece, const Modes& modes);

}  // namespace deptyr
