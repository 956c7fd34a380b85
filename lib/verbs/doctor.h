// Looks at everything that deptyr needs here, and says what to do about what is
// missing: the kernel, PTYs, HEAD-SOCKET, head and its version, the keeper, the
// limits, the unit.
//
//   for (const Finding& finding : Examine("", "deptyr 0.1.0")) {
//     if (finding.state == Finding::kFails) return false;
//   }
#pragma once

#include <string>
#include <vector>

namespace deptyr {

struct Finding {
  enum State {
    kOk,
    kNote,   // it works, but somebody may miss something
    kFails,  // nothing or not everything works
  } state = kOk;
  std::string about = {};  // a word or two
  std::string text = {};
  std::string advice = {};  // what to do; "" if nothing has to be done
};

// `head` is HEAD-SOCKET, or "" for where head usually is; `version` is the
// client's.  Blocking; changes nothing.
std::vector<Finding> Examine(const std::string& head,
                             const std::string& version);

// A line for each finding.
std::string FindingsText(const std::vector<Finding>& findings);
// An object with `findings`, each with `about`, `state`, `text` and `advice`.
std::string FindingsJson(const std::vector<Finding>& findings);

}  // namespace deptyr
