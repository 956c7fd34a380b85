// The beginning of a connection to a client socket.  It shows whether the peer
// is a client or speaks another protocol (lib/wire/protocol_detection.h), and
// is told so in that protocol, before a byte reaches the program.
//
//   Opening opening(loop, /*over_tcp=*/false, "ask at /run/head.sock",
//                   [] { /* look again */ });
//   const Opening::Verdict verdict = opening.Judge(bytes, /*ended=*/false);
//   if (verdict.kind == Opening::kRefused) {
//     WriteSome(connection, verdict.refusal.answer);
//   }
//
// A new connection is sent nothing for 50 ms, or until it says something, so
// that the answer is the first thing it reads.  Bytes that may still become
// another protocol are held back, for 200 ms at most.
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/sys/event_loop.h"

namespace deptyr {

class Opening {
 public:
  struct Refusal {
    std::string code;
    std::string why;     // for the log
    std::string answer;  // for the peer
  };
  enum Kind { kUndecided, kClient, kRefused };
  struct Verdict {
    Kind kind;
    Refusal refusal = {};  // if kRefused
  };

  // `wrong_socket` is the text for peers that speak head's own protocol; it
  // must outlive this object.  `waited` is called after the silence, and when
  // Judge() would say kClient.
  Opening(EventLoop& loop, bool over_tcp, const std::string& wrong_socket,
          absl::AnyInvocable<void()> waited);

  // `beginning` is all that has come so far, `ended` if nothing will follow.
  Verdict Judge(absl::string_view beginning, bool ended);

 private:
  static constexpr absl::Duration kSilence = absl::Milliseconds(50);
  static constexpr absl::Duration kUndecidedTime = absl::Milliseconds(200);

  EventLoop& loop_;
  const bool over_tcp_;
  const std::string& wrong_socket_;
  absl::AnyInvocable<void()> waited_;
  bool undecided_ = false;
  bool too_late_ = false;
  Timer timer_;
};

}  // namespace deptyr
