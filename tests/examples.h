// The names that examples in headers use without declaring them; see
// tests/examples.sh.  A name that means something else in one header is
// declared in a namespace that is called like its file.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/attach/attachment.h"
#include "lib/attach/connection.h"
#include "lib/attach/view.h"
#include "lib/base/byte_queue.h"
#include "lib/base/window_size.h"
#include "lib/clients/backlog_quota.h"
#include "lib/clients/limits.h"
#include "lib/clients/refusals.h"
#include "lib/head/consoles.h"
#include "lib/session/ring.h"
#include "lib/session/session.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/shared_fd.h"
#include "lib/term/digest.h"
#include "lib/term/screen.h"
#include "lib/wire/key_values.h"
#include "lib/wire/messages.h"

namespace deptyr::examples {

// Whatever an example returns.
struct Anything {
  Anything() = default;
  template <typename T>
  Anything(const T&) {}
};

// A loop, or a pointer to one.
struct Loop : EventLoop {
  EventLoop& operator*();
  EventLoop* operator->();
};

extern Loop& loop;
extern int fd, socket, connection, controller, pid, argc;
extern char** argv;
extern char byte;
extern bool done, replace;
extern uid_t uid, owner;
extern uint64_t cursor;
extern std::string path, name, where, operand, out, typed;
extern absl::string_view bytes;
extern std::span<char> room;
extern absl::Duration patience, since_start;
extern absl::Status why;
extern WindowSize size;
extern Ring& ring;
extern Digest& digest;
extern Screen& screen;
extern View& view;
extern const HeadMessage& message;

namespace lib_attach_attachment_h {
extern Attachment::Listener& listener;
}
namespace lib_attach_connection_h {
extern HeadConnection::Listener& listener;
}
namespace lib_attach_stream_position_h {
extern HeadConnection& head;
}
namespace lib_base_backoff_h {
bool Try();
}
namespace lib_base_byte_queue_h {
extern ByteQueue queue;
}
namespace lib_verbs_typist_h {
extern Inquiry& inquiry;
extern Attachment& attachment;
extern std::vector<Piece> pieces;
extern const Attached& attached;
}  // namespace lib_verbs_typist_h
namespace lib_verbs_followed_screen_h {
extern const Attached& attached;
void Look(const Screen& screen);
}  // namespace lib_verbs_followed_screen_h
namespace lib_clients_allow_h {
extern PeerIdentity who;
}
namespace lib_clients_backlog_quota_h {
extern BacklogQuota& quota;
extern std::unique_ptr<BacklogQuota::Held> held;
extern BacklogQuota::Place in_line;
std::string WriteAnswer();
void AnswerAgain();
void Close();
}  // namespace lib_clients_backlog_quota_h
namespace lib_clients_drawing_h {
extern SessionClient& client;
extern Session& session;
}  // namespace lib_clients_drawing_h
namespace lib_clients_client_table_h {
extern Refusals& refusals;
extern UserCounts& counts;
extern Fd connection;
extern PeerIdentity identity;
extern Session& session;
}  // namespace lib_clients_client_table_h
namespace lib_head_audit_h {
extern Admission& admission;
}
namespace lib_head_consoles_h {
extern Consoles::Owner& owner;
extern Admission& admission;
extern Fd connection;
}  // namespace lib_head_consoles_h
namespace lib_head_keys_h {
extern const Admission& admission;
extern const PeerIdentity& who;
extern const Ask& question;
extern Session& session;
}  // namespace lib_head_keys_h
namespace lib_head_registrar_h {
extern SessionTable& sessions;
extern Admission& admission;
extern Stores& stores;
extern PendingConnections& pending;
extern HeadClients& clients;
extern Registrar::Owner& owner;
extern PendingConnection& peer;
extern Register message;
extern Fd controller;
}  // namespace lib_head_registrar_h
namespace lib_attach_session_keys_h {
extern Attachment& head;
extern Announcer& announcer;
extern const AttachOptions& options;
extern const Attached& attached;
}  // namespace lib_attach_session_keys_h
namespace lib_session_file_log_h {
extern const CurrentProgram& program;
}
namespace lib_session_writer_h {
extern Writer& writer;
extern Audience& audience;
extern const SessionClient& client;
}  // namespace lib_session_writer_h
namespace lib_head_circles_h {
extern SessionTable& table;
}
namespace lib_session_audience_h {
extern Audience& audience;
}
namespace lib_session_current_program_h {
extern Incarnation incarnation;
}  // namespace lib_session_current_program_h
namespace lib_session_drain_h {
extern Drain& drain;
extern SharedFd terminal;
extern Watch watch;
}  // namespace lib_session_drain_h
namespace lib_session_input_queue_h {
extern SessionClient& client;
extern std::string keystrokes;
extern SharedFd terminal;
}  // namespace lib_session_input_queue_h
namespace lib_session_query_answers_h {
extern Audience& audience;
extern InputQueue& input;
}  // namespace lib_session_query_answers_h
namespace lib_session_session_h {
extern Incarnation incarnation;
extern SessionClient& client;
}  // namespace lib_session_session_h
namespace lib_render_formats_h {
extern KeyValues item;
}
namespace lib_sys_process_h {
extern PeerIdentity peer;
extern std::chrono::steady_clock::time_point accepted;
}  // namespace lib_sys_process_h
namespace lib_sys_replace_self_h {
extern std::vector<std::string> argv;
extern Offer offer;
}  // namespace lib_sys_replace_self_h
namespace lib_term_painter_h {
extern Interpreter& interpreter;
}
namespace lib_wire_message_inbox_h {
void Handle(const HeadMessage& message);
}

}  // namespace deptyr::examples
