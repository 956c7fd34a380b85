// Writes what a session's programs show to the file NAME.log in head's folder
// of logs, and what happens to the session.
//
//   LogFolder folder;
//   FileLog log(loop, ring, program, {&folder, /*stamps=*/true}, "mc", [] {});
//   log.Begin({24, 80});
//   log.OnChange({Change::kStarted});
//
// Lines wait for a file that can't be written to, as they do for a log that is
// slow.  If the file loses its name, a new one is made: when there is something
// to write after a second, or at once by Reopen().
#pragma once

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/session/current_program.h"
#include "lib/session/observer.h"
#include "lib/session/ring.h"
#include "lib/session/session_client.h"
#include "lib/session/session_log.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/log_folder.h"

namespace deptyr {

struct FileLogOptions {
  const LogFolder* folder = nullptr;  // none, or one that isn't open: no logs
  bool stamps = false;                // the time before each line
};

class FileLog final : public Observer {
 public:
  FileLog(EventLoop& loop, Ring& ring, const CurrentProgram& program,
          FileLogOptions options, std::string name,
          absl::AnyInvocable<void()> changed)
      : ring_(ring),
        program_(program),
        options_(options),
        name_(std::move(name)),
        file_(absl::StrCat(name_, ".log")),
        log_(loop, ring, std::move(changed),
             options.stamps ? SessionLog::Stamps::kLocalTime
                            : SessionLog::Stamps::kNone) {}

  // The last program's lines go to the file.
  void Begin(WindowSize size);
  // Goes on with the lines in that spool.
  void Resume(Fd spool, WindowSize size);
  // Writes a line of ours about it, while there is a program's.
  void OnChange(const Change& change);
  void End(absl::string_view line) { log_.End(line); }
  void Reopen();

  bool open() const { return log_.open(); }
  int spool() const { return log_.spool(); }

  void OnOutput() override;
  void OnResize(WindowSize size) override { log_.OnResize(size); }

 private:
  bool wanted() const {
    return options_.folder != nullptr && options_.folder->is_open();
  }
  absl::StatusOr<LogSink> OpenFile();
  // "" for a change that the log needn't tell.
  std::string TextOf(const Change& change) const;

  const Ring& ring_;
  const CurrentProgram& program_;
  const FileLogOptions options_;
  const std::string name_;
  const std::string file_;
  SessionLog log_;
  Clock::time_point looked_;  // when the file last was known to have its name
};

}  // namespace deptyr
