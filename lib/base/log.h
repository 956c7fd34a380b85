// Logs one line per event to standard error.
//
//   Log(Severity::kInfo, "session=", name, " pid=", pid, " registered");
//
// If standard error is the journal (JOURNAL_STREAM, sd-daemon(3)), every line
// starts with <N>, its severity.  Writing never blocks: a reader of our log
// that has stopped must not stop the programs whose terminals we hold.  Lines
// that found no room are counted, and the next line says how many.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// These are the numbers of syslog(3).
enum class Severity { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6 };

// Sends lines to standard error, as it is at the time of this call, without
// blocking.  Nothing is logged before the first call.
void LogToStandardError();
// Logs nothing from now on, so that a terminal in use isn't written over.
void LogNowhere();

// Writes the line as Printable() shows it.
void LogLine(Severity severity, absl::string_view line);

// Sends a line to syslog(3), for when standard error may lead nowhere any more.
void LogToSyslog(Severity severity, const std::string& line);
// The prefix that tells the journal the severity of a line on `fd`, "<3>", or
// "" if fd isn't the journal.  LogLine() adds it by itself.
std::string JournalPrefix(int fd, Severity severity);

// Returns `text` with everything made visible that a terminal would obey or a
// reader wouldn't see: controls, bytes that aren't UTF-8, and characters that
// are invisible or reverse the direction of text become \xNN, byte by byte (\n,
// \r, \t), and a backslash becomes \\.
//
// The rule: text is carried as it is, wherever it came from, in messages,
// rings, statuses and arguments of Log().  It is made printable once, where
// people see it: by LogLine(), by OriginalStderr::Say(), by views, tables and
// pages.
std::string Printable(absl::string_view text);
// Whether Printable() would change nothing except backslashes.
bool IsPrintable(absl::string_view text);

template <typename... Args>
void Log(Severity severity, const Args&... parts) {
  LogLine(severity, absl::StrCat(parts...));
}

}  // namespace deptyr
