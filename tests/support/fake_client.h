// A client of a session without a connection: it takes of the ring what the
// test allows, and remembers what it is told.
//
//   FakeClient slow(1);
//   slow.takes = 10;
//   audience.Add(slow);
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/session/session_client.h"

namespace deptyr {

class FakeClient : public SessionClient {
 public:
  explicit FakeClient(uint64_t number = 1) : SessionClient(-1), id_(number) {}

  size_t takes = SIZE_MAX;  // bytes, each time that it is pumped
  bool comes_back = false;
  bool answers_queries = true;
  std::string inside;  // the session that it runs in
  size_t types = 0;    // bytes that it still has to type
  std::function<void()> pumping = [] {};
  std::vector<std::string> heard;

  uint64_t id() const override { return id_; }
  absl::Time since() const override { return absl::Now(); }
  ClientInfo Info() const override {
    return {.kind = ClientKind::kRaw, .inside = inside};
  }
  bool ComesBack() const override { return comes_back; }
  bool CameBack() const override { return comes_back; }
  void Kick(absl::string_view why) override { heard.emplace_back(why); }
  void BeginAt(uint64_t offset) override { output().BeginAt(offset); }
  Pumped Pump(const Ring& ring) override {
    pumping();
    const uint64_t owed = ring.end() - output().offset();
    output().Advance(std::min<uint64_t>(owed, takes));
    return owed <= takes ? Pumped::kAll : Pumped::kBlocked;
  }
  void KeepPacket(const Ring&) override { heard.emplace_back("keep"); }
  void WaitForRoom(bool wait) override {
    if (wait) heard.emplace_back("blocked");
  }
  bool typed_all() const override { return types == 0; }
  void OnInputRoom() override { heard.emplace_back("room"); }
  bool answers() const override {
    return answers_queries && SessionClient::answers();
  }
  std::string GiveUpPlace() override { return ""; }

 private:
  const uint64_t id_;
};

}  // namespace deptyr
