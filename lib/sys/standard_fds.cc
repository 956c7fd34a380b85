#include "lib/sys/standard_fds.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace deptyr {

OriginalStderr::OriginalStderr()
    : fd_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) {
  for (;;) {
    // The lowest free number; close-on-exec, so it is closed again then.
    Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid() || null.get() > STDERR_FILENO) return;
    (void)null.Release();
  }
}

void OriginalStderr::Say(absl::string_view line, Severity severity) const {
  if (!fd_.valid()) return;
  const std::string text =
      absl::StrCat(JournalPrefix(fd_.get(), severity), Printable(line), "\n");
  // A log that has reached its limit is no reason to end.
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  (void)!::write(fd_.get(), text.data(), text.size());
  if (before != SIG_ERR) (void)::signal(SIGXFSZ, before);
}

}  // namespace deptyr
