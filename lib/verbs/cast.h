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

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"

namespace deptyr {

// JSON holds whole characters, so the beginning of one is kept until its end
// comes.
class CastWriter {
 public:
  static std::string Header(WindowSize size, absl::Time start,
                            absl::string_view title);
  std::string Output(absl::Duration at, absl::string_view bytes);
  static std::string Resized(absl::Duration at, WindowSize size);
  // An event that asciinema calls a marker.
  static std::string Mark(absl::Duration at, absl::string_view text);

 private:
  Utf8Decoder decoder_;
  std::string rest_;
};

}  // namespace deptyr
