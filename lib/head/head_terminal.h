// Head's own terminal, while it has it: the client there, also over an upgrade.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "lib/clients/terminal_client.h"
#include "lib/head/session_table.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class HeadTerminal {
 public:
  HeadTerminal(EventLoop& loop, const SessionTable& sessions,
               TerminalClient::Owner& owner)
      : loop_(loop), sessions_(sessions), owner_(owner) {}

  // Shows sessions on the terminal of standard output until it is given back.
  absl::Status Take(std::optional<char> command_key);
  void GiveBack() { client_.reset(); }
  // Null without a terminal.
  TerminalClient* client() const { return client_.get(); }

  // After Resume(), Take() takes the terminal from the program before.
  void Save(HeadState& state) const;
  void Resume(const HeadState& before);

 private:
  struct Before {
    std::string terminal;
    std::string shown;
    ClientState client;
    bool leads;
  };

  EventLoop& loop_;
  const SessionTable& sessions_;
  TerminalClient::Owner& owner_;
  std::unique_ptr<TerminalClient> client_;
  std::optional<Before> before_;
};

}  // namespace deptyr
