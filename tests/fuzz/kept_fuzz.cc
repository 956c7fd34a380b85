// A keeper hands this back to a head that starts: descriptors under names, as
// an earlier head left them, or as somebody has changed them since.  Whatever
// they are, head must start, serve what it takes for sessions, also to new
// clients, and keep no descriptor of what it gave up.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/head/head.h"
#include "lib/session/ring.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/running_head.h"
#include "tests/fuzz/stranger.h"

namespace deptyr {
namespace {

constexpr const char* kSessions[] = {"a", "b", "c=1", "no/name"};
constexpr int kFirstInherited = 3;  // sd_listen_fds(3)
constexpr int kMostKept = 8;

// Nobody else, as a fuzzer's own files, may have these numbers.
bool Reserve() {
  constexpr int kBehind = kFirstInherited + kMostKept;
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const Fd null(::fcntl(file, F_DUPFD_CLOEXEC, kBehind));
  for (int i = kFirstInherited; i < kBehind; ++i) (void)::dup2(null.get(), i);
  if (file >= kBehind) (void)::close(file);
  return true;
}
const bool reserved = Reserve();

// A field of a ring's state that is a size or a place.
struct Field {
  size_t offset;
  size_t size;
};
#define DEPTYR_FIELD(name) \
  { offsetof(RingState, name), sizeof(RingState::name) }
constexpr Field kFields[] = {
    DEPTYR_FIELD(version),      DEPTYR_FIELD(capacity),
    DEPTYR_FIELD(stream),       DEPTYR_FIELD(end),
    DEPTYR_FIELD(displaced),    DEPTYR_FIELD(cleared),
    DEPTYR_FIELD(owner),        DEPTYR_FIELD(rows),
    DEPTYR_FIELD(cols),         DEPTYR_FIELD(resized),
    DEPTYR_FIELD(incarnations), DEPTYR_FIELD(modes_written),
    DEPTYR_FIELD(clients),
};
#undef DEPTYR_FIELD

void Fill(Ring& ring, absl::string_view text, size_t times) {
  for (; times > 0 && !text.empty(); --times) {
    const auto room = ring.Space(text.size());
    const size_t size = std::min(room.size(), text.size());
    std::memcpy(room.data(), text.data(), size);
    ring.Commit(size);
  }
}

uint64_t SomeNumber(Input& input, const Ring& ring) {
  const uint64_t numbers[] = {0,
                              1,
                              ring.begin(),
                              ring.end(),
                              ring.state().cleared,
                              ring.capacity(),
                              uint64_t{1} << 32,
                              uint64_t{1} << 63,
                              UINT64_MAX,
                              input.Short()};
  const uint64_t number = input.OneOf(numbers);
  return number + input.Choice(3) - 1;
}

// Changes one of the records that are in use, or of those that aren't.
void ChangeRecord(Input& input, Ring& ring) {
  RingState& state = ring.state();
  IncarnationRecord& record = state.records[input.Choice(kMostIncarnations)];
  const uint64_t number = SomeNumber(input, ring);
  switch (input.Choice(7)) {
    case 0:
      record.number = number;
      return;
    case 1:
      record.begin = number;
      return;
    case 2:
      record.end = number;
      return;
    case 3:
      record.started = static_cast<int64_t>(number);
      return;
    case 4:
      record.outcome = static_cast<Outcome>(input.Byte());
      return;
    case 5:
      record.value = static_cast<int32_t>(number);
      return;
    default:
      record.rows = input.Short();
      record.cols = input.Short();
  }
}

void Change(Input& input, Ring& ring) {
  auto* const bytes = reinterpret_cast<char*>(&ring.state());
  switch (input.Choice(4)) {
    case 0: {
      const Field& field = input.OneOf(kFields);
      const uint64_t number = SomeNumber(input, ring);
      std::memcpy(bytes + field.offset, &number, field.size);
      return;
    }
    case 1:
      return ChangeRecord(input, ring);
    case 2: {
      ModesRecord& modes = ring.state().modes[input.Choice(2)];
      modes.offset = SomeNumber(input, ring);
      modes.size = input.Short();
      return;
    }
    default: {
      const size_t offset = input.Short() % sizeof(RingState);
      const absl::string_view text =
          input.Text().substr(0, sizeof(RingState) - offset);
      std::memcpy(bytes + offset, text.data(), text.size());
    }
  }
}

Fd SomeRing(Input& input) {
  Ring ring = *Ring::Create(size_t{4096} << input.Choice(2));
  ring.state().rows = SomeSide(input);
  ring.state().cols = SomeSide(input);
  for (size_t i = input.Choice(4); i > 0; --i) {
    (void)ring.Begin({.started = 1000, .pid = 1, .rows = 24, .cols = 80});
    const size_t times = size_t{1} << input.Choice(8);
    Fill(ring, input.Text(), times);
    ring.RecordModes(ring.end(), "\x1b[?2004h");
    if (input.Flag()) ring.latest().outcome = Outcome::kExited;
  }
  for (size_t i = input.Choice(6); i > 0; --i) Change(input, ring);
  return Duplicate(ring.fd());
}

Fd SomeFile(Input& input) {
  Fd file(::memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  (void)!::ftruncate(file.get(), input.Short() * 64);
  if (input.Flag()) (void)::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK);
  return file;
}

class Restart {
 public:
  explicit Restart(Input& input) : input_(input) {
    options_.socket = Folder() + "/kept";
    options_.history = 4096;
    options_.keeper.kind = KeeperSpec::kNobody;
    options_.session.keeps_screen = !input.Flag();
  }
  void Run();

