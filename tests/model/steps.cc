// Appends each step to the file $DEPTYR_STEPS: the process, the session, the
// step and its two values.  A line is written by one write(2), so what is there
// when the process is killed is whole.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

#include "lib/base/step.h"

namespace deptyr {

void TellStep(absl::string_view session, absl::string_view step, uint64_t value,
              uint64_t other) {
  static const int file = [] {
    const char* const path = std::getenv("DEPTYR_STEPS");
    if (path == nullptr) return -1;
    return ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }();
  const std::string line = absl::StrCat(::getpid(), " ", session, " ", step,
                                        " ", value, " ", other, "\n");
  (void)!::write(file, line.data(), line.size());
}

}  // namespace deptyr
