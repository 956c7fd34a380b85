// Goes on as a copy of this program that is in memory and that nobody can
// change.
//
//   RETURN_IF_ERROR(ContinueInSealedCopy({"deptyr", "exec", "game", "sh"}));
//
// A process that root takes into a container is seen there, and its file with
// it
// (/proc/PID/exe): whoever is root there, too, could write into the program
// that root runs outside, also by having it executed once more (a script that
// begins with #!/proc/self/exe).
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace deptyr {

// Executes the copy with these words, the first of which is the program's name,
// in this process; what isn't close-on-exec stays.  Returns OK at once in a
// process that is such a copy, and else only if it failed.
absl::Status ContinueInSealedCopy(const std::vector<std::string>& argv);

}  // namespace deptyr
