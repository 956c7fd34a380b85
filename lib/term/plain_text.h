// The text in a terminal's stream, for people and programs that read it as
// text: a history, or the line that is waited for.
//
//   PlainText plain;
//   out += plain.Feed(bytes);  // however the stream is cut
//   out += plain.Flush();
//
// Escape sequences and strings of all kinds are left out, and so are all
// controls other than TAB and LF; CR LF becomes LF.  A line ends where the
// cursor goes to another line, or back to the beginning of one that has
// something in it.  Where it skips columns, there is a space.  Line drawing
// becomes what it draws, and what isn't UTF-8 becomes U+FFFD.  A few hundred
// bytes of memory, whatever it is given.  Pure.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/term/charsets.h"
#include "lib/term/sequence.h"

namespace deptyr {

class PlainText {
 public:
  std::string Feed(absl::string_view bytes);
  // Call it at the end of the stream.  Returns what a character that isn't
  // whole leaves.
  std::string Flush();

 private:
  const char* TakeAscii(const char* p, const char* end, std::string& out);
  void TakeByte(char c, std::string& out);
  void TakeCharacter(char32_t character, std::string& out);
  void Append(char32_t character, std::string& out);
  void Control(char c, std::string& out);
  void Escape(std::string& out);
  void Csi();
  void BeforeText(std::string& out);
  void EndLine(std::string& out);

  // The gap to leave before the next character.
  enum class Gap : uint8_t { kNone, kSpace, kLine };

  SequenceParser parser_;
  Utf8Decoder utf8_;
  Charsets charsets_;
  Gap gap_ = Gap::kNone;
  bool line_empty_ = true;
  bool after_space_ = true;
};

}  // namespace deptyr
