#include "lib/term/style.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace deptyr {
namespace {

// An attribute that is on or off, and the parameters for that.
struct Flag {
  bool Style::*member;
  int on;
  int off;
};
constexpr Flag kFlags[] = {
    {&Style::bold, 1, 22},    {&Style::dim, 2, 22},
    {&Style::italic, 3, 23},  {&Style::blink, 5, 25},
    {&Style::reverse, 7, 27}, {&Style::conceal, 8, 28},
    {&Style::strike, 9, 29},  {&Style::overline, 53, 55},
};

// All numbers from this one on are none that XTPUSHSGR knows.
constexpr int kUnknownPart = 63;
constexpr uint64_t kAllParts = ~uint64_t{0};

uint8_t Byte(int value) {
  return static_cast<uint8_t>(value);
}

// Takes what follows SGR 38 and 48 at `i`: "5;INDEX" or "2;R;G;B", or the same
// with ':', where "2::R:G:B" has a colour space.  Returns how many parameters
// were used.
size_t TakeColor(const Parameters& parameters, size_t i, Color& color) {
  const bool joined = parameters.joined(i + 1);
  size_t end = i + 1;  // of the parameters joined to it
  while (parameters.joined(end)) ++end;
  const int kind = parameters.At(i + 1);
  if (kind == 5) {
    if (!parameters.missing(i + 2))
      color = Color::Indexed(parameters.At(i + 2));
    return joined ? end - i : 3;
  }
  if (kind != 2) return joined ? end - i : 2;
  const size_t red = joined && end - i > 5 ? i + 3 : i + 2;
  if (red + 3 <= parameters.size()) {
    color = {Color::Kind::kRgb, Byte(parameters.At(red)),
             Byte(parameters.At(red + 1)), Byte(parameters.At(red + 2))};
  }
  return joined ? end - i : 5;
}

Underline UnderlineOf(int style) {
  const bool known =
      style >= 0 && style <= static_cast<int>(Underline::kDashed);
  return known ? static_cast<Underline>(style) : Underline::kSingle;
}

bool ApplyFlag(int parameter, Style& style) {
  bool found = false;
  for (const Flag& flag : kFlags) {
    if (parameter != flag.on && parameter != flag.off) continue;
    style.*flag.member = parameter == flag.on;
    found = true;
  }
  return found;
}

// Knows 30 to 37, 39 and 90 to 97; `base` is 30, or 40 for the background.
bool ApplyColor(int parameter, int base, Color& color) {
  const int plain = parameter - base;
  const int bright = plain - 60;
  if (plain == 9) {
    color = {};
  } else if (plain >= 0 && plain < 8) {
    color = Color::Indexed(plain);
  } else if (bright >= 0 && bright < 8) {
    color = Color::Indexed(8 + bright);
  } else {
    return false;
  }
  return true;
}

// Returns how many parameters were used.
size_t ApplyOne(const Parameters& parameters, size_t i, Style& style) {
  const int parameter = parameters.At(i);
  size_t used = 1;
  while (parameters.joined(i + used)) ++used;
  switch (parameter) {
    case 0:
      style = {};
      break;
    case 4:
      style.underline = UnderlineOf(used > 1 ? parameters.At(i + 1) : 1);
      break;
    case 6:
      style.blink = true;
      break;
    case 21:
      style.underline = Underline::kDouble;
      break;
    case 24:
      style.underline = Underline::kNone;
      break;
    case 38:
      return TakeColor(parameters, i, style.fg);
    case 48:
      return TakeColor(parameters, i, style.bg);
    case 58:
      return TakeColor(parameters, i, style.line);
    case 59:
      style.line = {};
      break;
    default:
      if (!ApplyFlag(parameter, style) &&
          !ApplyColor(parameter, 30, style.fg)) {
        ApplyColor(parameter, 40, style.bg);
      }
  }
  return used;
}

// The parameters that turn one style into another, each with a ';' before it. A
// picture has tens of thousands, so there is no string on the heap for each.
class Changes {
 public:
  Changes(const Style& from, const Style& to) {
    // 22 turns off both bold and dim.
    const bool both_off = (from.bold && !to.bold) || (from.dim && !to.dim);
    if (both_off) Add(22);
    for (const Flag& flag : kFlags) {
      const bool was = from.*flag.member && !(both_off && flag.off == 22);
      if (was != to.*flag.member) Add(was ? flag.off : flag.on);
    }
    if (from.underline != to.underline) AddUnderline(to.underline);
    if (from.fg != to.fg) AddColor(to.fg, 30);
    if (from.bg != to.bg) AddColor(to.bg, 40);
    if (from.line != to.line) AddLineColor(to.line);
  }
  absl::string_view text() const { return {text_.data(), size_}; }

