// Head's own protocol (deptyr attach, send, history, ...): output comes in
// packets.  Between them, messages say what happened at that place of the
// stream, and bring the screen as it is if that is asked for.
// docs/protocol.md, "Attaching and asking".
//
// A half-close is answered by `done`.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "lib/clients/client_protocol.h"
#include "lib/wire/messages.h"

namespace deptyr {

class DeptyrProtocol final : public ClientProtocol {
 public:
  // `rights` are what the client may do in its session, unless it wishes to do
  // less.  `done_said` if another program served the client and has said
  // `done`.
  DeptyrProtocol(Rights rights, Attach wish, bool done_said = false)
      : rights_(rights),
        wish_(std::move(wish)),
        room_{wish_.rows, wish_.cols},
        done_said_(done_said) {}

  ClientKind kind() const override { return ClientKind::kAttach; }
  Client::Output output() const override { return Client::Output::kPackets; }
  bool comes_back() const override { return true; }
  bool came_back() const override { return wish_.stream != 0; }
  Rights RightsIn(const Session&,
                  const std::optional<PeerIdentity>&) const override {
    return wish_.read_only ? rights_ & Rights{Right::kSee} : rights_;
  }

  void Join(ConnectedClient& client, Session& session) override;
  bool Take(ConnectedClient& client, absl::string_view& bytes) override;
  void OnInputOver(ConnectedClient& client) override;
  std::optional<uint64_t> Begin(ConnectedClient& client) override;
  std::optional<uint64_t> SkipAhead(ConnectedClient& client) override;
  void OnChange(ConnectedClient& client, Change::Kind kind) override;
  void OnStopping(ConnectedClient& client) override;
  std::string Refusal(absl::string_view code,
                      absl::string_view text) const override;

  void Save(const ConnectedClient& client, HeadState& head) const override;
  std::string Pending() const override;
  WindowSize told() const override { return room_; }
  void Resume(ConnectedClient& client, WindowSize told) override;

 private:
  bool has_terminal() const { return room_.rows != 0 && room_.cols != 0; }
  // The screen, as large as the client's terminal.
  std::optional<Session::Picture> TakePicture(ConnectedClient& client) const;
  // The offset at which a client without a picture begins.
  uint64_t Beginning(const Ring& ring) const;
  void InsertWhatHappened(ConnectedClient& client) const;
  void Refuse(ConnectedClient& client, absl::string_view text) const;
  // Returns false if there are none now.
  bool TakeLongKeys(ConnectedClient& client, absl::string_view& bytes);

  const Rights rights_;
  const Attach wish_;
  // Its terminal's size, 0 for none; also that of a client that only looks.
  WindowSize room_;
  size_t keys_left_ = 0;  // of a packet that is begun
  bool done_said_;
};

}  // namespace deptyr
