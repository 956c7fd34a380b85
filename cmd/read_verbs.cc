// The verbs that read: snapshot, history, record.

#include <cstdio>
#include <string>

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/verbs/history.h"
#include "lib/verbs/record.h"
#include "lib/verbs/snapshot.h"

namespace deptyr {

int SnapshotCommand(int argc, char** argv) {
  SnapshotOptions snapshot;
  Options options("snapshot", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Prints SESSION's (your newest's) screen.");
  options.OneOf("format", "FORMAT", &snapshot.render, kSnapshotFormats);
  options.Flag("last", &snapshot.last,
               "print the screen that the last program to end left");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    snapshot.where = target.where;
    const absl::StatusOr<std::string> picture = TakeSnapshot(snapshot);
    RETURN_IF_ERROR(picture.status());
    std::fwrite(picture->data(), 1, picture->size(), stdout);
    return absl::OkStatus();
  });
}

int HistoryCommand(int argc, char** argv) {
  HistoryOptions history;
  Options options("history", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Prints what head remembers of SESSION's (your newest's) "
                  "output.");
  options.Value("n,lines", "N", &history.lines, ParseCount,
                "only the last N lines");
  options.Value("bytes", "N", &history.bytes, ParseBytes,
                "only the last N bytes (all there are)");
  options.Value("from", "OFFSET", &history.from, ParseOffset,
                "from this offset of the stream on");
  options.Value("until", "OFFSET", &history.until, ParseOffset,
                "up to this offset of the stream");
  options.Flag("f,follow", &history.follow, "go on with new output");
  options.Flag("text", &history.text, "only the lines that a terminal showed");
  options.Value("wait", "SECONDS", &history.wait, ParseSeconds,
                "wait so long for a session that isn't there yet");
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        if (history.bytes && history.from) {
          return absl::InvalidArgumentError(
              "--bytes and --from both say where to begin; see --help");
        }
        history.where = target.where;
        return RunHistory(history);
      });
}

int RecordCommand(int argc, char** argv) {
  RecordOptions record;
  Options options("record", "[OPTION]... [HEAD-SOCKET] SESSION [FILE]",
                  "Records SESSION as an asciicast, until it is interrupted.");
  options.Flag("once", &record.once, "exit when the program does");
  options.Value("wait", "SECONDS", &record.wait, ParseSeconds,
                "how long to wait for a head that went away (30)");
  options.Flag("overwrite", &record.overwrite, "overwrite FILE");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    record.where = target.where;
    if (!target.rest.empty()) record.file = target.rest[0];
    return RunRecord(record);
  });
}

}  // namespace deptyr
