// Head's own terminal, while it has it: the client there, and what that client
// asks of head.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "lib/clients/terminal_client.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class Head;

class HeadTerminal final : public TerminalClient::Owner {
 public:
  HeadTerminal(EventLoop& loop, Head& head) : loop_(loop), head_(head) {}

  // Shows sessions on the terminal of standard output until it is given back.
  absl::Status Take(std::optional<char> command_key);
  void GiveBack() { client_.reset(); }
  // Null without a terminal.
  TerminalClient* client() const { return client_.get(); }
  bool Shows(const Session& session) const {
    return client_ != nullptr && client_->shown() == &session;
  }

  // These are for an upgrade: after Resume(), Take() takes the terminal from
  // the program before.
  void Save(HeadState& state) const;
  void Resume(const HeadState& before);

  std::vector<Session*> ListedSessions() const override;
  Session* DefaultSession() const override;
  const std::string& Socket() const override;
  std::string ProgramsToLose() const override;
  void OnBackgroundWanted() override;
  void OnQuit() override;
  void OnTerminalGone() override;

 private:
  struct Before {
    std::string terminal;
    std::string shown;
    ClientState client;
    bool leads;
  };

  EventLoop& loop_;
  Head& head_;
  std::unique_ptr<TerminalClient> client_;
  std::optional<Before> before_;
};

}  // namespace deptyr
