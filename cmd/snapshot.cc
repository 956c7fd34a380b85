// The verbs that read: snapshot, history, record.

#include "lib/verbs/snapshot.h"

#include <cstdio>
#include <string>

#include "cmd/client.h"
#include "cmd/commands.h"
#include "lib/base/status.h"
#include "lib/verbs/record.h"

namespace deptyr {
int SnapshotCommand(int argc, char** argv) {
  SnapshotOptions snapshot;
  Options options("snapshot", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Prints SESSION's (your newest's) screen.");
  options.OneOf("format", "FORMAT", &snapshot.render, kSnapshotFormats);
  options.Flag("last", &snapshot.last,
               "as the last program that ended left it");
  return RunVerb(options, "snapshot", 0, argc, argv,
                 [&](const Target& where) -> absl::StatusOr<int> {
                   snapshot.head = where.head;
                   snapshot.session = where.session;
                   ASSIGN_OR_RETURN(const std::string picture,
                                    TakeSnapshot(snapshot));
                   std::fwrite(picture.data(), 1, picture.size(), stdout);
                   return 0;
                 });
}

int HistoryCommand(int argc, char** argv) {
  HistoryOptions history;
  size_t bytes = 0;
  Options options("history", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Prints what head remembers of SESSION's (your newest's) "
                  "output.");
  options.Value("bytes", "N", &bytes, ParseBytes,
                "only the last N bytes (all there are)");
  options.Flag("follow", &history.follow, "and then what comes");
  options.Flag("text", &history.text, "without escape sequences");
  options.Value("wait", "SECONDS", &history.wait, ParseSeconds,
                "with --follow, for a head that went away (30)");
  return RunVerb(options, "history", 0, argc, argv,
                 [&](const Target& where) -> absl::StatusOr<int> {
                   history.head = where.head;
                   history.session = where.session;
                   history.bytes = bytes;
                   RETURN_IF_ERROR(RunHistory(history));
                   return 0;
                 });
}

int RecordCommand(int argc, char** argv) {
  RecordOptions record;
  Options options("record", "[OPTION]... [HEAD-SOCKET] SESSION [FILE]",
                  "Records SESSION as an asciicast, until it is interrupted.");
  options.Flag("once", &record.once, "end with the program");
  options.Value("wait", "SECONDS", &record.wait, ParseSeconds,
                "how long to wait for a head that went away (30)");
  options.Flag("overwrite", &record.overwrite, "FILE may be there already");
  return RunVerb(
      options, "record", 1, argc, argv,
      [&](const Target& where) -> absl::StatusOr<int> {
        if (where.session.empty()) {
          return absl::InvalidArgumentError("no SESSION; see --help");
        }
        record.head = where.head;
        record.session = where.session;
        if (!where.rest.empty()) record.file = where.rest[0];
        RETURN_IF_ERROR(RunRecord(record));
        return 0;
      });
}

}  // namespace deptyr
