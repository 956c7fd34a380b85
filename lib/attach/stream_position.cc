#include "lib/attach/stream_position.h"

#include <utility>
#include <variant>

#include "absl/strings/numbers.h"

namespace deptyr {

Attach StreamPosition::Return(Attach wish) {
  wish.stream = stream_;
  wish.offset = offset_;
  returns_ = true;
  return wish;
}

bool StreamPosition::Follow(const HeadMessage& message) {
  if (const auto* attached = std::get_if<Attached>(&message)) {
    Enter(*attached);
  } else if (const auto* output = std::get_if<Output>(&message)) {
    offset_ += output->bytes.size();
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    return Follow(notice->fields);
  }
  return true;
}

void StreamPosition::Enter(const Attached& attached) {
  // To a client that returns, notices tell what happened to programs meanwhile.
  const bool returned = std::exchange(returns_, false) &&
                        attached.stream == stream_ &&
                        attached.offset >= offset_;
  if (!returned) {
    number_ = attached.number;
    running_ = attached.running;
  }
  stream_ = attached.stream;
  offset_ = attached.offset;
}

bool StreamPosition::Follow(const KeyValues& notice) {
  const absl::string_view event = ValueOf(notice, "event");
  if (event == "missed") {
    (void)absl::SimpleAtoi(ValueOf(notice, "offset"), &offset_);
  }
  if (event != "started" && event != "ended") return true;
  uint64_t number = 0;
  (void)absl::SimpleAtoi(ValueOf(notice, "number"), &number);
  const bool starts = event == "started";
  if (number < number_ || (number == number_ && (starts || !running_))) {
    return false;
  }
  number_ = number;
  running_ = starts;
  return true;
}

}  // namespace deptyr
