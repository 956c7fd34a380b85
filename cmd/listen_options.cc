#include "cmd/listen_options.h"

#include <utility>

#include "absl/strings/str_replace.h"

namespace deptyr {

void AddListeners(Options& options, ListenOptionsState& state) {
  for (const SocketProtocol& protocol : kSocketProtocols) {
    const char* placeholder =
        state.name_sessions ? "ADDRESS[=SESSION]" : "ADDRESS";
    options.Do(protocol.name, placeholder, protocol.help,
               [&](absl::string_view text) -> absl::Status {
                 ListenerSpec spec{.address = std::string(text)};
                 if (state.name_sessions) {
                   ASSIGN_OR_RETURN(spec, ParseListener(text));
                 }
                 spec.policy = state.policy;
                 spec.policy.kind = protocol.kind;
                 spec.allow_remote = state.allow_remote;
                 state.listeners->push_back(std::move(spec));
                 return absl::OkStatus();
               },
               {.repeatable = true});
  }
  options.Flag(
      "allow-signals", &state.policy.allow_signals,
      "listeners named after this: anybody's signals reach the program");
  options.Flag("ask-size", &state.policy.asks_size,
               "raw listeners named after this: ask a client's terminal for "
               "its size in band (OSC 2811)");
  options.Do("greeting", "TEXT",
             "listeners named after this: the lines that a client gets first",
             [&](absl::string_view text) {
               // Their ends are those of a raw terminal's.
               state.policy.greeting = absl::StrReplaceAll(
                   absl::StrCat(text, "\n"), {{"\n", "\r\n"}});
               return absl::OkStatus();
             });
  options.Flag("allow-remote", &state.allow_remote,
               "listeners named after this: TCP beyond loopback");
}

}  // namespace deptyr
