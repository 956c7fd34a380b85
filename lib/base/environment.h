// Reads a variable of the environment.
//
//   const std::string socket = FromEnvironment("DEPTYR_SOCKET");
#pragma once

#include <cstdlib>
#include <string>

namespace deptyr {

// Returns "" if there is none; an empty one stands for none, too.
inline std::string FromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace deptyr