 private:
  // All flags, an underline and three colours have 85 bytes.
  static constexpr size_t kLongest = 96;

  void Put(char c) { text_[size_++] = c; }
  // Takes numbers below 1000.
  void Add(int number, char separator = ';') {
    Put(separator);
    if (number >= 100) Put(static_cast<char>('0' + number / 100));
    if (number >= 10) Put(static_cast<char>('0' + number / 10 % 10));
    Put(static_cast<char>('0' + number % 10));
  }
  void AddUnderline(Underline underline) {
    Add(underline == Underline::kNone     ? 24
        : underline == Underline::kDouble ? 21
                                          : 4);
    if (underline <= Underline::kDouble) return;
    Put(':');
    Put(static_cast<char>('0' + static_cast<int>(underline)));
  }
  void AddColor(const Color& color, int base) {
    switch (color.kind) {
      case Color::Kind::kDefault:
        Add(base + 9);
        break;
      case Color::Kind::kIndexed:
        if (color.red < 16) {
          Add(color.red < 8 ? base + color.red : base + 60 + color.red - 8);
        } else {
          Add(base + 8);
          Add(5);
          Add(color.red);
        }
        break;
      case Color::Kind::kRgb:
        for (const int part :
             {base + 8, 2, int{color.red}, int{color.green}, int{color.blue}}) {
          Add(part);
        }
        break;
    }
  }

  // A terminal that doesn't know 58 skips it as a whole if there are colons.
  void AddLineColor(const Color& color) {
    Add(color.kind == Color::Kind::kDefault ? 59 : 58);
    if (color.kind == Color::Kind::kIndexed) {
      Add(5, ':');
      Add(color.red, ':');
    } else if (color.kind == Color::Kind::kRgb) {
      Add(2, ':');
      Put(':');
      for (const int part : {color.red, color.green, color.blue}) {
        Add(part, ':');
      }
    }
  }

  std::array<char, kLongest> text_;
  size_t size_ = 0;
};

}  // namespace

void ApplySgr(const Parameters& parameters, Style& style) {
  if (parameters.size() == 0) style = {};
  for (size_t i = 0; i < parameters.size();) {
    i += ApplyOne(parameters, i, style);
  }
}

PushedStyle::PushedStyle(const Parameters& parameters, const Style& pen)
    : parts_(parameters.size() == 0 ? kAllParts : 0), style_(pen) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    parts_ |= uint64_t{1} << std::clamp(parameters.At(i), 0, kUnknownPart);
  }
}

void PushedStyle::Restore(Style& pen) const {
  const auto has = [this](int part) { return (parts_ >> part & 1) != 0; };
  for (const Flag& flag : kFlags) {
    if (has(flag.on)) pen.*flag.member = style_.*flag.member;
  }
  if (has(4) || has(21)) pen.underline = style_.underline;
  if (has(30)) pen.fg = style_.fg;
  if (has(31)) pen.bg = style_.bg;
  if (parts_ == kAllParts) pen.line = style_.line;
}

std::string PushedStyle::Sequence() const {
  std::string out = "\x1b[";
  for (int part = 0; part <= kUnknownPart && parts_ != kAllParts; ++part) {
    if ((parts_ >> part & 1) == 0) continue;
    absl::StrAppend(&out, out.size() > 2 ? ";" : "", part);
  }
  return out + "#{";
}

void AppendSgr(const Style& from, const Style& to, std::string& out) {
  if (from == to) return;
  const Changes changes(from, to);
  const Changes afresh({}, to);
  out += "\x1b[";
  if (afresh.text().size() + 1 >= changes.text().size()) {
    absl::StrAppend(&out, changes.text().substr(1));
  } else if (!afresh.text().empty()) {
    absl::StrAppend(&out, "0", afresh.text());
  }
  out += 'm';
}

}  // namespace deptyr
