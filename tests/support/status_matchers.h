// Matches an absl::Status or absl::StatusOr.
//
//   ASSERT_THAT(socket, IsOk());
//   EXPECT_THAT(Listen(path, {}), StatusIs(absl::StatusCode::kAlreadyExists,
//                                          HasSubstr("already served")));
//   Pty pty = Value(OpenPty({}));      // when the test is about something else
#pragma once

#include <cstdlib>
#include <iostream>
#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <gmock/gmock.h>

namespace deptyr {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

namespace internal {

MATCHER_P2(StatusIsMatcher, code, message, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         testing::SafeMatcherCast<const std::string&>(message).Matches(
             std::string(status.message()));
}

}  // namespace internal

template <typename Message>
auto StatusIs(absl::StatusCode code, Message message) {
  return internal::StatusIsMatcher(code, message);
}
inline auto StatusIs(absl::StatusCode code) {
  return internal::StatusIsMatcher(code, testing::_);
}

// Returns the value; without one the test program ends.
template <typename T>
T Value(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::cerr << "no value: " << result.status() << std::endl;
    std::abort();
  }
  return *std::move(result);
}

}  // namespace deptyr
