// Writes a recording as an asciicast: one line about the whole recording, then
// a line for each event, with the time since the recording began.
//
//   CastWriter writer(CastVersion::k2);
//   std::string cast = writer.Header({24, 80}, absl::Now(), "title");
//   cast += writer.Output(absl::Seconds(1), "hello\r\n");
//
// Pure.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"
#include "lib/render/json.h"

namespace deptyr {

class CastWriter {
 public:
  explicit CastWriter(CastVersion version) : version_(version) {}

  std::string Header(WindowSize size, absl::Time start,
                     absl::string_view title) const {
    return CastHeaderJson(version_, size, start, title) + "\n";
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
  std::string Resized(absl::Duration at, WindowSize size) {
    return Line(at, 'r', absl::StrCat(size.cols, "x", size.rows));
  }
  // An event that asciinema calls a marker.
  std::string Mark(absl::Duration at, absl::string_view text) {
    return Line(at, 'm', text);
  }
  // The program has exited with this status, and nothing follows.  Version 2
  // has no event for that.
  std::string Exit(absl::Duration at, int status) {
    return version_ == CastVersion::k2 ? ""
                                       : Line(at, 'x', absl::StrCat(status));
  }

 private:
  std::string Line(absl::Duration at, char kind, absl::string_view text) {
    // The parts that are cut off here would add up otherwise.
    at = absl::Trunc(at, absl::Microseconds(1));
    const absl::Duration before = std::exchange(last_, at);
    const absl::Duration time = version_ == CastVersion::k3 ? at - before : at;
    return CastEventJson(time, kind, text) + "\n";
  }

  const CastVersion version_;
  absl::Duration last_ = absl::ZeroDuration();
  Utf8Decoder decoder_;
  std::string rest_;
};

}  // namespace deptyr
