// Queries are what a program asks its terminal, which answers as if it typed.
//
//   Digest digest;
//   digest.Scan(bytes, [&](const Query& query) {
//     std::string answer = AnswerTo(query, digest.modes(), {24, 80});
//   });
//
// The answers are those of a terminal that nobody looks at.  Somebody may come
// later with a terminal of any kind, so they promise only what every terminal
// does, or what does no harm where it is missing.  They are made of numbers and
// our own version; nothing that a program wrote is in them, because whoever
// makes it print something must not choose what is typed to it.  None of them
// is a query, so a terminal that echoes them asks nothing.
//
// xterm's control sequences, "ctlseqs", and kitty's protocol extensions say
// what is a query and what is its answer.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/window_size.h"
#include "lib/term/cell.h"
#include "lib/term/modes.h"
#include "lib/term/sequence.h"

namespace deptyr {

struct Query {
  enum Kind : uint8_t {
    kStatus,               // DSR 5
    kCursor,               // DSR 6
    kDecCursor,            // DECXCPR
    kAttributes,           // DA1, also as DECID
    kSecondaryAttributes,  // DA2
    kTertiaryAttributes,   // DA3
    kMode,                 // DECRQM of `number`,
    kDecMode,              // and of a private mode
    kVersion,              // XTVERSION
    kPixels,               // CSI 14 t: the size in pixels,
    kCellPixels,           // CSI 16 t: and that of a character
    kSize,                 // CSI 18 t: in characters
    kDisplaySize,          // CSI 19 t
    kSizeReports,  // mode 2048 is set: its size now, and when it changes
    kOther,        // colours, settings, the clipboard, pictures, and the like
  };
  Kind kind;
  int number = 0;

  bool asks_for_cursor() const { return kind == kCursor || kind == kDecCursor; }
  bool operator==(const Query&) const = default;
};

// Returns what the sequence asks that ended with this event of `parser`, or
// nothing if it isn't a query.
std::optional<Query> QueryOf(SequenceParser::Event event,
                             const SequenceParser& parser);

// Returns the answer of a terminal of this size in these modes, "" if there is
// none.  Only a screen knows the answer to a query that asks for the cursor.
std::string AnswerTo(const Query& query, const Modes& modes, WindowSize size);
// Returns what a terminal in mode 2048 says when it has this size.
std::string SizeReport(WindowSize size);
// Returns the answer to a query that asks for the cursor.
std::string CursorAnswer(const Query& query, const Cursor& cursor);

}  // namespace deptyr
