#include "lib/base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <string>

#include "absl/strings/str_format.h"
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
  bool is_journal = false;
  bool may_block = false;
  bool was_cut = false;
  uint64_t lost = 0;
};

Sink& TheSink() {
  static Sink sink;
  return sink;
}

// JOURNAL_STREAM holds device:inode of the journal's socket, so that a program
// can tell when its standard error was redirected (sd-daemon(3)).
bool IsJournal(const struct stat& file) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  return stream != nullptr &&
         stream == absl::StrFormat("%d:%d", file.st_dev, file.st_ino);
}

// Whether writing a line would not block now; a line is shorter than PIPE_BUF.
bool HasRoom(int fd) {
  pollfd question{fd, POLLOUT, 0};
  return ::poll(&question, 1, 0) == 1;
}

// If there is no room for all of a line (on a full disk), the rest is given up,
// and the next one begins a line of its own.
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

// These characters are invisible, and change what is seen around them.
bool IsHidden(char32_t character) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  constexpr Range kHidden[] = {
      {0x00, 0x1f},        // controls
      {0x7f, 0x9f},        // DEL; a terminal begins a sequence at U+009B, too
      {0x61c, 0x61c},      // marks of direction, which
      {0x200e, 0x200f},    //   move the text beside them
      {0x2028, 0x202e},    // ends of lines; embeddings, overrides of direction
      {0x2066, 0x206f},    // isolates, and their predecessors
      {0xfff9, 0xfffb},    // annotations
      {0xe0000, 0xe007f},  // tags: ASCII that nothing shows
  };
  return std::any_of(
      std::begin(kHidden), std::end(kHidden), [character](const Range& range) {
        return range.first <= character && character <= range.last;
      });
}

std::string Escaped(char byte) {
  if (byte == '\n') return "\\n";
  if (byte == '\r') return "\\r";
  if (byte == '\t') return "\\t";
  return absl::StrFormat("\\x%02x", static_cast<uint8_t>(byte));
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
  Sink& sink = TheSink();
  if (sink.fd >= 0) (void)::close(sink.fd);
  sink = Sink();
}

void LogLine(Severity severity, absl::string_view line) {
  Sink& sink = TheSink();
  if (sink.fd < 0) return;
  const std::string shown = Printable(line).substr(0, kLongestLine);
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
  if (!Write(sink, absl::StrCat(prefix, "deptyr: ", shown, "\n"))) ++sink.lost;
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
    printable += absl::StrReplaceAll(shown, {{"\\", "\\\\"}});
    text.remove_prefix(shown.size());
    if (text.empty()) break;
    printable += Escaped(text[0]);
    text.remove_prefix(1);
  }
  return printable;
}

bool IsPrintable(absl::string_view text) {
  return ShownBytes(text) == text.size();
}

}  // namespace deptyr
