// Which session of which head a client means.
#pragma once

#include <string>

namespace deptyr {

struct SessionAddress {
  std::string head = {};     // HEAD-SOCKET; "": where head usually is
  std::string session = {};  // "": the user's own that registered last
};

}  // namespace deptyr
