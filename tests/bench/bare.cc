// The bare loops that deptyr and its peers are measured against: the least that
// can be done with the controlling end of a PTY.
//
//   bare drain PROGRAM [ARG...]         read, and throw away
//   bare relay SOCKET PROGRAM [ARG...]  read, write to the one client; blocking
//   bare poll FOLDER N PROGRAM [ARG...]  with epoll, in both directions, for N
//       programs (an ARG "@" is the number of each), any number of clients for
//       each at the socket FOLDER/NUMBER; one read per ready PTY and turn
//   bare keep FOLDER N PROGRAM [ARG...]  the same, but what each program writes
//       is read into a MiB of its own, over and over
//   bare hold SOCKET                    takes the controlling ends of bare-pty
#include <pty.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

char room[65536];
constexpr size_t kKept = 1 << 20;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(111);
}

// Starts a program on a new terminal, and returns the controlling end.
int Start(char** argv, const std::string& number) {
  int controller = -1;
  const pid_t pid = ::forkpty(&controller, nullptr, nullptr, nullptr);
  if (pid < 0) Die("forkpty");
  if (pid > 0) return controller;
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> words;
  std::string copy = number;
  for (; *argv != nullptr; ++argv) {
    words.push_back(std::string(*argv) == "@" ? copy.data() : *argv);
  }
  words.push_back(nullptr);
  (void)::execv(words[0], words.data());
  Die(words[0]);
}

int Listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      ::listen(fd, 4096) != 0) {
    Die(path.c_str());
  }
  return fd;
}

bool WriteAll(int fd, const char* bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t count = ::write(fd, bytes + done, size - done);
    if (count <= 0) return false;
    done += static_cast<size_t>(count);
  }
  return true;
}

void Drain(char** argv) {
  const int controller = Start(argv, "0");
  while (::read(controller, room, sizeof room) > 0) {
  }
}

void Relay(const std::string& socket, char** argv) {
  const int listener = Listen(socket);
  const int controller = Start(argv, "0");
  const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ssize_t count;
  while ((count = ::read(controller, room, sizeof room)) > 0 &&
         WriteAll(client, room, static_cast<size_t>(count))) {
  }
}

struct Session {
  int listener;
  int controller;
  std::vector<int> clients;
  std::vector<char> kept;
  size_t end = 0;  // of the latest, in what is kept
};

// Returns the place for its next output.
char* Room(Session& session) {
  if (session.kept.empty()) return room;
  if (session.end + sizeof room > kKept) session.end = 0;
  return session.kept.data() + session.end;
}

void Poll(const std::string& folder, int sessions, char** argv, bool keeps) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Session> table;
  std::vector<int> owners;  // the session of each descriptor
  const auto watch = [&](int fd, int owner) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    (void)::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    owners.resize(std::max(owners.size(), static_cast<size_t>(fd) + 1));
    owners[static_cast<size_t>(fd)] = owner;
  };
  for (int i = 0; i < sessions; ++i) {
    const std::string number = std::to_string(i);
    std::string path = folder;
    path += "/" + number;
    const int listener = Listen(path);
    table.push_back({listener,
                     Start(argv, number),
                     {},
                     std::vector<char>(keeps ? kKept : 0)});
    watch(table.back().listener, i);
    watch(table.back().controller, i);
  }
  epoll_event events[128];
  for (;;) {
    const int ready = ::epoll_wait(epoll, events, 128, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      const int owner = owners[static_cast<size_t>(fd)];
      Session& session = table[static_cast<size_t>(owner)];
      if (fd == session.listener) {
        session.clients.push_back(
            ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
        watch(session.clients.back(), owner);
        continue;
      }
      char* const to = fd == session.controller ? Room(session) : room;
      const ssize_t count = ::read(fd, to, sizeof room);
      if (count <= 0) {
        std::erase(session.clients, fd);
        (void)::close(fd);
      } else if (fd == session.controller) {
        for (const int client : session.clients) {
          (void)WriteAll(client, to, static_cast<size_t>(count));
        }
        session.end += static_cast<size_t>(count);
      } else {
        (void)WriteAll(session.controller, room, static_cast<size_t>(count));
      }
    }
  }
}

// Reports each descriptor that it receives, and keeps all.
void Hold(const std::string& socket) {
  const int listener = Listen(socket);
  (void)!::write(STDOUT_FILENO, "\n", 1);
  for (;;) {
    const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) Die("accept");
    char byte = 0;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec part = {&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(peer, &message, MSG_CMSG_CLOEXEC) == 1) {
      (void)!::write(peer, &byte, 1);
    }
    (void)::close(peer);
  }
}

}  // namespace

int main(int argc, char** argv) {
  (void)::signal(SIGPIPE, SIG_IGN);
  const std::string loop = argc > 2 ? argv[1] : "";
  if (loop == "drain") {
    Drain(argv + 2);
  } else if (loop == "relay" && argc > 3) {
    Relay(argv[2], argv + 3);
  } else if ((loop == "poll" || loop == "keep") && argc > 4) {
    Poll(argv[2], std::atoi(argv[3]), argv + 4, loop == "keep");
  } else if (loop == "hold") {
    Hold(argv[2]);
  } else {
    std::fprintf(stderr,
                 "usage: bare drain PROGRAM | relay SOCKET PROGRAM | "
                 "poll|keep FOLDER N PROGRAM | hold SOCKET\n");
    return 100;
  }
  return 0;
}
