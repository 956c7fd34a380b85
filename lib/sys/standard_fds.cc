#include "lib/sys/standard_fds.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace deptyr {

OriginalStderr::OriginalStderr() : fd_(Duplicate(STDERR_FILENO)) {
  for (;;) {
    // open() takes the lowest free number; close-on-exec frees it again later.
    Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid() || null.get() > STDERR_FILENO) return;
    (void)null.Release();
  }
}

void OriginalStderr::Say(absl::string_view line, Severity severity) const {
  if (!fd_.valid()) return;
  const std::string text =
      absl::StrCat(JournalPrefix(fd_.get(), severity), Printable(line), "\n");
  // A log that has reached its size limit is no reason to die.
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  (void)!::write(fd_.get(), text.data(), text.size());
  if (before != SIG_ERR) (void)::signal(SIGXFSZ, before);
}

}  // namespace deptyr
