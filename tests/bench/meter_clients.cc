#include "tests/bench/meter_clients.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

namespace bench {
namespace {

constexpr size_t kRoom = 256 << 10;
constexpr double kPatience = 30;

// Makes a read that blocks end at the next tick, for a look at the time.
void StartTicks() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  (void)::sigaction(SIGALRM, &action, nullptr);
  const itimerval ticks{{0, 100'000}, {0, 100'000}};
  (void)::setitimer(ITIMER_REAL, &ticks, nullptr);
}

int Accept(int listener) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) return fd;
    if (errno != EINTR) Die("accept");
  }
}

}  // namespace

Client::Client(std::string dialect, const std::string& address, size_t session,
               bool reads)
    : dialect_(std::move(dialect)), session_(session), reads_(reads) {
  if (dialect_ == "tty") {
    fd_ = StartOnTerminal(address);
  } else {
    fd_ = Connect(address, dialect_ == "conmon" ? SOCK_SEQPACKET : SOCK_STREAM);
  }
  if (dialect_ == "dtach")
    WriteAll(fd_, std::string("\1\0\0\0\0\0\0\0\0\0", 10));
}

absl::string_view Client::Read() {
  static char room[kRoom];
  const ssize_t count = ::read(fd_, room, sizeof room);
  if (count <= 0) {
    closed_ = count == 0 || (errno != EINTR && errno != EAGAIN);
    return {};
  }
  const absl::string_view bytes(room, static_cast<size_t>(count));
  return dialect_ == "conmon" ? bytes.substr(1) : bytes;
}

void Client::Type(char key) {
  if (dialect_ == "uwsgi") {
    WriteAll(fd_, std::string("\0\1\0\0", 4) + key);
  } else if (dialect_ == "dtach") {
    WriteAll(fd_, std::string("\0\1", 2) + key + std::string(7, '\0'));
  } else {
    WriteAll(fd_, std::string(1, key));
  }
}

void Ends::Order(const std::string& line) const {
  for (const int control : controls) WriteAll(control, line + "\n");
}

Reader::Reader(std::vector<Client>& clients)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  for (Client& client : clients) {
    active_.push_back(&client);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
    (void)::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd(), &event);
  }
}

Reader::~Reader() {
  (void)::close(epoll_);
}

std::vector<Client*> Reader::Ready() {
  // A single client is simply read: epoll would cost one more call.
  if (active_.size() == 1) return active_;
  epoll_event events[256];
  const int count = ::epoll_wait(epoll_, events, 256, 100);
  std::vector<Client*> ready;
  ready.reserve(static_cast<size_t>(std::max(count, 0)));
  for (int i = 0; i < count; ++i) {
    ready.push_back(static_cast<Client*>(events[i].data.ptr));
  }
  return ready;
}

void Reader::Forget(const Client& client) {
  if (std::erase(active_, &client) == 0) return;
  (void)::epoll_ctl(epoll_, EPOLL_CTL_DEL, client.fd(), nullptr);
}

void Tail::Append(absl::string_view bytes) {
  if (bytes.size() >= kept_) {
    bytes.remove_prefix(bytes.size() - kept_);
    text_.clear();
  } else if (text_.size() > 2 * kept_) {
    text_.erase(0, text_.size() - kept_);
  }
  text_.append(bytes.data(), bytes.size());
}

bool Tail::EndsWith(absl::string_view marker) const {
  return text_.size() >= marker.size() &&
         absl::string_view(text_).substr(text_.size() - marker.size()) ==
             marker;
}

bool Tail::Contains(absl::string_view marker) const {
  return ::memmem(text_.data(), text_.size(), marker.data(), marker.size()) !=
         nullptr;
}

bool Sees(const Client& client, const Tail& tail, absl::string_view marker) {
  return client.exact() ? tail.EndsWith(marker) : tail.Contains(marker);
}

Ends Connected(const Options& options) {
  StartTicks();
  Ends ends;
  for (size_t session = 0; session < options.addresses.size(); ++session) {
    for (size_t i = 0; i < options.clients + options.idle; ++i) {
      ends.clients.emplace_back(options.dialect, options.addresses[session],
                                session, i < options.clients);
    }
  }
  const size_t sessions = std::max(options.addresses.size(), options.sessions);
  ends.controls.resize(sessions);
  for (size_t i = 0; i < sessions; ++i) {
    const int control = Accept(options.listener);
    const std::optional<std::string> number = ReadLine(control);
    if (!number) Die("a program ended early");
    ends.controls.at(std::stoul(*number)) = control;
  }
  // All have seen the same last word, so nothing is on its way any more.
  const Clock::time_point start = Clock::now();
  Reader reader(ends.clients);
  std::vector<Tail> tails;
  for (const Client& client : ends.clients) {
    tails.emplace_back(client.exact() ? Tail::kExact : Tail::kRedrawn);
  }
  for (int n = 0;; ++n) {
    const std::string hello = "<hello-" + std::to_string(n) + ">";
    const Clock::time_point said = Clock::now();
    ends.Order("say " + hello);
    size_t missing = ends.clients.size();
    std::vector<bool> seen(missing);
    while (missing > 0 && SecondsSince(said) < 0.2) {
      reader.Turn([&](Client& client) {
        const size_t index = static_cast<size_t>(&client - ends.clients.data());
        tails[index].Append(client.Read());
        if (client.closed()) Die("a client was closed");
        if (seen[index] || !Sees(client, tails[index], hello)) return;
        seen[index] = true;
        --missing;
      });
    }
    if (missing == 0) return ends;
    if (SecondsSince(start) > kPatience) Die("a client sees nothing");
  }
}

Options ParseOptions(const Words& words) {
  Options options;
  size_t i = 0;
  for (; i + 1 < words.size() && words[i].starts_with("--"); i += 2) {
    const std::string& name = words[i];
    const std::string& value = words[i + 1];
    if (name == "--listen") options.listener = std::stoi(value);
    if (name == "--clients") options.clients = std::stoul(value);
    if (name == "--idle") options.idle = std::stoul(value);
    if (name == "--sessions") options.sessions = std::stoul(value);
    if (name == "--kind") options.kind = value;
    if (name == "--bytes") options.bytes = std::stoull(value);
    if (name == "--seconds") options.seconds = std::stod(value);
    if (name == "--keys") options.keys = std::stoi(value);
    if (name == "--stay") options.stay = value == "1";
    if (name == "--relay") {
      for (const std::string& pid : Split(value, ',')) {
        options.relay.push_back(std::stoi(pid));
      }
    }
  }
  if (i < words.size()) options.dialect = words[i++];
  for (; i < words.size(); ++i) options.addresses.push_back(words[i]);
  return options;
}

}  // namespace bench
