#include "lib/clients/opening.h"

#include <utility>

#include "lib/clients/refusals.h"
#include "lib/wire/messages.h"
#include "lib/wire/protocol_detection.h"

namespace deptyr {

Opening::Opening(EventLoop& loop, bool over_tcp,
                 const std::string& wrong_socket,
                 absl::AnyInvocable<void()> waited)
    : loop_(loop),
      over_tcp_(over_tcp),
      wrong_socket_(wrong_socket),
      waited_(std::move(waited)),
      timer_(loop.After(kSilence, [this] { waited_(); })) {}

Opening::Verdict Opening::Judge(absl::string_view beginning, bool ended) {
  switch (DetectProtocol(beginning, over_tcp_)) {
    case Protocol::kHead:
      return {kRefused,
              {kRefusedWrongSocket, wrong_socket_,
               EncodeRefusal(kRefusedWrongSocket, wrong_socket_)}};
    case Protocol::kBrowser:
      return {kRefused,
              {kRefusedMalformed, "it speaks HTTP, or what else a browser does",
               "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"
               "deptyr: this is a program's terminal; it takes nothing of a "
               "browser\n"}};
    case Protocol::kUndecided:
      if (ended || too_late_) break;
      if (!beginning.empty() && !std::exchange(undecided_, true)) {
        timer_ = loop_.After(kUndecidedTime, [this] {
          too_late_ = true;
          waited_();
        });
      }
      return {kUndecided};
    case Protocol::kClient:
      break;
  }
  return {kClient};
}

}  // namespace deptyr
