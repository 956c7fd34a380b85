#include "lib/term/queries.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace deptyr {
namespace {

// Returns a number for everything of a CSI but its parameters.
constexpr uint32_t FormOf(char prefix, char intermediate, char final) {
  return static_cast<uint32_t>(static_cast<uint8_t>(prefix)) << 16 |
         static_cast<uint32_t>(static_cast<uint8_t>(intermediate)) << 8 |
         static_cast<uint8_t>(final);
}

struct CsiQuery {
  uint32_t form;
  int first;  // the first parameter; 0 is the only one, or there is none
  Query::Kind kind;
};
constexpr int kAny = -1;

constexpr CsiQuery kCsiQueries[] = {
    {FormOf(0, 0, 'c'), 0, Query::kAttributes},
    {FormOf('>', 0, 'c'), 0, Query::kSecondaryAttributes},
    {FormOf('=', 0, 'c'), 0, Query::kTertiaryAttributes},
    {FormOf(0, 0, 'n'), 5, Query::kStatus},
    {FormOf(0, 0, 'n'), 6, Query::kCursor},
    {FormOf('?', 0, 'n'), 6, Query::kDecCursor},
    {FormOf(0, '$', 'p'), kAny, Query::kMode},
    {FormOf('?', '$', 'p'), kAny, Query::kDecMode},
    {FormOf('>', 0, 'q'), 0, Query::kVersion},
    {FormOf(0, 0, 't'), 14, Query::kPixels},
    {FormOf(0, 0, 't'), 16, Query::kCellPixels},
    {FormOf(0, 0, 't'), 18, Query::kSize},
    {FormOf(0, 0, 't'), 19, Query::kDisplaySize},
    // The window: its state, place and titles; the display's pixels.
    {FormOf(0, 0, 't'), 11, Query::kOther},
    {FormOf(0, 0, 't'), 13, Query::kOther},
    {FormOf(0, 0, 't'), 15, Query::kOther},
    {FormOf(0, 0, 't'), 20, Query::kOther},
    {FormOf(0, 0, 't'), 21, Query::kOther},
    // The printer, keys, locator, macros, integrity, sessions, colour scheme.
    {FormOf('?', 0, 'n'), 15, Query::kOther},
    {FormOf('?', 0, 'n'), 25, Query::kOther},
    {FormOf('?', 0, 'n'), 26, Query::kOther},
    {FormOf('?', 0, 'n'), 53, Query::kOther},
    {FormOf('?', 0, 'n'), 55, Query::kOther},
    {FormOf('?', 0, 'n'), 56, Query::kOther},
    {FormOf('?', 0, 'n'), 62, Query::kOther},
    {FormOf('?', 0, 'n'), 63, Query::kOther},
    {FormOf('?', 0, 'n'), 75, Query::kOther},
    {FormOf('?', 0, 'n'), 85, Query::kOther},
    {FormOf('?', 0, 'n'), 996, Query::kOther},
    {FormOf('?', 0, 'u'), 0, Query::kOther},      // kitty's keyboard flags
    {FormOf('?', 0, 'm'), kAny, Query::kOther},   // XTQMODKEYS
    {FormOf('?', 0, 'S'), kAny, Query::kOther},   // XTSMGRAPHICS
    {FormOf(0, 0, 'x'), 0, Query::kOther},        // DECREQTPARM
    {FormOf(0, '$', 'u'), kAny, Query::kOther},   // DECRQTSR
    {FormOf(0, '$', 'w'), kAny, Query::kOther},   // DECRQPSR
    {FormOf(0, '&', 'u'), kAny, Query::kOther},   // DECRQUPSS
    {FormOf(0, '*', 'y'), kAny, Query::kOther},   // DECRQCRA
    {FormOf(0, '"', 'v'), kAny, Query::kOther},   // DECRQDE
    {FormOf(0, '\'', '|'), kAny, Query::kOther},  // DECRQLP
    {FormOf(0, '#', 'R'), kAny, Query::kOther},   // XTREPORTCOLORS
    {FormOf(0, '#', 'S'), kAny, Query::kOther},   // XTTITLEPOS
    {FormOf(0, '#', '|'), kAny, Query::kOther},   // XTREPORTSGR
};

bool Has(const Parameters& parameters, int wanted) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters.At(i) == wanted) return true;
  }
  return false;
}

std::optional<Query> CsiQueryOf(const SequenceParser& csi) {
  const uint32_t form = FormOf(csi.prefix(), csi.intermediate(), csi.final());
  if (form == FormOf('?', 0, 'h') &&
      Has(Parameters(csi.body()), kReportsSize)) {
    return Query{Query::kSizeReports};
  }
  for (const CsiQuery& known : kCsiQueries) {
    if (known.form != form) continue;
    const Parameters parameters(csi.body());
    const int first = parameters.At(0);
    if (known.kind == Query::kMode || known.kind == Query::kDecMode) {
      return Query{known.kind, first};
    }
    if (known.first == kAny) return Query{known.kind};
    if (known.first != first) continue;
    // The answer to DA 2 may begin with a 0, too.
    if (first == 0 && parameters.size() > 1) return std::nullopt;
    return Query{known.kind};
  }
  return std::nullopt;
}

