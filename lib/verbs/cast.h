// Writes a recording as an asciicast of version 2: one line about the whole
// recording, then a line for each event.
//
//   std::string cast = CastWriter::Header({24, 80}, absl::Now(), "title");
//   CastWriter writer;
//   cast += writer.Output(absl::Seconds(1), "hello\r\n");
//
// Pure.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"
#include "lib/render/json.h"

namespace deptyr {

class CastWriter {
 public:
  static std::string Header(WindowSize size, absl::Time start,
                            absl::string_view title) {
    return CastHeaderJson(size, start, title) + "\n";
  }
  // JSON holds whole characters, so the beginning of one is kept until its end
  // comes.
  std::string Output(absl::Duration at, absl::string_view bytes) {
    for (const char byte : bytes) decoder_.Feed(byte, [](char32_t) {});
    absl::StrAppend(&rest_, bytes);
    const std::string whole =
        rest_.substr(0, rest_.size() - decoder_.pending());
    rest_.erase(0, whole.size());
    return whole.empty() ? "" : Line(at, 'o', whole);
  }
  static std::string Resized(absl::Duration at, WindowSize size) {
    return Line(at, 'r', absl::StrCat(size.cols, "x", size.rows));
  }
  // An event that asciinema calls a marker.
  static std::string Mark(absl::Duration at, absl::string_view text) {
    return Line(at, 'm', text);
  }

 private:
  static std::string Line(absl::Duration at, char kind,
                          absl::string_view text) {
    return CastEventJson(at, kind, text) + "\n";
  }

  Utf8Decoder decoder_;
  std::string rest_;
};

}  // namespace deptyr
