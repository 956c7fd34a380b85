#include "tests/support/proxy.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

struct Way {
  int from;
  int to;
  bool open = true;
};

void Pass(Way& way) {
  std::array<char, 65536> room;
  const ssize_t got = ::read(way.from, room.data(), room.size());
  way.open = got > 0;
  for (ssize_t done = 0; done < got;) {
    pollfd ready = {way.to, POLLOUT, 0};
    (void)::poll(&ready, 1, -1);
    const ssize_t wrote =
        ::write(way.to, room.data() + done, static_cast<size_t>(got - done));
    way.open = wrote >= 0;
    if (!way.open) break;
    done += wrote;
  }
  if (!way.open) ShutDownWriting(way.to);
}

int Serve(const ListeningSocket& listener, const std::string& target) {
  struct Connection {
    Fd client;
    Fd server;
    std::array<Way, 2> ways;
  };
  (void)::signal(SIGPIPE, SIG_IGN);
  std::vector<Connection> connections;
  for (;;) {
    std::vector<pollfd> polled = {{listener.fd(), POLLIN, 0}};
    for (const Connection& connection : connections) {
      for (const Way& way : connection.ways) {
        polled.push_back({way.open ? way.from : -1, POLLIN, 0});
      }
    }
    (void)::poll(polled.data(), polled.size(), -1);
    size_t at = 1;
    for (Connection& connection : connections) {
      for (Way& way : connection.ways) {
        if (polled[at++].revents != 0) Pass(way);
      }
    }
    // Drop connections that head has closed.
    std::erase_if(connections, [](const Connection& connection) {
      return !connection.ways[1].open;
    });
    if (polled[0].revents == 0) continue;
    auto client = Accept(listener.fd());
    auto server = Connect(target, absl::Seconds(5));
    if (!client.ok() || !*client || !server.ok()) return 1;
    const int one = (*client)->get();
    const int other = server->get();
    connections.push_back({**std::move(client),
                           *std::move(server),
                           {{{one, other}, {other, one}}}});
  }
}

}  // namespace

Proxy::Proxy(const std::string& target, const std::string& path)
    : listener_(Value(Listen(path, {}))),
      process_(Program::Fork([&] { return Serve(listener_, target); },
                             {.keep = {listener_.fd()}})) {}

}  // namespace deptyr
