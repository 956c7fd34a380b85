#include "lib/head/handover.h"

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/head/ring.h"

#include <nlohmann/json.hpp>

namespace deptyr {

// What is as in an ordinary one isn't written: most of it is.
#define DEPTYR_WRITE(field) \
  if (state.field != ordinary.field) json[#field] = state.field;
#define DEPTYR_READ(field)                                         \
  if (const auto found = json.find(#field); found != json.end()) { \
    found->get_to(state.field);                                    \
  }
#define DEPTYR_HANDED_OVER(Type, ...)                                    \
  void to_json(nlohmann::json& json, const Type& state) {                \
    const Type ordinary;                                                 \
    json = nlohmann::json::object();                                     \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(DEPTYR_WRITE, __VA_ARGS__)) \
  }                                                                      \
  void from_json(const nlohmann::json& json, Type& state) {              \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(DEPTYR_READ, __VA_ARGS__))  \
  }

DEPTYR_HANDED_OVER(InsertState, offset, text, for_now)
DEPTYR_HANDED_OVER(ClientState, id, since, session, cursor, missed, deaf, rows,
                   cols, untyped, held, answered, replaying, header,
                   packet_left, insert_begun, inserts)
DEPTYR_HANDED_OVER(SocketClientState, client, fd, wanted, uwsgi, shows,
                   read_only, allow_signals, allow, inbox, rows, cols,
                   input_closed, received)
DEPTYR_HANDED_OVER(AttachClientState, client, fd, wish, inbox, rows, cols,
                   input_closed, done_said)
DEPTYR_HANDED_OVER(AskerState, fd, inbox, outbox, input_closed, listens,
                   session, upgrades, lists, listed)
DEPTYR_HANDED_OVER(PeerState, fd, inbox, passed, session)
DEPTYR_HANDED_OVER(SocketState, role, fd, path, device, inode)
DEPTYR_HANDED_OVER(SessionState, name, ring, controller, pidfd, argv,
                   keystrokes, leader, paint, modes, painted, exact, answered,
                   not_executed, status_told, code, signal, left, left_rows,
                   left_cols, left_how)
DEPTYR_HANDED_OVER(HeldState, name, fd)
DEPTYR_HANDED_OVER(HeadState, program, since, sockets, kept, held, sessions,
                   newest, ended, clients, attached, askers, peers, terminal,
                   shown, viewer, viewer_leads, refused)

std::string Encode(const HeadState& state) {
  nlohmann::json json(state);
  json["version"] = kHandoverVersion;
  std::string bytes;
  nlohmann::json::to_cbor(json, bytes);
  return bytes;
}

absl::StatusOr<HeadState> Decode(absl::string_view bytes) {
  const auto json =
      nlohmann::json::from_cbor(bytes.begin(), bytes.end(), /*strict=*/true,
                                /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::InvalidArgumentError("what was handed over is no state");
  }
  const auto named = json.find("version");
  const int version =
      named != json.end() && named->is_number() ? named->get<int>() : 0;
  if (version != kHandoverVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the state that was handed over is of format ", version,
                     ", and this deptyr knows ", kHandoverVersion));
  }
  // A field of another type ends the process: the trial, at the latest.
  return json.get<HeadState>();
}

std::vector<int> DescriptorsOf(const HeadState& state) {
  std::vector<int> all;
  for (const SocketState& socket : state.sockets) all.push_back(socket.fd);
  for (const HeldState& held : state.held) all.push_back(held.fd);
  for (const SessionState& session : state.sessions) {
    for (const int fd : {session.ring, session.controller, session.pidfd}) {
      all.push_back(fd);
    }
  }
  for (const SocketClientState& client : state.clients) {
    all.push_back(client.fd);
  }
  for (const AttachClientState& client : state.attached) {
    all.push_back(client.fd);
  }
  for (const AskerState& asker : state.askers) all.push_back(asker.fd);
  for (const PeerState& peer : state.peers) {
    all.push_back(peer.fd);
    all.push_back(peer.passed);
  }
  std::erase(all, -1);
  return all;
}

absl::Status CheckRings(const HeadState& state) {
  for (const SessionState& session : state.sessions) {
    const absl::Status ring = Ring::CheckFormat(Duplicate(session.ring));
    if (ring.ok()) continue;
    return absl::Status(ring.code(), absl::StrCat("session ", session.name,
                                                  ": ", ring.message()));
  }
  return absl::OkStatus();
}

}  // namespace deptyr
