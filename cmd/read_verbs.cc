// The verbs that read: snapshot, history, record.

#include <cstdio>
#include <string>

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/verbs/history.h"
#include "lib/verbs/record.h"
#include "lib/verbs/script.h"
#include "lib/verbs/snapshot.h"

namespace deptyr {
namespace {

constexpr Named<CastVersion> kCastVersions[] = {{"v2", CastVersion::k2},
                                                {"v3", CastVersion::k3}};

// Prints one picture after the other until nobody reads them any more.  After
// one that is lines of text, a form feed tells that it is whole.
absl::Status WatchAndPrint(const SnapshotOptions& snapshot) {
  bool is_text = false;
  for (const SnapshotFormat& format : kSnapshotFormats) {
    is_text = is_text || (format.value == snapshot.render &&
                          (format.name == "text" || format.name == "ansi"));
  }
  return WatchSnapshots(snapshot, [is_text](absl::string_view picture) {
    (void)std::fwrite(picture.data(), 1, picture.size(), stdout);
    if (is_text) (void)std::fputs("\f\n", stdout);
    return std::fflush(stdout) == 0;
  });
}

}  // namespace

int SnapshotCommand(int argc, char** argv) {
  SnapshotOptions snapshot;
  bool hash = false;
  bool watch = false;
  bool at_exit = false;
  Options options("snapshot", "[OPTION]... [HEAD-SOCKET] [SESSION]",
                  "Prints SESSION's (your newest's) screen.");
  options.OneOf("format", "FORMAT", &snapshot.render, kSnapshotFormats);
  options.Flag("hash", &hash,
               "print a number instead, which changes with the screen");
  options.Flag("watch", &watch, "print another one after every change");
  options.Flag("last", &snapshot.last,
               "print the screen that the last program to end left");
  options.Flag("at-exit", &at_exit,
               "wait for the program's end, and print the screen it left");
  return RunVerb(
      options, argc, argv, [&](const Target& target) -> absl::Status {
        if ((watch ? 1 : 0) + (at_exit ? 1 : 0) + (snapshot.last ? 1 : 0) > 1) {
          return absl::InvalidArgumentError(
              "--watch, --last and --at-exit exclude each other; see --help");
        }
        snapshot.where = target.where;
        if (hash) snapshot.render = SnapshotHash;
        if (watch) return WatchAndPrint(snapshot);
        if (at_exit) {
          RETURN_IF_ERROR(
              RunScript({.where = target.where, .until = Script::Until::kEnd}));
          snapshot.last = true;
        }
        ASSIGN_OR_RETURN(const std::string picture, TakeSnapshot(snapshot));
        (void)std::fwrite(picture.data(), 1, picture.size(), stdout);
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
  options.OneOf("format", "VERSION", &record.version, kCastVersions,
                "the asciicast's: ");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    record.where = target.where;
    if (!target.rest.empty()) record.file = target.rest[0];
    return RunRecord(record);
  });
}

}  // namespace deptyr
