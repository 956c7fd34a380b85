#include "lib/base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"

#include "lib/base/utf8.h"

namespace deptyr {
namespace {

// A pipe takes PIPE_BUF bytes, 4096, whole or not at all; the rest of that is
// for the prefixes.  A line that was cut in two would have another in its
// middle.
constexpr size_t kLongestLine = 4000;

struct Sink {
  int fd = -1;
  bool is_socket = false;
  bool may_block = false;
  bool was_cut = false;
  uint64_t lost = 0;
};
constinit Sink sink;

// If there is no room for all of a line (on a full disk), the rest is given up,
// and the next one begins a line of its own.
bool Write(const std::string& line) {
  // A line is shorter than PIPE_BUF: what is writable takes it.
  pollfd room{sink.fd, POLLOUT, 0};
  if (sink.may_block && ::poll(&room, 1, 0) != 1) return false;
  const std::string bytes = sink.was_cut ? absl::StrCat("\n", line) : line;
  const ssize_t written = sink.is_socket
                              ? ::send(sink.fd, bytes.data(), bytes.size(),
                                       MSG_DONTWAIT | MSG_NOSIGNAL)
                              : ::write(sink.fd, bytes.data(), bytes.size());
  if (written <= 0) return false;
  const auto size = static_cast<size_t>(written);
  sink.was_cut = bytes[size - 1] != '\n';
  return size == bytes.size();
}

// These characters are invisible, and change what is seen around them.
bool IsHidden(char32_t character) {
  constexpr std::pair<char32_t, char32_t> kHidden[] = {
      {0x00, 0x1f},        // controls
      {0x7f, 0x9f},        // DEL; a terminal begins a sequence at U+009B, too
      {0x61c, 0x61c},      // marks of direction, which
      {0x200e, 0x200f},    //   move the text beside them
      {0x2028, 0x202e},    // ends of lines; embeddings, overrides of direction
      {0x2066, 0x206f},    // isolates, and their predecessors
      {0xfff9, 0xfffb},    // annotations
      {0xe0000, 0xe007f},  // tags: ASCII that nothing shows
  };
  return absl::c_any_of(kHidden, [character](const auto& range) {
    return range.first <= character && character <= range.second;
  });
}

// How many of the first bytes are whole, visible characters.
size_t ShownBytes(absl::string_view text) {
  Utf8Decoder decoder;
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto result = decoder.Take(text[i]);
    if (result == Utf8Decoder::Result::kMore) continue;
    if (result != Utf8Decoder::Result::kCharacter ||
        IsHidden(decoder.character())) {
      break;
    }
    size = i + 1;
  }
  return size;
}

}  // namespace

std::string JournalPrefix(int fd, Severity severity) {
  // It holds device:inode of the journal's socket, so that a program can tell
  // when its standard error was redirected (sd-daemon(3)).
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream == nullptr || ::fstat(fd, &file) != 0 ||
      stream != absl::StrCat(file.st_dev, ":", file.st_ino)) {
    return "";
  }
  return absl::StrCat("<", static_cast<int>(severity), ">");
}

void LogToStandardError() {
  LogNowhere();
  struct stat file {};
  if (::fstat(STDERR_FILENO, &file) != 0) return;
  sink.is_socket = S_ISSOCK(file.st_mode);
  // O_NONBLOCK belongs to the open file, which others share, so open it anew.
  // A socket can't be opened; for it each send says MSG_DONTWAIT.
  sink.fd = sink.is_socket
                ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                : ::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK |
                                                O_NOCTTY | O_CLOEXEC);
  if (sink.fd >= 0) return;
  // It belongs to another user, like a pipe to a logger that was made before we
  // changed our user.
  sink.fd = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  sink.may_block = true;
}

void LogNowhere() {
  if (sink.fd >= 0) (void)::close(sink.fd);
  sink = Sink();
}

void LogLine(Severity severity, absl::string_view line) {
  if (sink.fd < 0) return;
  const auto write = [&](const auto&... parts) {
    return Write(absl::StrCat(JournalPrefix(sink.fd, severity),
                              "deptyr: ", parts..., "\n"));
  };
  if (sink.lost > 0 && write(sink.lost, " log lines lost: the log was full")) {
    sink.lost = 0;
  }
  if (sink.lost > 0 || !write(Printable(line).substr(0, kLongestLine))) {
    ++sink.lost;
  }
}

void LogToSyslog(Severity severity, const std::string& line) {
  ::openlog("deptyr", LOG_PID, LOG_DAEMON);
  ::syslog(static_cast<int>(severity), "%s", Printable(line).c_str());
  ::closelog();
}

std::string Printable(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const absl::string_view shown = text.substr(0, ShownBytes(text));
    const absl::string_view hidden = text.substr(shown.size(), 1);
    absl::StrAppend(&printable, absl::StrReplaceAll(shown, {{"\\", "\\\\"}}),
                    absl::CHexEscape(hidden));
    text.remove_prefix(shown.size() + hidden.size());
  }
  return printable;
}

bool IsPrintable(absl::string_view text) {
  return ShownBytes(text) == text.size();
}

}  // namespace deptyr
