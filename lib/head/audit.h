// Tells who did what to sessions: in head's log or a file of its own, and to
// those who listen to events (deptyr head --audit).
//
//   EventListeners events(admission, 1 << 20);
//   const AuditOptions options = {AuditLevel::kText, "/var/log/audit"};
//   Audit audit(loop, options, events);
//   RETURN_IF_ERROR(audit.OpenFile());
//
// Each line of the file is on its disk as soon as that has taken those before,
// so that a loss of power costs few; head doesn't wait for that.
//
// Typed text is told a line at a time.  While the terminal hides it, nobody but
// its program may know it: then only how much that was is told.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/head/event_listeners.h"
#include "lib/head/head_options.h"
#include "lib/session/session.h"
#include "lib/session/session_witness.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/file_sync.h"
#include "lib/sys/log_folder.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/key_values.h"

namespace deptyr {

class Audit final : public SessionWitness {
 public:
  Audit(EventLoop& loop, const AuditOptions& options, EventListeners& events)
      : options_(options),
        events_(events),
        sync_(loop, [this](const absl::Status& done) { OnSynced(done); }) {}

  // Call it again when the file may have been renamed.
  absl::Status OpenFile();
  bool wanted() const { return options_.level != AuditLevel::kNone; }

  // Those who listen hear of the change as well.
  void OnChange(const Session& session, Change change);
  // Somebody made clients leave: the one with that id, or all for 0.
  void OnKicked(const Session& session, const PeerIdentity& who,
                uint64_t client);
  // Somebody who isn't attached gave the terminal its size.
  void OnResized(const Session& session, const PeerIdentity& who);

  void OnTyped(const Session& session, const SessionClient& client,
               absl::string_view keys, bool hidden) override;
  void OnSized(const Session& session, const SessionClient& client,
               WindowSize size) override;
  void OnSignalled(const Session& session, uid_t who, int signal) override;

 private:
  struct Typist {
    uint64_t typed = 0;
    std::string line;     // begun
    size_t withheld = 0;  // bytes, not told yet
  };

  void Tell(const Session& session, absl::string_view event, KeyValues fields);
  void TellSize(const Session& session, KeyValues fields, WindowSize size);
  void TellLine(const Session& session, uint64_t client, Typist& typist);
  void TellWithheld(const Session& session, uint64_t client, Typist& typist);
  void WriteLine(const std::string& line);
  void Sync();
  void OnSynced(const absl::Status& done);

  const AuditOptions& options_;
  EventListeners& events_;
  std::map<uint64_t, Typist> typists_;  // by client
  LogFolder folder_;
  Fd file_;
  Clock::time_point looked_;  // when the file last was known to have its name
  bool fails_ = false;        // and the log says so
  FileSync sync_;
  bool unsynced_ = false;    // lines were written since the last one began
  bool sync_fails_ = false;  // and the log says so
};

}  // namespace deptyr