 private:
  Fd SomeDescriptor();
  std::string SomeName();
  // Hands them back as systemd would, from number 3 on.
  void HandBack();
  void Come();

  Input& input_;
  HeadOptions options_;
  std::vector<std::unique_ptr<Stranger>> programs_;
  std::vector<Fd> ours_;  // the other ends
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Head> head_;
};

Fd Restart::SomeDescriptor() {
  switch (input_.Choice(6)) {
    case 0: {
      auto pty = OpenPty({.rows = 24, .cols = 80});
      Expect(pty.ok());
      ours_.push_back(std::move(pty->terminal));
      return std::move(pty->controller);
    }
    case 1: {
      programs_.push_back(std::make_unique<Stranger>());
      return programs_.back()->Pidfd();
    }
    case 2:
      return SomeFile(input_);
    default:
      return SomeRing(input_);
  }
}

std::string Restart::SomeName() {
  constexpr const char* kKinds[] = {"ring", "pty", "pid"};
  if (input_.Choice(16) == 1) {
    std::string name = absl::StrCat(kStoredPrefix, input_.Text());
    std::erase_if(name, [](char c) { return c == ':' || c == '\0'; });
    return name;
  }
  const char* const kind = input_.OneOf(kKinds);
  const size_t number = input_.Choice(4);
  return absl::StrCat(kStoredPrefix, kind, ".", number, ".",
                      input_.OneOf(kSessions));
}

void Restart::HandBack() {
  std::vector<std::string> names;
  for (size_t i = input_.Choice(kMostKept + 1); i > 0; --i) {
    const int number = kFirstInherited + static_cast<int>(names.size());
    Expect(::dup2(SomeDescriptor().get(), number) == number);
    names.push_back(SomeName());
  }
  (void)::setenv("LISTEN_PID", absl::StrCat(::getpid()).c_str(), 1);
  (void)::setenv("LISTEN_FDS", absl::StrCat(names.size()).c_str(), 1);
  (void)::setenv("LISTEN_FDNAMES", absl::StrJoin(names, ":").c_str(), 1);
}

// A client comes, or the program again.
void Restart::Come() {
  std::string session = input_.OneOf(kSessions);
  if (session == "c=1") session = "c:1";
  Stranger process(options_.socket, kOurUser);
  const Fd connection = process.TakeConnection();
  if (input_.Flag()) {
    auto pty = OpenPty({});
    Expect(pty.ok());
    const Register registration{
        .name = session, .rows = 24, .cols = 80, .term = "", .argv = {}};
    (void)SendWithFd(connection.get(), Encode(registration),
                     pty->controller.get());
    Settle(*loop_);
    (void)WriteSome(pty->terminal.get(), input_.Text());
  } else {
    const Attach wish{.session = session,
                      .rows = SomeSide(input_),
                      .cols = SomeSide(input_),
                      .from = static_cast<From>(input_.Choice(4)),
                      .value = input_.Short(),
                      .stream = input_.Byte(),
                      .offset = input_.Short()};
    (void)WriteSome(connection.get(), Encode(wish));
  }
  Settle(*loop_);
  std::string heard = ReadAll(connection.get());
  (void)TakeMessages(heard);
}

void Restart::Run() {
  HandBack();
  loop_ = *EventLoop::Create();
  head_ = *Head::Create(*loop_, options_);
  ExpectAnswers(*loop_, *head_);
  while (!input_.empty()) Come();
  programs_.clear();
  ours_.clear();
  ExpectAnswers(*loop_, *head_);
}

}  // namespace
}  // namespace deptyr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  (void)deptyr::Folder();
  (void)::signal(SIGPIPE, SIG_IGN);
  const size_t before = deptyr::CountDescriptors();
  const size_t threads = deptyr::CountThreads();
  deptyr::Input input(bytes, size);
  deptyr::Restart(input).Run();
  deptyr::AwaitThreads(threads);
  (void)deptyr::Reserve();
  deptyr::Expect(deptyr::CountDescriptors() == before);
  return 0;
}
