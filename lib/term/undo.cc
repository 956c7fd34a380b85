#include "lib/term/undo.h"

#include "absl/strings/str_cat.h"

#include "lib/term/tab_stops.h"

namespace deptyr {

void Undo::Note(absl::string_view bytes) {
  digest_.Scan(bytes);
}

std::string Undo::Sequences(int cols) const {
  std::string out;
  Digest after = digest_;
  const auto write = [&](absl::string_view bytes) {
    after.Scan(bytes);
    absl::StrAppend(&out, bytes);
  };
  write(after.EndOfSequence());
  write(after.modes().printer().Undo());
  bool moves = after.modes().UndoMovesCursor();
  write(after.modes().LeaveAlternate());
  // The primary screen may have another origin and other character sets.
  moves |= after.modes().UndoMovesCursor();
  const bool has_tabs = after.modes().has_tabs();
  write(after.modes().Undo());
  if (has_tabs) write(TabStops::ResetSequences(cols));
  if (!after.has_usual_pen_since(after.offset())) write("\x1b[m");
  if (moves) write("\x1b[999;1H");
  return out;
}

std::string Undo::Redo() const {
  const Modes& modes = digest_.modes();
  std::string out;
  if (modes.alternate()) {
    absl::StrAppend(&out, modes.HiddenSequences(), "\x1b[?",
                    modes.alternate_mode(), "h");
  }
  for (size_t i = 0; i < modes.pushed_styles(); ++i) out += "\x1b[#{";
  absl::StrAppend(&out, modes.guard().Sequences(), modes.printer().Sequences(),
                  modes.Sequences(), modes.has_tabs() ? "\x1bH" : "",
                  digest_.last_query() > 0 ? "\x1b[5n" : "",
                  modes.link_open() ? "\x1b]8;;x:\x1b\\" : "", "\x1b[1m",
                  digest_.BeginOfRest());
  return out;
}

}  // namespace deptyr
