// Writes what a session's programs show to the file NAME.log in head's folder
// of logs, and what happens to the session.
//
//   LogFolder folder;
//   FileLog log(loop, ring, {&folder, /*stamps=*/true}, "mc", [] {});
//   log.Begin({24, 80});
//   log.Mark("client=1 attached");
//
// A file that can't be written to, or not any more, keeps lines waiting, as a
// log does that is slow.  Where it lost its name, a new one is
// made, soon after that, or at once by Reopen().
#pragma once

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/session/observer.h"
#include "lib/session/ring.h"
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
  FileLog(EventLoop& loop, Ring& ring, FileLogOptions options, std::string name,
          absl::AnyInvocable<void()> changed)
      : options_(options),
        name_(std::move(name)),
        file_(absl::StrCat(name_, ".log")),
        log_(loop, ring, std::move(changed),
             options.stamps ? SessionLog::Stamps::kLocalTime
                            : SessionLog::Stamps::kNone) {}

  // The last program's lines go to the file.
  void Begin(WindowSize size);
  // Goes on with the lines in that spool.
  void Resume(Fd spool, WindowSize size);
  // A line of ours, while there is a program's.
  void Mark(absl::string_view text);
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

  const FileLogOptions options_;
  const std::string name_;
  const std::string file_;
  SessionLog log_;
  Clock::time_point looked_;  // when the file last was known to have its name
};

}  // namespace deptyr
