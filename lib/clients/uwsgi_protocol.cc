// uwsgi-framed clients, as uWSGI's own --pty-connect and --pty-uconnect:
// packets up (lib/wire/uwsgi.h), plain bytes down.
#include <optional>
#include <utility>

#include "lib/clients/connected_client.h"
#include "lib/clients/raw_protocol.h"
#include "lib/wire/messages.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

// How long the second of rows and columns may stay out.
constexpr absl::Duration kSettleTime = absl::Milliseconds(50);

class UwsgiProtocol final : public RawProtocol {
 public:
  using RawProtocol::RawProtocol;

  void Join(ConnectedClient& client, Session& session) override {
    RawProtocol::Join(client, session);
    if (!settle_.pending()) ApplySize(client);
  }
  bool Take(ConnectedClient& client, absl::string_view& bytes) override;

  void Save(const ConnectedClient& client, HeadState& head) const override {
    RawProtocol::Save(client, head);
    SocketClientState& state = head.clients.back();
    state.inbox.insert(0, decoder_.Pending());
    state.rows = rows_.value_or(0);
    state.cols = cols_.value_or(0);
  }
  void Resume(ConnectedClient& client, WindowSize told) override {
    if (told.rows != 0) rows_ = told.rows;
    if (told.cols != 0) cols_ = told.cols;
    if (rows_ || cols_) ApplySizeSoon(client);
  }

 private:
  // Both sides told: applied together.  One alone: after a while.
  void TakeSide(ConnectedClient& client, std::optional<uint16_t>& side,
                uint16_t value) {
    if (client.session() != nullptr && !client.May(Right::kResize)) {
      return client.CountDropped(1);
    }
    side = value;
    if (rows_ && cols_) {
      ApplySize(client);
    } else if (!settle_.pending()) {
      ApplySizeSoon(client);
    }
  }

  void ApplySizeSoon(ConnectedClient& client) {
    settle_ = client.loop().After(kSettleTime,
                                  [this, &client] { ApplySize(client); });
  }

  // A side that wasn't told, or is told as 0, stays as it was.
  void ApplySize(ConnectedClient& client) {
    settle_.Reset();
    if (client.session() == nullptr) return;  // Join() comes back to it
    const WindowSize told = {.rows = std::exchange(rows_, {}).value_or(0),
                             .cols = std::exchange(cols_, {}).value_or(0)};
    if (told == WindowSize{0, 0}) return;
    const WindowSize before = client.size().value_or(client.session()->size());
    WindowSize size = {.rows = before.rows, .cols = before.cols};
    if (told.rows != 0) size.rows = told.rows;
    if (told.cols != 0) size.cols = told.cols;
    client.ResizeIfAllowed(size);
  }

  FramedDecoder decoder_;
  // Told, and not applied yet: 100 and 101 come as a pair, and are one change.
  std::optional<uint16_t> rows_;
  std::optional<uint16_t> cols_;
  Timer settle_;
};

bool UwsgiProtocol::Take(ConnectedClient& client, absl::string_view& bytes) {
  const auto input = decoder_.Take(bytes);
  if (!input) return false;
  if (const auto* keys = std::get_if<FramedKeys>(&*input)) {
    client.TypeIfAllowed(keys->bytes);
  } else if (const auto* rows = std::get_if<FramedRows>(&*input)) {
    TakeSide(client, rows_, rows->rows);
  } else if (const auto* cols = std::get_if<FramedCols>(&*input)) {
    TakeSide(client, cols_, cols->cols);
  } else if (const auto* signal = std::get_if<FramedSignal>(&*input)) {
    client.SignalIfAllowed(signal->number);
  } else if (std::holds_alternative<FramedForeign>(*input)) {
    client.Refuse(
        {kRefusedMalformed, "it sends no packets of a uwsgi-framed client",
         "deptyr: this socket takes uwsgi packets whose modifier1 is 0\r\n"});
  } else {
    client.CountIgnored();
  }
  return true;
}

}  // namespace

std::unique_ptr<ClientProtocol> MakeUwsgiProtocol(ClientPolicy policy) {
  return std::make_unique<UwsgiProtocol>(std::move(policy));
}

}  // namespace deptyr
