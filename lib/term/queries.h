// Queries are what a program asks its terminal.  A terminal answers as if the
// answer was typed.
//
//   SequenceParser parser;
//   for (const char c : bytes) {
//     const std::optional<Query> query = QueryOf(parser.Take(c), parser);
//     if (query && query->kind == Query::kCursor) {
//       ... the program wants to know where the cursor is, here ...
//     }
//   }
//
// xterm's control sequences, "ctlseqs", and kitty's protocol extensions say
// what is a query.  Pure.
#pragma once

#include <cstdint>
#include <optional>

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
    kSize,                 // CSI 18 t: in characters
    kDisplaySize,          // CSI 19 t
    kOther,  // colours, settings, the clipboard, pictures, and the like
  };
  Kind kind;
  int number = 0;

  bool operator==(const Query&) const = default;
};

// Returns what the sequence asks that ended with this event of `parser`, or
// nothing if it isn't a query.
std::optional<Query> QueryOf(SequenceParser::Event event,
                             const SequenceParser& parser);

}  // namespace deptyr
