#include "lib/term/plain_text.h"

#include "absl/strings/match.h"

#include "lib/term/characters.h"

namespace deptyr {

std::string PlainText::Feed(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  while (p != end) {
    if (IsPrintableAscii(*p) && parser_.ground() && utf8_.pending() == 0 &&
        charsets_.ascii()) {
      p = TakeAscii(p, end, out);
    } else {
      TakeByte(*p++, out);
    }
  }
  return out;
}

std::string PlainText::Flush() {
  std::string out;
  utf8_.Flush([&](char32_t character) { TakeCharacter(character, out); });
  return out;
}

const char* PlainText::TakeAscii(const char* p, const char* end,
                                 std::string& out) {
  const char* const begin = p;
  while (p != end && IsPrintableAscii(*p)) ++p;
  BeforeText(out);
  out.append(begin, p);
  after_space_ = p[-1] == ' ';
  return p;
}

void PlainText::TakeByte(char c, std::string& out) {
  const auto take = [&](char32_t character) { TakeCharacter(character, out); };
  const SequenceParser::Event event = parser_.Take(c);
  if (event == SequenceParser::Event::kPrint) return utf8_.Feed(c, take);
  utf8_.Flush(take);
  if (event == SequenceParser::Event::kControl) Control(c, out);
  if (event == SequenceParser::Event::kEscape) Escape(out);
  if (event == SequenceParser::Event::kShifted) {
    Append(charsets_.TranslateShifted(c, parser_.intermediate()), out);
  }
  if (event == SequenceParser::Event::kCsi) Csi();
}

void PlainText::TakeCharacter(char32_t character, std::string& out) {
  if (IsC1(character)) return;
  Append(charsets_.Translate(character), out);
}

void PlainText::Append(char32_t character, std::string& out) {
  BeforeText(out);
  AppendUtf8(character, out);
  after_space_ = character == ' ';
}

void PlainText::BeforeText(std::string& out) {
  if (gap_ == Gap::kLine && !line_empty_) out += '\n';
  if (gap_ == Gap::kSpace && !after_space_) out += ' ';
  gap_ = Gap::kNone;
  line_empty_ = false;
}

void PlainText::EndLine(std::string& out) {
  out += '\n';
  gap_ = Gap::kNone;
  line_empty_ = after_space_ = true;
}

void PlainText::Control(char c, std::string& out) {
  switch (c) {
    case '\n':
    case '\v':
    case '\f':
      EndLine(out);
      break;
    case '\r':
      gap_ = Gap::kLine;
      break;
    case '\t':
      BeforeText(out);
      out += '\t';
      after_space_ = true;
      break;
    default:
      charsets_.Control(c);
      break;
  }
}

void PlainText::Escape(std::string& out) {
  if (charsets_.Escape(parser_.intermediate(), parser_.final())) return;
  if (parser_.intermediate() != 0) return;
  switch (parser_.final()) {
    case 'D':
    case 'E':
      EndLine(out);
      break;
    case '8':
    case 'M':
      gap_ = Gap::kLine;
      break;
    case 'c':
      charsets_ = {};
      gap_ = Gap::kLine;
      break;
    default:
      break;
  }
}

void PlainText::Csi() {
  constexpr absl::string_view kOtherLine = "ABEFHdefku";
  constexpr absl::string_view kOtherColumn = "CGI`a";
  if (parser_.prefix() != 0 || parser_.intermediate() != 0) return;
  const char final = parser_.final();
  if (absl::StrContains(kOtherLine, final)) gap_ = Gap::kLine;
  if (absl::StrContains(kOtherColumn, final) && gap_ == Gap::kNone) {
    gap_ = Gap::kSpace;
  }
}

}  // namespace deptyr
