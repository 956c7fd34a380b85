// A whole head, in this process, and what strangers may do to it: an input is a
// list of things to do, from connections over messages, halves of them and
// descriptors to programs that write, read and end.  Whatever it was: head
// answers, keeps no descriptor that it has no use for, and when all have gone,
// nothing is left of them.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/head/head.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/running_head.h"
#include "tests/fuzz/stranger.h"
#include "tests/support/frames.h"

namespace deptyr {
namespace {

constexpr const char* kNames[] = {"a", "b", "c:1", "d", "", "no/name", "e"};
constexpr const char* kQuestions[] = {"sessions", "head",     "events",
                                      "status",   "snapshot", "kick",
                                      "ended",    "upgrade",  "what"};
constexpr const char* kKeys[] = {"session", "client", "last",  "code",
                                 "signal",  "event",  "offset"};
constexpr const char* kValues[] = {"",  "a",  "1",  "2",   "3",
                                   "0", "64", "-1", "256", "c:1"};
constexpr const char* kRules[] = {"any=see", "uid:12345=see,type",
                                  "gid:0=resize@a", "any=administer@b",
                                  "any=all"};

AllowRules SomeRules(Input& input) {
  AllowRules rules;
  for (size_t i = input.Choice(3); i > 0; --i) {
    rules.push_back(*ParseAllow(input.OneOf(kRules)));
  }
  return rules;
}

ClientPolicy SomePolicy(Input& input) {
  ClientPolicy policy;
  policy.kind = input.Flag() ? ClientKind::kUwsgi : ClientKind::kRaw;
  policy.shows = static_cast<Shows>(input.Choice(3));
  policy.read_only = input.Choice(8) == 1;
  policy.allow_signals = input.Flag();
  policy.allow = SomeRules(input);
  return policy;
}

HeadOptions SomeOptions(Input& input) {
  HeadOptions options;
  options.socket = Folder() + "/head";
  options.rights.mode = 0666;
  options.history = size_t{4096} << input.Choice(4);
  options.keeper.kind = KeeperSpec::kNobody;
  options.session.when_behind = static_cast<WhenBehind>(input.Choice(3));
  options.session.size_policy = static_cast<SizePolicy>(input.Choice(4));
  options.session.keeps_screen = !input.Flag();
  options.allow = SomeRules(input);
  for (const char* address : {"/one", "/two=a"}) {
    ListenerSpec spec = *ParseListener(Folder() + address);
    spec.policy = SomePolicy(input);
    options.listeners.push_back(std::move(spec));
  }
  options.client_dirs.push_back({Folder(), SomePolicy(input)});
  options.limits.sessions = 4;
  options.limits.session_clients = 4;
  options.limits.clients = 32;
  options.limits.pending = 4;
  options.limits.buffered = 4096;
  options.limits.registrations = 12;
  return options;
}

KeyValues SomeFields(Input& input) {
  KeyValues fields;
  for (size_t i = input.Choice(4); i > 0; --i) {
    const char* const key = input.OneOf(kKeys);
    fields.emplace_back(key, input.OneOf(kValues));
  }
  return fields;
}

Register SomeRegistration(Input& input) {
  return {.name = input.OneOf(kNames),
          .rows = SomeSide(input),
          .cols = SomeSide(input),
          .term = "xterm",
          .argv = {"program", std::string(input.Text())},
          .replace = input.Flag()};
}

HeadMessage SomeMessage(Input& input) {
  switch (input.Choice(11)) {
    case 0:
      return SomeRegistration(input);
    case 1:
      return ExecFailed{std::string(input.Text())};
    case 2:
      return Attach{.session = input.OneOf(kNames),
                    .rows = SomeSide(input),
                    .cols = SomeSide(input),
                    .from = static_cast<From>(input.Choice(4)),
                    .value = input.Short(),
                    .read_only = input.Choice(8) == 1,
                    .kick = input.Choice(8) == 1,
                    .stream = input.Byte(),
                    .offset = input.Short()};
    case 3:
      return Keys{std::string(input.Text())};
    case 4:
      return Resize{input.Short(), input.Short()};
    case 5:
      return Notice{SomeFields(input)};
    case 6:
      return Accepted{.name = input.OneOf(kNames)};
    case 7:
      return Output{std::string(input.Text())};
    case 8:
      return SendLog{.style = input.Flag() ? "text" : "raw"};
    case 9:
      return Adopt{.name = input.OneOf(kNames),
                   .argv = {std::string(input.Text())},
                   .probe = input.Flag()};
    default:
      return Ask{.what = input.OneOf(kQuestions), .fields = SomeFields(input)};
  }
}

class Play {
 public:
  explicit Play(Input& input)
      : input_(input),
        loop_(*EventLoop::Create()),
        head_(*Head::Create(*loop_, SomeOptions(input))) {}

