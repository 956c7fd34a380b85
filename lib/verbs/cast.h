// A recording: asciicast v2, a line for the whole and one for every event.
//
//   out = CastWriter::Header(size, absl::Now(), "title");
//   CastWriter cast;
//   out += cast.Output(since_start, bytes);
//
// Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"

namespace deptyr {

// A JSON text holds characters: one that reads cut is kept until it is whole.
class CastWriter {
 public:
  static std::string Header(WindowSize size, absl::Time start,
                            absl::string_view title);
  std::string Output(absl::Duration at, absl::string_view bytes);
  static std::string Resized(absl::Duration at, WindowSize size);
  // asciinema calls it a marker.
  static std::string Mark(absl::Duration at, absl::string_view text);

 private:
  Utf8Decoder decoder_;
  std::string rest_;
};

}  // namespace deptyr
