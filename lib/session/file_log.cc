#include "lib/session/file_log.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/argv.h"
#include "lib/base/log.h"
#include "lib/base/status.h"

namespace deptyr {
namespace {

constexpr mode_t kFileMode = 0640;
// How long lines may still go to a file that was renamed.
constexpr Clock::duration kRenamedFor = std::chrono::seconds(1);

}  // namespace

absl::StatusOr<LogSink> FileLog::OpenFile() {
  looked_ = Clock::now();
  ASSIGN_OR_RETURN(Fd file, options_.folder->OpenFile(file_, kFileMode));
  return LogSink::ForFile(std::move(file));
}

void FileLog::Begin(WindowSize size) {
  if (!wanted()) return;
  auto file = OpenFile();
  // The rest of a line may still wait in the log of the program before.
  if (file.ok() && !log_.open()) EndCutLine(file->fd());
  const absl::Status begun =
      file.ok() ? log_.Begin(*std::move(file), "text", size) : file.status();
  if (begun.ok()) return;
  Log(Severity::kError, "session=", name_,
      " has no log file: ", begun.message());
}

void FileLog::Resume(Fd spool, WindowSize size) {
  if (!spool.valid() || !wanted()) return;
  log_.Resume(OpenFile(), std::move(spool), {}, size);
}

void FileLog::OnChange(const Change& change) {
  if (!log_.open()) return;
  const std::string text = TextOf(change);
  if (!text.empty()) log_.Mark(absl::StrCat("deptyr: ", text, "\n"));
}

std::string FileLog::TextOf(const Change& change) const {
  const SessionClient* const client = change.client;
  if (change.kind == Change::kStarted) {
    return absl::StrCat(
        "pid ", program_.pid(), " started: ",
        Printable(absl::StrJoin(SplitArgv(program_.argv()), " ")));
  }
  if (change.kind == Change::kAttached) {
    const auto who = client->Info().identity.value_or(PeerIdentity());
    return absl::StrCat("client ", client->id(), " of uid ", UidText(who.uid),
                        ", pid ", who.pid, ", attached");
  }
  if (change.kind == Change::kDetached) {
    return absl::StrCat("client ", client->id(), " left");
  }
  if (change.kind == Change::kResized) {
    const RingState& state = ring_.state();
    return absl::StrCat("the size is ", state.rows, "x", state.cols);
  }
  return "";
}

void FileLog::OnOutput() {
  if (!log_.open()) return;
  if (Clock::now() - looked_ > kRenamedFor) {
    looked_ = Clock::now();
    if (!options_.folder->HasName(file_, log_.descriptor())) Reopen();
  }
  log_.OnOutput();
}

void FileLog::Reopen() {
  if (!log_.open() || !wanted()) return;
  auto file = OpenFile();
  if (file.ok()) return log_.Replace(*std::move(file));
  Log(Severity::kError, "session=", name_,
      " goes on in its old log file: ", file.status().message());
}

}  // namespace deptyr
