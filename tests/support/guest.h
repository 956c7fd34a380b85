// Somebody's connection to the head socket, who says anything.
//
//   Guest guest(ConnectAs(head.socket(), {.uid = 12345}));
//   guest.Say(Attach{.session = "a"});
//   EXPECT_EQ(guest.Answer(), "attached");
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/wire/messages.h"
#include "tests/support/send_fds.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {

class Guest {
 public:
  explicit Guest(Fd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }

  // False if head has closed the connection.
  bool Say(absl::string_view bytes, const std::vector<int>& fds = {}) const {
    if (!fds.empty()) {
      SendWithFds(fd(), bytes, fds);
      return true;
    }
    return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  bool Say(const HeadMessage& message) const { return Say(Encode(message)); }

  // "accepted", "attached", "done" or "CODE: TEXT"; "" at the end.
  std::string Answer() {
    for (;;) {
      absl::string_view rest = inbox_;
      const auto message = Value(TakeMessage(rest));
      inbox_.erase(0, inbox_.size() - rest.size());
      if (message) {
        if (std::holds_alternative<Accepted>(*message)) return "accepted";
        if (std::holds_alternative<Attached>(*message)) return "attached";
        if (std::holds_alternative<Done>(*message)) return "done";
        if (const auto* refused = std::get_if<Refused>(&*message)) {
          return absl::StrCat(refused->code, ": ", refused->text);
        }
        continue;
      }
      if (WaitForEvents(fd(), POLLIN) == 0) return "silence";
      std::array<char, 65536> room;
      const ssize_t count = ::read(fd(), room.data(), room.size());
      if (count <= 0) return "";
      inbox_.append(room.data(), static_cast<size_t>(count));
    }
  }
  bool IsClosed() { return Answer().empty(); }

 private:
  Fd fd_;
  std::string inbox_;
};

}  // namespace deptyr
