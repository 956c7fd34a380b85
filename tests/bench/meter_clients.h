// Clients of a session, in the dialects of deptyr and its peers:
//
//   raw     plain bytes both ways
//   uwsgi   keys go in uwsgi packets
//   dtach   asks to attach; keys go in dtach's packets of 10 bytes
//   conmon  a socket of packets; each that comes begins with a stream's number
//   tty     an attach client, a command, on a terminal of its own
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "tests/bench/meter.h"

namespace bench {

class Client {
 public:
  Client(std::string dialect, const std::string& address, size_t session,
         bool reads);

  int fd() const { return fd_; }
  size_t session() const { return session_; }
  bool reads() const { return reads_; }  // once all are connected
  // Returns the bytes of one read, valid until the next one of any client;
  // empty when interrupted or at the end.
  absl::string_view Read();
  bool closed() const { return closed_; }
  void Type(char key);
  // On a terminal an attach client redraws at will, so only a marker can be
  // recognized in its output.
  bool exact() const { return dialect_ != "tty"; }

 private:
  std::string dialect_;
  int fd_;
  size_t session_;
  bool reads_;
  bool closed_ = false;
};

// The clients of a measurement, and the programs they are clients of.
struct Ends {
  std::vector<Client> clients;
  std::vector<int> controls;  // of each session

  void Order(const std::string& line) const;  // to all programs
};

// The subcommands that measure have these options in common:
//
//   --listen FD     where the programs connect
//   --clients N     for each session
//   --relay PIDS    whose processor time is asked for, with commas between
//   ...             the others are those of sink.cc and keys.cc
//   DIALECT SOCKET...  of each session
struct Options {
  int listener = -1;
  size_t clients = 1;
  size_t idle = 0;  // clients more of each session that never read
  size_t sessions = 1;
  std::string kind = "bytes";
  uint64_t bytes = 0;
  double seconds = 0;
  int keys = 0;
  bool stay = false;
  std::vector<pid_t> relay;
  std::string dialect;
  Words addresses;
};
Options ParseOptions(const Words& words);

// Returns clients and programs once all are connected and see each other.
Ends Connected(const Options& options);

// Waits until one of the clients has something to read, or some time has
// passed (100 ms, often less), and calls `each` for those that have.
class Reader {
 public:
  explicit Reader(std::vector<Client>& clients);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();
  template <typename Function>
  void Turn(Function each) {
    for (Client* const client : Ready()) each(*client);
  }
  void Forget(const Client& client);

 private:
  std::vector<Client*> Ready();

  std::vector<Client*> active_;
  int epoll_;
};

// Keeps the end of the output, to find a marker that came in pieces.
class Tail {
 public:
  // The number of bytes kept: the longest marker, and what may follow it.
  static constexpr size_t kExact = 32;
  static constexpr size_t kRedrawn = 8192;

  explicit Tail(size_t kept) : kept_(kept) {}

  void Append(absl::string_view bytes);
  bool EndsWith(absl::string_view marker) const;
  bool Contains(absl::string_view marker) const;

 private:
  size_t kept_;
  std::string text_;
};

// Whether what the client got ends with the marker.
bool Sees(const Client& client, const Tail& tail, absl::string_view marker);

}  // namespace bench
