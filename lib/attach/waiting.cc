#include "lib/attach/waiting.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/attach/notice.h"
#include "lib/base/log.h"
#include "lib/sys/terminal.h"

namespace deptyr {

Timer SayWaiting(EventLoop& loop, std::string what, absl::Duration limit) {
  if (limit < absl::InfiniteDuration()) {
    absl::StrAppend(&what, ", at most ", absl::FormatDuration(limit));
  }
  // An answer that comes at once needs no word, and a script none at all.
  return loop.After(absl::Seconds(1), [what = std::move(what)] {
    if (!IsTerminal(STDERR_FILENO)) return;
    // The terminal may be raw.
    std::fprintf(
        stderr, "%s\r\n",
        Printable(OwnLine(absl::StrCat("waiting for ", what))).c_str());
  });
}

}  // namespace deptyr
