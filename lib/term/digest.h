// A small, fast scanner that sees every byte of a terminal's stream, even in a
// flood that is too fast for the screen's model (lib/term/screen.h).  It knows
// the modes in force, which bytes begin a sequence that isn't whole yet, when
// the screen was cleared, and when the terminal last was asked something, or
// rang.
//
//   Digest digest;
//   digest.Scan(bytes);  // however the stream is cut
//   std::string out = digest.modes().Sequences();
//
// Ten gigabytes a second of text; a few hundred bytes of memory.  Pure.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/term/modes.h"
#include "lib/term/queries.h"
#include "lib/term/sequence.h"

namespace deptyr {

class Digest {
 public:
  // In bytes.  whole() doesn't wait for the end of a longer sequence.
  static constexpr uint64_t kLongestHeld = 65536;

  using OnQuery = absl::FunctionRef<void(const Query&)>;
  // Calls `on_query` where the program asks its terminal something; then
  // last_query() tells where, and modes() are those at that place.
  void Scan(
      absl::string_view bytes, OnQuery on_query = [](const Query&) {});
  // Call it when the terminal's size changes: its scroll region becomes all of
  // it.
  void Resized() { modes_.ForgetRegion(); }
  // Keeps the modes and forgets the stream: offsets begin at 0 again, and
  // nothing has been cleared or asked.
  void Rebase();

  const Modes& modes() const { return modes_; }
  // How many bytes it has seen.
  uint64_t offset() const { return offset_; }
  // Where the escape sequence or the UTF-8 character began that isn't whole
  // yet; offset() if there is none.  A terminal that is painted in the middle
  // of one has to be given these bytes, too.
  uint64_t whole() const;
  // The bytes that end whatever sequence has begun, and do nothing else.  Only
  // ST ends a string everywhere: kitty 0.26 takes CAN for a part of it.
  absl::string_view EndOfSequence() const;
  // The bytes after which a terminal takes the rest of that sequence for a
  // sequence, though it hasn't seen how it began.
  absl::string_view BeginOfRest() const;
  // The offset from which the stream makes the screen by itself: where all of
  // it was last cleared (ED 2, ED from the top left, RIS, the alternate screen
  // entered), or 0.  Leaving the alternate screen brings back the primary
  // screen's.
  uint64_t last_clear() const { return last_clear_; }
  // An offset in the sequence that drew the last picture on this screen (sixel,
  // kitty's), which no model keeps; 0 if there was none.
  uint64_t last_picture() const { return last_picture_; }
  // The offset at which the last sequence ended that asks the terminal
  // something (lib/term/queries.h); 0 if there was none.
  uint64_t last_query() const { return last_query_; }
  // The offset after the last BEL that rings, and doesn't end a string; 0 if
  // there was none.
  uint64_t last_bell() const { return last_bell_; }
  // Whether the program wrote with the usual pen at this offset and has done so
  // ever since; false if that isn't known.
  bool has_usual_pen_since(uint64_t offset) const {
    return usual_pen_ && !modes_.guard().on() && pen_set_ <= offset;
  }

 private:
  const char* SkipPlain(const char* p, const char* end) const;
  const char* SkipCsi(const char* p, const char* end);
  void ScanByte(char c, uint64_t at, OnQuery on_query);
  void Act(SequenceParser::Event event, uint64_t begin);
  void MoveOrErase(uint64_t begin);

  uint64_t offset_ = 0;
  uint64_t begin_ = 0;  // of the sequence that isn't whole
  // A CUP to the top left began and ended here.
  uint64_t home_begin_ = 0;
  uint64_t home_end_ = 0;
  uint64_t last_clear_ = 0;
  uint64_t primary_clear_ = 0;
  uint64_t last_picture_ = 0;
  uint64_t primary_picture_ = 0;
  uint64_t last_query_ = 0;
  uint64_t last_bell_ = 0;
  uint64_t pen_set_ = 0;  // the last time
  bool usual_pen_ = true;
  SequenceParser parser_;
  Utf8Decoder utf8_;
  Modes modes_;
};

}  // namespace deptyr
