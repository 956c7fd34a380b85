#include "lib/verbs/doctor.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

#include "lib/attach/ask.h"
#include "lib/attach/connection.h"
#include "lib/base/environment.h"
#include "lib/base/log.h"
#include "lib/render/json.h"
#include "lib/sys/head_socket.h"
#include "lib/sys/io.h"
#include "lib/sys/name_service.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "lib/verbs/tables.h"

namespace deptyr {
namespace {

using Findings = std::vector<Finding>;

// Whether little more is left.
bool IsNearly(uint64_t used, uint64_t most) {
  constexpr uint64_t kTenths = 9;
  return most > 0 && used * 10 >= most * kTenths;
}

Finding Kernel() {
  constexpr int kPidfdOfSocket = 605;  // SO_PEERPIDFD
  constexpr int kExitOfPidfd = 615;    // PIDFD_INFO_EXIT
  constexpr int kOldest = 504;         // waitid(P_PIDFD)
  const std::string release =
      ReadSmallFile("/proc/sys/kernel/osrelease").value_or("");
  int major = 0;
  int minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) != 2) {
    return {Finding::kNote, "kernel", "its version isn't known",
            "deptyr needs Linux 5.4 or later"};
  }
  const int version = major * 100 + minor;
  Finding found = {.about = "kernel",
                   .text = absl::StrCat("Linux ", major, ".", minor)};
  if (version < kOldest) {
    found.state = Finding::kFails;
    found.advice = "deptyr needs Linux 5.4 or later";
  } else if (version < kExitOfPidfd) {
    found.state = Finding::kNote;
    absl::StrAppend(&found.text,
                    version < kPidfdOfSocket
                        ? ", which has no SO_PEERPIDFD, and"
                        : ", which",
                    " doesn't tell head how a program ended");
    found.advice =
        "let the supervisor say it by deptyr ended, as deptyr@.service does";
  }
  return found;
}

// Opens one, as body does.
Finding Ptys() {
  Finding found = {.about = "terminals"};
  const auto number = [](const char* name) {
    uint64_t value = 0;
    (void)absl::SimpleAtoi(
        absl::StripAsciiWhitespace(
            ReadSmallFile(absl::StrCat("/proc/sys/kernel/pty/", name))
                .value_or("")),
        &value);
    return value;
  };
  const uint64_t used = number("nr");
  const uint64_t most = number("max");
  found.text = most == 0 ? "PTYs can be opened"
                         : absl::StrCat(used, " of ", most, " PTYs are open");
  const auto pty = OpenPty({.rows = 24, .cols = 80});
  if (!pty.ok()) {
    const int error = errno;
    return {Finding::kFails, "terminals", std::string(pty.status().message()),
            IsNearly(used, most) ? "raise kernel.pty.max by sysctl(8)"
            : error == EMFILE    ? "raise the limit of open files by ulimit -n"
                                 : "mount devpts at /dev/pts"};
  }
  if (IsNearly(used, most)) {
    found.state = Finding::kNote;
    found.advice = "raise kernel.pty.max by sysctl(8)";
  }
  return found;
}

Finding Proc() {
  if (ReadSmallFile("/proc/self/stat")) {
    return {.about = "/proc", .text = "it is mounted"};
  }
  return {Finding::kNote, "/proc", "it isn't mounted here",
          "mount it; without it fewer signals are sent, and less is known of "
          "programs"};
}

std::string Origin(const std::string& named) {
  if (!named.empty()) return "as named";
  if (!FromEnvironment("DEPTYR_SOCKET").empty()) return "from $DEPTYR_SOCKET";
  return "the usual place";
}

uint64_t NumberIn(const KeyValues& item, absl::string_view name) {
  uint64_t number = 0;
  (void)absl::SimpleAtoi(ValueOf(item, name), &number);
  return number;
}

Finding Version(const KeyValues& head, const std::string& version) {
  const std::string theirs = Printable(ValueOf(head, "version"));
  Finding found = {
      .about = "head",
      .text = absl::StrCat(theirs, ", pid ", Printable(ValueOf(head, "pid")),
                           ", sessions: ", Printable(ValueOf(head, "sessions")),
                           ", clients: ", Printable(ValueOf(head, "clients")))};
  if (theirs != version) {
    found.state = Finding::kNote;
    absl::StrAppend(&found.text, "; this is ", version);
    found.advice =
        "deptyr upgrade replaces it by the installed one; nobody is "
        "disconnected";
  }
  return found;
}

// Says whose head it is, and so who may do what.
Finding Rights(int connection) {
  const std::string self = UserName(OwnUid());
  const auto owner = PeerOf(connection);
  Finding found = {.about = "rights"};
  if (OwnUid() == 0) {
    found.text = "you are root: you may use all sessions";
    return found;
  }
  const std::string head = UidOf(owner) == kUnknownId
                               ? "a user that isn't known here"
                               : UserName(UidOf(owner));
  found.text = absl::StrCat("you are ", self, ", head runs as ", head,
                            ": you may use the sessions of ", self,
                            ", and others if head's --allow says so");
  return found;
}

