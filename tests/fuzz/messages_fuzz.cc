// Whatever a peer of the head socket sends: a message is taken only when it is
// there whole, and what was taken can be said again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "lib/wire/messages.h"
#include "lib/wire/session_name.h"

namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

void SayAgain(const deptyr::HeadMessage& message) {
  const auto* request = std::get_if<deptyr::Register>(&message);
  // For another version only the version counts.
  if (request != nullptr && request->version != deptyr::kProtocolVersion)
    return;
  if (request != nullptr) Expect(deptyr::IsSessionName(request->name));
  const std::string said = deptyr::Encode(message);
  absl::string_view rest = said;
  const auto heard = deptyr::TakeMessage(rest);
  Expect(heard.ok() && heard->has_value() && rest.empty());
  Expect(deptyr::Encode(**heard) == said);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  absl::string_view stream(reinterpret_cast<const char*>(bytes), size);
  while (!stream.empty()) {
    absl::string_view rest = stream;
    const auto message = deptyr::TakeMessage(rest);
    if (!message.ok()) return 0;
    if (!message->has_value()) {
      Expect(rest == stream);
      return 0;
    }
    const size_t taken = stream.size() - rest.size();
    Expect(taken > 0);
    for (size_t cut = 0; cut < taken; ++cut) {
      absl::string_view some = stream.substr(0, cut);
      const auto nothing = deptyr::TakeMessage(some);
      Expect(nothing.ok() && !nothing->has_value() && some.size() == cut);
    }
    SayAgain(**message);
    stream = rest;
  }
  return 0;
}
