// One line per event on standard error.
//
//   Log(Severity::kInfo, "session=", name, " pid=", pid, " registered");
//
// Where standard error is the journal (JOURNAL_STREAM, sd-daemon(3)) every line
// starts with <N>, its severity.  Writing never blocks: a reader of our log who
// has stopped must not stop the programs whose terminals we hold.  Lines that
// found no room are counted, and the count is the next line.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// The numbers are those of syslog(3).
enum class Severity { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6 };

// Where lines go from now on: the file behind standard error as it is at the
// time of the call, without blocking.  Before the first call nothing is logged.
void LogToStandardError();
// Nothing is logged from now on (a terminal in use must not be written over).
void LogNowhere();

// The line goes out as Printable() shows it.
void LogLine(Severity severity, absl::string_view line);

// One line to syslog(3), for when standard error may lead nowhere any more.
void LogToSyslog(Severity severity, const std::string& line);
// What a line on `fd` starts with for the journal to know its severity: "<3>"
// where fd is the journal, else "".  LogLine() sees to it by itself.
std::string JournalPrefix(int fd, Severity severity);

// `text` with everything that a terminal would obey, or a reader not see, made
// visible: controls, what isn't UTF-8, what turns the direction of text around
// and what nothing shows become \xNN, byte by byte (\n, \r, \t), a backslash
// becomes \\.
//
// The rule: text is carried as it is, whoever it came from, in messages, rings,
// statuses and arguments of Log(), and made printable once, where people see
// it: by LogLine(), by OriginalStderr::Say(), by views, tables and pages.
std::string Printable(absl::string_view text);
// Nothing but a backslash would be changed.
bool IsPrintable(absl::string_view text);

template <typename... Args>
void Log(Severity severity, const Args&... parts) {
  LogLine(severity, absl::StrCat(parts...));
}

}  // namespace deptyr