// OSC NUMBER ; ... with a "?" in the place of a value, as for colours (4, 5, 10
// to 19) and the clipboard (52), or NAME=? (21, of kitty).  A text for people
// or an address may have one without a question.
bool AsksByOsc(absl::string_view body) {
  const size_t end = body.find(';');
  int number = 0;
  if (end == body.npos || !absl::SimpleAtoi(body.substr(0, end), &number)) {
    return false;
  }
  if (number < 4 || (number > 5 && number < 10)) return false;
  for (const absl::string_view part :
       absl::StrSplit(body.substr(end + 1), ';')) {
    if (part == "?" || absl::EndsWith(part, "=?")) return true;
    // iTerm2's.
    if (number == 1337 && absl::StartsWith(part, "Report")) return true;
  }
  return false;
}

// kitty's graphics: a command with a number of its own is answered, unless it
// says that it isn't.
bool AsksByGraphics(absl::string_view body) {
  if (!absl::ConsumePrefix(&body, "G")) return false;
  bool has_number = false;
  for (const absl::string_view key :
       absl::StrSplit(body.substr(0, body.find(';')), ',')) {
    if (key == "q=2") return false;
    has_number |= absl::StartsWith(key, "i=") || absl::StartsWith(key, "I=");
  }
  return has_number;
}

// DECRQSS, XTGETTCAP, XTGETXRES.
bool AsksByDcs(absl::string_view body) {
  return absl::StartsWith(body, "$q") || absl::StartsWith(body, "+q") ||
         absl::StartsWith(body, "+Q");
}

// Modes that are kept for a terminal that knows them, but aren't promised: it
// would have to show pictures, count grapheme clusters, report pixels or the
// colour scheme.
bool IsPromised(int dec_mode) {
  return dec_mode != 80 && dec_mode != 8452 && dec_mode != 1016 &&
         dec_mode != 2027 && dec_mode != 2031;
}

std::string ModeAnswer(const Query& query, const Modes& modes) {
  const bool dec = query.kind == Query::kDecMode;
  std::optional<bool> set;
  if (!dec || IsPromised(query.number)) set = modes.IsSet(dec, query.number);
  const int value = !set ? 0 : *set ? 1 : 2;
  return absl::StrCat(dec ? "\x1b[?" : "\x1b[", query.number, ";", value, "$y");
}

// Nothing if a side isn't known.
std::string PixelAnswer(int what, int height, int width) {
  if (height == 0 || width == 0) return "";
  return absl::StrCat("\x1b[", what, ";", height, ";", width, "t");
}

bool AsksByString(char kind, absl::string_view body) {
  switch (kind) {
    case ']':
      return AsksByOsc(body);
    case '_':
      return AsksByGraphics(body);
    case 'P':
      return AsksByDcs(body);
    default:
      return false;
  }
}

}  // namespace

std::optional<Query> QueryOf(SequenceParser::Event event,
                             const SequenceParser& parser) {
  switch (event) {
    case SequenceParser::Event::kCsi:
      return CsiQueryOf(parser);
    case SequenceParser::Event::kString:
      if (!AsksByString(parser.final(), parser.body())) return std::nullopt;
      return Query{Query::kOther};
    case SequenceParser::Event::kEscape:
      if (parser.final() != 'Z' || parser.intermediate() != 0) break;
      return Query{Query::kAttributes};  // DECID
    default:
      break;
  }
  return std::nullopt;
}

std::string AnswerTo(const Query& query, const Modes& modes, WindowSize size) {
  switch (query.kind) {
    case Query::kStatus:
      return "\x1b[0n";
    case Query::kAttributes:  // a VT220 with colours
      return "\x1b[?62;22c";
    case Query::kSecondaryAttributes:
      return "\x1b[>1;10;0c";
    case Query::kTertiaryAttributes:
      return "\x1bP!|00000000\x1b\\";
    case Query::kMode:
    case Query::kDecMode:
      return ModeAnswer(query, modes);
    case Query::kVersion:
      return "\x1bP>|deptyr(" DEPTYR_VERSION ")\x1b\\";
    case Query::kPixels:
      return PixelAnswer(4, size.ypixels, size.xpixels);
    case Query::kCellPixels:
      if (size.rows == 0 || size.cols == 0) return "";
      return PixelAnswer(6, size.ypixels / size.rows, size.xpixels / size.cols);
    case Query::kSize:
      return absl::StrCat("\x1b[8;", size.rows, ";", size.cols, "t");
    case Query::kDisplaySize:
      return absl::StrCat("\x1b[9;", size.rows, ";", size.cols, "t");
    case Query::kSizeReports:
      return SizeReport(size);
    default:
      return "";
  }
}

std::string SizeReport(WindowSize size) {
  return absl::StrCat("\x1b[48;", size.rows, ";", size.cols, ";", size.ypixels,
                      ";", size.xpixels, "t");
}

std::string CursorAnswer(const Query& query, const Cursor& cursor) {
  return absl::StrCat(query.kind == Query::kDecCursor ? "\x1b[?" : "\x1b[",
                      cursor.row + 1, ";", cursor.col + 1, "R");
}

}  // namespace deptyr