  void Run() {
    while (!input_.empty()) Step();
    if (!stopped_) ExpectAnswers(*loop_, *head_);
    LeaveNothing();
  }

 private:
  struct Guest {
    Fd connection;
    // It is at the head socket, and may be a program, too.
    std::unique_ptr<Stranger> process;
    std::string inbox = {};
    Fd terminal = Fd();
  };

  void Step();
  void Enter();
  void Register();
  void Send(absl::string_view bytes, const std::vector<int>& fds = {});
  void SendHalf();
  void SendDescriptors();
  void SendFrame();
  void Listen(Guest& guest, size_t most);
  void Write();
  void Stop();
  void LeaveNothing();

  Guest& SomeGuest() { return guests_[input_.Choice(guests_.size())]; }

  Input& input_;
  const std::unique_ptr<EventLoop> loop_;
  const std::unique_ptr<Head> head_;
  std::array<Guest, 8> guests_;
  std::vector<Fd> pipes_;  // whose other ends head was sent
  bool stopped_ = false;
};

void Play::Step() {
  switch (input_.Choice(20)) {
    case 0:
      return Enter();
    case 1:
      return Register();
    case 2:
    case 3:
      return Send(Encode(SomeMessage(input_)));
    case 4:
      return Send(input_.Text());
    case 5:
      return SendHalf();
    case 6:
      return SendDescriptors();
    case 7:
    case 8:
      return SendFrame();
    case 9:
      return SomeGuest().connection.Reset();
    case 10:
      return ShutDownWriting(SomeGuest().connection.get());
    case 11:
      return Listen(SomeGuest(), input_.Short());
    case 12:
      return Write();
    case 13:
      (void)ReadAll(SomeGuest().terminal.get());
      return;
    case 14:
      return SomeGuest().terminal.Reset();
    case 15:
      if (Stranger* process = SomeGuest().process.get()) {
        input_.Flag() ? process->End() : process->Kill();
      }
      return;
    case 16:
      for (Guest& guest : guests_) Listen(guest, SIZE_MAX);
      return;
    case 17:
      return Stop();
    default:
      return Settle(*loop_);
  }
}

void Play::Enter() {
  constexpr const char* kPlaces[] = {"head", "head",  "one",
                                     "two",  "a.raw", "a.uwsgi"};
  const absl::string_view place = input_.OneOf(kPlaces);
  const std::string path = absl::StrCat(Folder(), "/", place);
  const uid_t uid = input_.Flag() ? kOtherUser : kOurUser;
  Guest guest;
  if (place == "head") {
    guest.process = std::make_unique<Stranger>(path, uid);
    guest.connection = guest.process->TakeConnection();
  } else {
    guest.connection = ConnectTo(path, uid);
  }
  SomeGuest() = std::move(guest);
}

// Registers as a body does, except that parts may be missing.
void Play::Register() {
  auto pty = OpenPty({.rows = 24, .cols = 80});
  Expect(pty.ok() && SetNonBlocking(pty->terminal.get()).ok());
  if (input_.Flag()) {  // without, its echo is output
    termios settings{};
    (void)::tcgetattr(pty->terminal.get(), &settings);
    ::cfmakeraw(&settings);
    (void)::tcsetattr(pty->terminal.get(), TCSANOW, &settings);
  }
  Guest guest;
  guest.process = std::make_unique<Stranger>(
      Folder() + "/head", input_.Flag() ? kOtherUser : kOurUser);
  guest.connection = guest.process->TakeConnection();
  guest.terminal = std::move(pty->terminal);
  const int controller = input_.Choice(8) == 1 ? -1 : pty->controller.get();
  (void)SendWithFd(guest.connection.get(), Encode(SomeRegistration(input_)),
                   controller);
  SomeGuest() = std::move(guest);
}

void Play::Send(absl::string_view bytes, const std::vector<int>& fds) {
  const Guest& guest = SomeGuest();
  if (bytes.empty()) return;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  (void)::sendmsg(guest.connection.get(), &message,
                  MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Play::SendHalf() {
  const std::string bytes = Encode(SomeMessage(input_));
  Send(absl::string_view(bytes).substr(0, input_.Byte() % bytes.size()));
}

void Play::SendDescriptors() {
  std::vector<Fd> held;
  std::vector<int> fds;
  for (size_t i = 1 + input_.Choice(6); i > 0; --i) {
    switch (input_.Choice(6)) {
      case 0: {
        auto pty = OpenPty({});
        Expect(pty.ok());
        held.push_back(std::move(pty->controller));
        break;
      }
      case 1: {
        auto pty = OpenPty({});
        Expect(pty.ok());
        held.push_back(std::move(pty->terminal));
        break;
      }
      case 2:
        held.push_back(Duplicate(SomeGuest().connection.get()));
        break;
      default: {
        std::array<int, 2> ends{};
        Expect(::pipe2(ends.data(), O_CLOEXEC) == 0);
        pipes_.emplace_back(ends[0]);
        held.emplace_back(ends[1]);
      }
    }
    if (held.back().valid()) fds.push_back(held.back().get());
  }
  const bool alone = input_.Flag();
  Send(alone ? "\xde" : Encode(SomeMessage(input_)), fds);
}

void Play::SendFrame() {
  switch (input_.Choice(6)) {
    case 0:
      return Send(RowsFrame(input_.Short()));
    case 1:
      return Send(ColsFrame(input_.Short()));
    case 2:
      return Send(RowsFrame(SomeSide(input_)) + ColsFrame(24));
    case 3:
      return Send(SignalFrame(input_.Byte()));
    case 4:
      return Send(EncodePacket(0, input_.Byte(), "payload"));
    default:
      return Send(KeysFrame(input_.Text()));
  }
}

// Head must send only messages at its socket.
void Play::Listen(Guest& guest, size_t most) {
  if (!guest.connection.valid()) return;
  const std::string heard = ReadAll(guest.connection.get(), most);
  if (guest.process == nullptr) return;
  guest.inbox += heard;
  (void)TakeMessages(guest.inbox);
}

void Play::Write() {
  const Guest& program = SomeGuest();
  const size_t times = size_t{1} << input_.Choice(8);
  const absl::string_view text = input_.Text();
  for (size_t i = 0; i < times; ++i) {
    if (WriteSome(program.terminal.get(), text).bytes == 0) break;
  }
}

void Play::Stop() {
  if (input_.Choice(8) != 1) return head_->RestoreSocket();
  head_->Stop("it was told to");
  stopped_ = true;
}

void Play::LeaveNothing() {
  guests_ = {};
  if (stopped_) {
    TurnUntil(*loop_, [&] { return head_->finished(); });
    return;
  }
  TurnUntil(*loop_, [&] {
    const KeyValues report = head_->Report();
    return ValueOf(report, "clients") == "0" &&
           ValueOf(report, "pending") == "0" &&
           head_->RunningPrograms(false).empty();
  });
  Settle(*loop_);
  for (const Fd& pipe : pipes_) {
    pollfd question{pipe.get(), 0, 0};
    Expect(::poll(&question, 1, 0) == 1 && (question.revents & POLLHUP) != 0);
  }
}

}  // namespace
}  // namespace deptyr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  (void)deptyr::Folder();
  (void)::signal(SIGPIPE, SIG_IGN);
  const size_t before = deptyr::CountDescriptors();
  const size_t threads = deptyr::CountThreads();
  deptyr::Input input(bytes, size);
  deptyr::Play(input).Run();
  deptyr::AwaitThreads(threads);
  deptyr::Expect(deptyr::CountDescriptors() == before);
  return 0;
}
