#include "lib/attach/typed_keys.h"

#include <utility>

namespace deptyr {
namespace {

// As head does for its own terminal: a paste for a program that doesn't read is
// kept so far.  Beyond that the terminal isn't read, not even for the detach
// key.
constexpr size_t kMostUntyped = 1 << 20;

}  // namespace

void TypedKeys::Type(absl::string_view bytes) {
  if (bytes.empty()) return;
  if (head_.away()) {
    waiting_.append(bytes.data(), bytes.size());
    return;
  }
  head_.SendKeys(bytes);
  sent_ = true;
}

void TypedKeys::End() {
  ended_ = true;
  if (!head_.away()) head_.CloseSending();
}

void TypedKeys::SendWaiting() {
  Type(std::exchange(waiting_, ""));
  if (ended_) End();
}

void TypedKeys::OnAway() {
  may_be_lost_ = may_be_lost_ || sent_;
  sent_ = false;
}

bool TypedKeys::full() const {
  return (head_.away() ? waiting_.size() : head_.unsent()) >= kMostUntyped;
}

}  // namespace deptyr