Finding Keeper(const KeyValues& head) {
  const std::string keeper = Printable(ValueOf(head, "keeper"));
  if (!keeper.empty() && keeper != "none") {
    return {.about = "keeper",
            .text = absl::StrCat(keeper, " keeps the sessions if head dies")};
  }
  return {Finding::kNote, "keeper",
          "none: if head dies, its programs get SIGHUP",
          "run head as deptyr-head.service or beside an s6-fdholder; see "
          "deptyr-head(1), --keeper"};
}

Finding Limits(const KeyValues& head) {
  // Each is counted, and the advice raises its limit.
  constexpr std::pair<absl::string_view, absl::string_view> kCounted[] = {
      {"sessions", "start head with a larger --max-sessions"},
      {"clients", "give head more descriptors, by LimitNOFILE= or ulimit -n"},
      {"pending", "start head with a larger --max-pending"},
      {"buffered", "start head with a larger --max-buffered"},
  };
  Finding found = {.about = "limits"};
  for (const auto& [what, advice] : kCounted) {
    const uint64_t used = NumberIn(head, what);
    const uint64_t most = NumberIn(head, absl::StrCat("max-", what));
    if (!IsNearly(used, most)) continue;
    absl::StrAppend(&found.text, found.text.empty() ? "" : ", ", what, ": ",
                    used, " of ", most);
    found.state = Finding::kNote;
    found.advice = std::string(advice);
  }
  const uint64_t refused = NumberIn(head, "refused");
  if (refused > 0) {
    absl::StrAppend(&found.text, found.text.empty() ? "" : ", ", refused,
                    " connections were refused");
    if (found.state == Finding::kOk) {
      found.state = Finding::kNote;
      found.advice = "head's log says whom and why";
    }
  }
  if (found.text.empty()) found.text = "none is near";
  return found;
}

// The unit that head runs in, from its control group (cgroups(7)).
Finding Unit(const KeyValues& head) {
  Finding found = {.about = "supervisor"};
  const std::string pid(ValueOf(head, "pid"));
  const std::string groups =
      ReadSmallFile(absl::StrCat("/proc/", pid, "/cgroup")).value_or("");
  const absl::string_view last = absl::StripAsciiWhitespace(groups).substr(
      absl::StripAsciiWhitespace(groups).rfind('/') + 1);
  const size_t service = last.find(".service");
  if (service != absl::string_view::npos) {
    found.text = absl::StrCat("head is ", Printable(last), " of systemd");
  } else {
    found.text = absl::StrCat("head runs by itself, pid ", Printable(pid));
  }
  return found;
}

void ExamineHead(const std::string& named, const std::string& version,
                 Findings& findings) {
  const auto path = FindHead(named);
  Finding socket = {
      .about = "socket",
      .text = absl::StrCat(HeadSocket(named), ", ", Origin(named))};
  absl::Status why = path.status();
  std::optional<Fd> connection;
  if (path.ok()) {
    auto connected = ConnectToHead(*path);
    why = connected.status();
    if (connected.ok()) connection = *std::move(connected);
  }
  if (!connection) {
    socket.state = Finding::kFails;
    socket.text = std::string(why.message());
    // The others say themselves what to do.
    if (path.ok() && absl::IsUnavailable(why)) {
      socket.advice =
          "deptyr run PROGRAM starts a head, and so does deptyr head";
    }
    findings.push_back(std::move(socket));
    return;
  }
  findings.push_back(std::move(socket));
  const auto items = AskForItems(*path, {.what = "head", .fields = {}});
  if (!items.ok() || items->empty()) {
    findings.push_back({Finding::kFails, "head",
                        items.ok() ? "it said nothing about itself"
                                   : std::string(items.status().message()),
                        "look at its log"});
    return;
  }
  const KeyValues& head = items->front();
  findings.push_back(Version(head, version));
  findings.push_back(Rights(connection->get()));
  findings.push_back(Keeper(head));
  findings.push_back(Limits(head));
  findings.push_back(Unit(head));
}

constexpr absl::string_view StateWord(Finding::State state) {
  switch (state) {
    case Finding::kOk:
      return "ok";
    case Finding::kNote:
      return "note";
    case Finding::kFails:
      return "fails";
  }
  return "";
}

}  // namespace

std::vector<Finding> Examine(const std::string& head,
                             const std::string& version) {
  Findings findings = {Kernel(), Ptys(), Proc()};
  ExamineHead(head, version, findings);
  return findings;
}

std::string FindingsText(const std::vector<Finding>& findings) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(findings.size());
  for (const Finding& finding : findings) {
    rows.push_back(
        {std::string(StateWord(finding.state)), finding.about,
         absl::StrCat(finding.text, finding.advice.empty() ? "" : "; ",
                      finding.advice)});
  }
  return Table(rows);
}

std::string FindingsJson(const std::vector<Finding>& findings) {
  std::vector<KeyValues> items;
  items.reserve(findings.size());
  for (const Finding& finding : findings) {
    items.push_back({{"about", finding.about},
                     {"state", std::string(StateWord(finding.state))},
                     {"text", finding.text},
                     {"advice", finding.advice}});
  }
  return ItemsJson("findings", items);
}

}  // namespace deptyr
