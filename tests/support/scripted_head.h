// A head with prepared answers.  It gives one to each connection, one after the
// other, without reading the questions, and then goes.
//
//   const ScriptedHead head({Encode(Refused{...})});
//   ReadScrollback(head.path(), ...);
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/messages.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {

// The first message to a client that attaches.
inline Attached SomeAttached(uint64_t offset = 0) {
  Attached attached;
  attached.session = "a";
  attached.stream = 7;
  attached.offset = offset;
  attached.rows = 24;
  attached.cols = 80;
  attached.number = 1;
  attached.running = true;
  attached.state = "runs, pid 1";
  return attached;
}

class ScriptedHead {
 public:
  explicit ScriptedHead(std::vector<std::string> answers)
      : answers_(std::move(answers)),
        process_(Program::Fork([this] { return Serve(); },
                               {.keep = {listener_.fd()}})) {}

  std::string path() const { return dir_ / "head"; }

 private:
  int Serve() const {
    for (const std::string& answer : answers_) {
      if (WaitForEvents(listener_.fd(), POLLIN) == 0) return 1;
      const Fd client(
          ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      (void)WriteSome(client.get(), answer);
      ShutDownWriting(client.get());
      char byte = 0;
      while (::read(client.get(), &byte, 1) > 0) {
      }
    }
    return 0;
  }

  const TempDir dir_;
  const ListeningSocket listener_ = Value(Listen(dir_ / "head", {}));
  const std::vector<std::string> answers_;
  const Program process_;
};

}  // namespace deptyr
