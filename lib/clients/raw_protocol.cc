// Raw clients: bytes both ways, nothing else.
#include <utility>

#include "lib/clients/connected_client.h"
#include "lib/clients/plain_protocol.h"

namespace deptyr {
namespace {

class RawProtocol final : public PlainProtocol {
 public:
  using PlainProtocol::PlainProtocol;

  bool Take(ConnectedClient& client, absl::string_view& bytes) override {
    client.TypeIfAllowed(std::exchange(bytes, ""));
    return true;
  }
};

}  // namespace

std::unique_ptr<ClientProtocol> MakeRawProtocol(ClientPolicy policy) {
  return std::make_unique<RawProtocol>(std::move(policy));
}

}  // namespace deptyr
