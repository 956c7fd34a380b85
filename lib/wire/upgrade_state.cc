#include "lib/wire/upgrade_state.h"

#include <concepts>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using nlohmann::json;

// The library's own builder throws where a length is more than there can be,
// and goes into what lies in each other as deep as it goes.  One pass: for each
// byte of a text it takes some 20 ns.
class Builder : public nlohmann::detail::json_sax_dom_parser<json> {
 public:
  Builder(json& made, size_t most)
      : json_sax_dom_parser(made, /*allow_exceptions_=*/false), most_(most) {}

  bool start_object(size_t size) {
    return Enter(size) && json_sax_dom_parser::start_object(size);
  }
  bool start_array(size_t size) {
    return Enter(size) && json_sax_dom_parser::start_array(size);
  }
  bool end_object() {
    --depth_;
    return json_sax_dom_parser::end_object();
  }
  bool end_array() {
    --depth_;
    return json_sax_dom_parser::end_array();
  }

 private:
  static constexpr int kDeepest = 32;
  bool Enter(size_t size) {
    return (size == SIZE_MAX || size <= most_) && ++depth_ <= kDeepest;
  }

  const size_t most_;
  int depth_ = 0;
};

// False if it isn't of the field's type.
bool Read(const json& from, bool& to) {
  if (from.is_boolean()) to = from.get<bool>();
  return from.is_boolean();
}
bool Read(const json& from, std::string& to) {
  if (from.is_string()) to = from.get<std::string>();
  return from.is_string();
}
template <std::integral T>
bool Read(const json& from, T& to) {
  const auto take = [&to](auto number) {
    to = static_cast<T>(number);
    return std::in_range<T>(number);
  };
  if (from.is_number_unsigned()) return take(from.get<uint64_t>());
  return from.is_number_integer() && take(from.get<int64_t>());
}
bool Read(const json& from, std::map<std::string, uint64_t>& to) {
  if (!from.is_object()) return false;
  for (const auto& [key, value] : from.items()) {
    if (!Read(value, to[key])) return false;
  }
  return true;
}
template <typename T>
bool Read(const json& from, std::vector<T>& to) {
  if (!from.is_array()) return false;
  for (const json& one : from) {
    if (!Read(one, to.emplace_back())) return false;
  }
  return true;
}

}  // namespace

// What is as in an ordinary one isn't written: most of it is.
#define DEPTYR_WRITE(field) \
  if (state.field != ordinary.field) json[#field] = state.field;
#define DEPTYR_READ(field)                                         \
  if (const auto found = from.find(#field); found != from.end()) { \
    if (!Read(*found, state.field)) return false;                  \
  }
#define DEPTYR_HANDED_OVER(Type, ...)                                    \
  void to_json(nlohmann::json& json, const Type& state) {                \
    const Type ordinary;                                                 \
    json = nlohmann::json::object();                                     \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(DEPTYR_WRITE, __VA_ARGS__)) \
  }                                                                      \
  static bool Read(const json& from, Type& state) {                      \
    if (!from.is_object()) return false;                                 \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(DEPTYR_READ, __VA_ARGS__))  \
    return true;                                                         \
  }

DEPTYR_HANDED_OVER(InsertState, offset, text, for_now, begun)
DEPTYR_HANDED_OVER(ClientState, id, since, session, cursor, missed, deaf, rows,
                   cols, untyped, held, answered, replaying, header,
                   packet_left, insert_begun, inserts, begins, lost)
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
                   left_cols, left_how, order)
DEPTYR_HANDED_OVER(HeldState, name, fd)
DEPTYR_HANDED_OVER(HeadState, program, since, sockets, kept, held, sessions,
                   newest, ended, clients, attached, askers, peers, terminal,
                   shown, viewer, viewer_leads, refused, last_client)

std::string Encode(const HeadState& state) {
  nlohmann::json json(state);
  json["version"] = kUpgradeStateVersion;
  std::string bytes;
  nlohmann::json::to_cbor(json, bytes);
  return bytes;
}

absl::StatusOr<HeadState> Decode(absl::string_view bytes) {
  json parsed;
  Builder builder(parsed, bytes.size());
  const bool sound = json::sax_parse(bytes.begin(), bytes.end(), &builder,
                                     json::input_format_t::cbor);
  if (!sound || !parsed.is_object()) {
    return absl::InvalidArgumentError("what was handed over is no state");
  }
  int version = 0;
  if (const auto named = parsed.find("version"); named != parsed.end()) {
    (void)Read(*named, version);
  }
  if (version != kUpgradeStateVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the state that was handed over is of format ", version,
                     ", and this deptyr knows ", kUpgradeStateVersion));
  }
  HeadState state;
  if (!Read(parsed, state)) {
    return absl::InvalidArgumentError(
        "a field of what was handed over is of another type");
  }
  return state;
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

}  // namespace deptyr
