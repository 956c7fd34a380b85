// The verbs that read: snapshot, history, record.

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/render/json.h"
#include "lib/verbs/history.h"
#include "lib/verbs/record.h"
#include "lib/verbs/script.h"
#include "lib/verbs/snapshot.h"

namespace deptyr {
namespace {

constexpr Named<CastVersion> kCastVersions[] = {{"v2", CastVersion::k2},
                                                {"v3", CastVersion::k3}};

// Prints one picture after the other until nobody reads them any more.  After
// one that is lines of text, a form feed tells that it is whole; an object of
// JSON is a line.
absl::Status WatchAndPrint(const SnapshotOptions& snapshot) {
  absl::string_view name;
  for (const SnapshotFormat& format : kSnapshotFormats) {
    if (format.value == snapshot.render) name = format.name;
  }
  return WatchSnapshots(snapshot, [name](absl::string_view picture) {
    std::string text(picture);
    if (name == "json") {
      text = absl::StrCat(absl::StrReplaceAll(text, {{"\n", ""}}), "\n");
    } else if (name == "text" || name == "ansi") {
      text += "\f\n";
    }
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
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
  options.OneOf("format", "FORMAT", &snapshot.render, kSnapshotFormats,
                "how to print it");
  options.Json("the same as --format json, and an error is JSON, too");
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
          return SeeHelp("--watch, --last and --at-exit exclude each other");
        }
        snapshot.where = target.where;
        if (options.json()) snapshot.render = SnapshotJson;
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
                "only the last N bytes", {.usual = "all there are"});
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
          return SeeHelp("--bytes and --from both say where to begin");
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
                "how long to wait for a head that went away", {.usual = "30"});
  options.Flag("overwrite", &record.overwrite, "overwrite FILE");
  options.OneOf("format", "VERSION", &record.version, kCastVersions,
                "the asciicast's version");
  return RunVerb(options, argc, argv, [&](const Target& target) {
    record.where = target.where;
    if (!target.rest.empty()) record.file = target.rest[0];
    return RunRecord(record);
  });
}

}  // namespace deptyr
