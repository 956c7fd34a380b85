#include "lib/sys/fd_holder.h"

#include <deque>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_split.h"

extern "C" {  // its headers don't say so themselves
#include <s6/fdholder.h>
#include <skalibs/allreadwrite.h>
}

#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

// A call of libs6 failed.  errno is the holder's answer, if it gave one.
absl::Status Failed(const std::string& what, const std::string& needed_rule) {
  const std::string cannot = absl::StrCat("can't ", what, ": ");
  switch (errno) {
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat("may not ", what, ": the holder's rules for uid ",
                       OwnUid(), " need ", needed_rule));
    case ENOENT:
      return absl::NotFoundError("not stored");
    case EBUSY:
      return absl::AlreadyExistsError("stored already");
    case ENFILE:
      return absl::ResourceExhaustedError(absl::StrCat(
          cannot, "the holder is full; its option -n says how many"));
    case ETIMEDOUT:
      return absl::DeadlineExceededError(absl::StrCat(cannot, "no answer"));
    case EPIPE:
    case ECONNRESET:
      return absl::UnavailableError(
          absl::StrCat(cannot,
                       "it closes the connection; unless it has just been "
                       "restarted, its rules lack a file uid/",
                       OwnUid(), "/allow"));
    case EPROTO:
      return absl::UnavailableError(
          absl::StrCat(cannot, "whoever answers is no s6-fdholder"));
    default:
      return Errno("can't ", what);
  }
}

std::string RegexFor(const char* variable, const std::string& id) {
  return absl::StrCat("a line in env/", variable, " that matches ", id);
}

}  // namespace

struct FdHolder::Connection {
  Connection(Fd connected, absl::Duration limit)
      : socket(std::move(connected)) {
    s6_fdholder_init(&holder, socket.get());
    (void)tain_now_set_stopwatch(&now);  // a clock that nobody sets
    Extend(limit);
  }
  ~Connection() { s6_fdholder_free(&holder); }
  void Extend(absl::Duration limit) {
    (void)tain_now(&now);
    tain_from_millisecs(&deadline,
                        static_cast<int>(absl::ToInt64Milliseconds(limit)));
    tain_add(&deadline, &deadline, &now);
  }

  struct Asked {
    const char* verb;
    std::string id;
  };

  Fd socket;
  s6_fdholder_t holder;
  std::deque<Asked> asked;  // not answered yet
  tain deadline;
  tain now;
};

FdHolder::FdHolder(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
FdHolder::FdHolder(FdHolder&&) noexcept = default;
FdHolder::~FdHolder() = default;

absl::StatusOr<FdHolder> FdHolder::Connect(const std::string& path,
                                           absl::Duration limit) {
  // The socket of s6_fdholder_start() isn't close-on-exec, and doesn't wait
  // where the backlog is full.
  ASSIGN_OR_RETURN(Fd socket, deptyr::Connect(path, limit, "s6-fdholder"));
  // As it was when it began to listen: it may have changed its user since.
  const auto who = IdentifyPeer(socket.get());
  if (!who.ok() || !IsTrusted(who->uid)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "s6-fdholder at ", path,
        " is another user's (uid=", UidText(who.ok() ? who->uid : kUnknownId),
        "), who would get all that it keeps; run one as root or as uid ",
        OwnUid()));
  }
  // libs6 relies on this: it waits by poll(2).
  RETURN_IF_ERROR(SetNonBlocking(socket.get()));
  return FdHolder(std::make_unique<Connection>(std::move(socket), limit));
}

void FdHolder::Extend(absl::Duration limit) {
  connection_->Extend(limit);
}

absl::StatusOr<std::vector<std::string>> FdHolder::List() {
  Connection& c = *connection_;
  stralloc ids{};
  const absl::Cleanup free_ids = [&ids] { stralloc_free(&ids); };
  if (s6_fdholder_list(&c.holder, &ids, &c.deadline, &c.now) < 0) {
    return Failed("list", "a file env/S6_FDHOLDER_LIST that is not empty");
  }
  return absl::StrSplit(absl::string_view(ids.s, ids.len), absl::ByChar('\0'),
                        absl::SkipEmpty());
}

absl::StatusOr<Fd> FdHolder::Retrieve(const std::string& id) {
  Connection& c = *connection_;
  const int fd =
      s6_fdholder_retrieve(&c.holder, id.c_str(), &c.deadline, &c.now);
  // If the holder sent a descriptor more than it announced, the library will
  // close with it the one that it has just given us
  // (unixmessage_receiver_free.c of skalibs).
  const bool too_many = !cbuffer_isempty(&c.holder.connection.in.auxb);
  if (fd >= 0 && too_many) errno = EPROTO;
  if (fd < 0 || too_many) {
    return Failed(absl::StrCat("retrieve ", id),
                  RegexFor("S6_FDHOLDER_RETRIEVE_REGEX", id));
  }
  return Fd(fd);
}

absl::Status FdHolder::Store(const std::string& id, int fd) {
  RETURN_IF_ERROR(AskToStore(id, fd));
  return Answer();
}

absl::Status FdHolder::Delete(const std::string& id) {
  RETURN_IF_ERROR(AskToDelete(id));
  return Answer();
}

absl::Status FdHolder::AskToStore(const std::string& id, int fd) {
  Connection& c = *connection_;
  tain never;
  tain_add(&never, &c.now, &tain_infinite_relative);
  if (!s6_fdholder_store_async(&c.holder, fd, id.c_str(), &never)) {
    return Errno("can't store ", id);
  }
  c.asked.push_back({"store ", id});
  return absl::OkStatus();
}

absl::Status FdHolder::AskToDelete(const std::string& id) {
  Connection& c = *connection_;
  if (!s6_fdholder_delete_async(&c.holder, id.c_str())) {
    return Errno("can't delete ", id);
  }
  c.asked.push_back({"delete ", id});
  return absl::OkStatus();
}

absl::Status FdHolder::Answer() {
  Connection& c = *connection_;
  const Connection::Asked asked = std::move(c.asked.front());
  c.asked.pop_front();
  // The answer is one byte: 0 or an errno (s6_fdholder_store.c).
  unixmessage answer = UNIXMESSAGE_ZERO;
  errno = 0;
  if (unixmessage_sender_timed_flush(&c.holder.connection.out, &c.deadline,
                                     &c.now) != 0 &&
      sanitize_read(unixmessage_timed_receive(&c.holder.connection.in, &answer,
                                              &c.deadline, &c.now)) > 0) {
    if (answer.len == 1 && answer.nfds == 0) {
      errno = static_cast<unsigned char>(answer.s[0]);
      if (errno == 0) return absl::OkStatus();
    } else {
      unixmessage_drop(&answer);
      errno = EPROTO;
    }
  }
  return Failed(absl::StrCat(asked.verb, asked.id),
                RegexFor("S6_FDHOLDER_STORE_REGEX", asked.id));
}

}  // namespace deptyr
