#include "lib/base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"

#include "lib/base/utf8.h"

namespace deptyr {
namespace {

// What a pipe takes whole or not at all is PIPE_BUF, 4096 bytes; the rest is
// for the prefixes.  A line cut in two would have the next one in its middle.
constexpr size_t kLongestLine = 4000;

struct Sink {
  int fd = -1;
  bool is_socket = false;
  bool is_journal = false;
  bool may_block = false;
  bool was_cut = false;
  uint64_t lost = 0;
};

Sink& TheSink() {
  static Sink sink;
  return sink;
}

// sd-daemon(3): JOURNAL_STREAM holds device:inode of the journal's socket, so
// that a program whose stderr was redirected since can tell.
bool IsJournal(const struct stat& file) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  return stream != nullptr &&
         stream == absl::StrFormat("%d:%d", file.st_dev, file.st_ino);
}

// Whether a write of a line, so of less than PIPE_BUF bytes, would not block
// now.
bool HasRoom(int fd) {
  pollfd question{fd, POLLOUT, 0};
  return ::poll(&question, 1, 0) == 1;
}

// What a line had no room for (a disk that is full) is given up, and the next
// begins a line of its own.
bool Write(Sink& sink, const std::string& line) {
  if (sink.may_block && !HasRoom(sink.fd)) return false;
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

// How many of the first bytes are UTF-8, without U+0080 to U+009F, of which a
// terminal takes one for the begin of a sequence.
size_t WithoutControls(absl::string_view text) {
  constexpr char32_t kFirstControl = 0x80;
  constexpr char32_t kLastControl = 0x9f;
  Utf8Decoder decoder;
  size_t size = 0;  // that of whole characters
  for (size_t i = 0; i < text.size(); ++i) {
    const auto result = decoder.Take(text[i]);
    if (result == Utf8Decoder::Result::kMore) continue;
    const char32_t character = decoder.character();
    if (result != Utf8Decoder::Result::kCharacter ||
        (character >= kFirstControl && character <= kLastControl)) {
      break;
    }
    size = i + 1;
  }
  return size;
}

}  // namespace

std::string JournalPrefix(int fd, Severity severity) {
  struct stat file {};
  if (::fstat(fd, &file) != 0 || !IsJournal(file)) return "";
  return absl::StrCat("<", static_cast<int>(severity), ">");
}

void LogToStandardError() {
  LogNowhere();
  Sink& sink = TheSink();
  struct stat file {};
  if (::fstat(STDERR_FILENO, &file) != 0) return;
  sink.is_socket = S_ISSOCK(file.st_mode);
  sink.is_journal = IsJournal(file);
  // O_NONBLOCK belongs to the open file, which others share; so open it anew.
  // A socket can't be opened, there each send says MSG_DONTWAIT.
  sink.fd = sink.is_socket
                ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                : ::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK |
                                                O_NOCTTY | O_CLOEXEC);
  if (sink.fd >= 0) return;
  // Another user's: a pipe to a logger, made before we became who we are.
  sink.fd = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  sink.may_block = true;
}

void LogNowhere() {
  Sink& sink = TheSink();
  if (sink.fd >= 0) (void)::close(sink.fd);
  sink = Sink();
}

void LogLine(Severity severity, absl::string_view line) {
  Sink& sink = TheSink();
  if (sink.fd < 0) return;
  line = line.substr(0, kLongestLine);
  const std::string prefix =
      sink.is_journal ? absl::StrCat("<", static_cast<int>(severity), ">") : "";
  if (sink.lost > 0) {
    if (!Write(sink, absl::StrCat(prefix, "deptyr: ", sink.lost,
                                  " log lines lost: the log was full\n"))) {
      ++sink.lost;
      return;
    }
    sink.lost = 0;
  }
  if (!Write(sink, absl::StrCat(prefix, "deptyr: ", line, "\n"))) ++sink.lost;
}

void LogToSyslog(Severity severity, const std::string& line) {
  ::openlog("deptyr", LOG_PID, LOG_DAEMON);
  ::syslog(static_cast<int>(severity), "%s", line.c_str());
  ::closelog();
}

std::string Printable(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const absl::string_view fine = text.substr(0, WithoutControls(text));
    printable += absl::Utf8SafeCHexEscape(fine);
    text.remove_prefix(fine.size());
    if (text.empty()) break;
    printable += absl::StrFormat("\\x%02x", static_cast<uint8_t>(text[0]));
    text.remove_prefix(1);
  }
  return printable;
}

}  // namespace deptyr
