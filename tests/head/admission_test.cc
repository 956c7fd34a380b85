// Head decides who may come in, and have how much.
#include "lib/head/admission.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

constexpr uid_t kUser = 1001;
constexpr uid_t kRoot = 0;

PeerIdentity Peer(uid_t uid) {
  return {.pid = 1, .uid = uid, .gid = uid};
}

class AdmissionTest : public testing::Test {
 protected:
  void TakePlaces(uid_t uid, size_t count) {
    while (count-- > 0) places_.push_back(admission_.client_counts().Take(uid));
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Limits limits_{.descriptors = 400, .clients = 200};
  AllowRules allow_;
  size_t descriptors_ = 0;
  Admission admission_{*loop_, limits_, allow_,
                       [this](uid_t) { return descriptors_; }};
  Session session_{*loop_, "a",
                   kUser,  Value(Ring::Create(4096)),
                   {},     [](Session&, Change) {}};
  std::vector<UserCounts::Place> places_;
};

TEST_F(AdmissionTest, AUserHasHalfOfAllClients) {
  TakePlaces(kUser, 99);
  EXPECT_THAT(admission_.CheckClients(Peer(kUser)), IsOk());
  TakePlaces(kUser, 1);
  EXPECT_THAT(
      admission_.CheckClients(Peer(kUser)),
      StatusIs(StatusCode::kResourceExhausted, HasSubstr("uid 1001 has 100")));
  EXPECT_THAT(admission_.CheckClients(Peer(kUser + 1)), IsOk());
  places_.clear();
  EXPECT_THAT(admission_.CheckClients(Peer(kUser)), IsOk());
}

TEST_F(AdmissionTest, TheLastClientsAreRoots) {
  for (uid_t uid = kUser; uid < kUser + 4; ++uid) TakePlaces(uid, 46);
  EXPECT_THAT(admission_.CheckClients(Peer(kUser)),
              StatusIs(StatusCode::kResourceExhausted,
                       HasSubstr("there are 184 clients already")));
  EXPECT_THAT(admission_.CheckClients(Peer(kRoot)), IsOk());
  EXPECT_FALSE(admission_.CheckClients({}).ok()) << "over TCP";
  TakePlaces(kRoot, kReservedClients);
  EXPECT_FALSE(admission_.CheckClients(Peer(kRoot)).ok());
}

TEST_F(AdmissionTest, AUserHasHalfOfAllDescriptors) {
  descriptors_ = 201;
  EXPECT_THAT(admission_.CheckDescriptor(199, kUser), IsOk())
      << "enough are free";
  EXPECT_THAT(admission_.CheckDescriptor(200, kUser),
              StatusIs(StatusCode::kResourceExhausted,
                       HasSubstr("uid 1001 has half of the 400")));
  EXPECT_THAT(admission_.CheckDescriptor(200, kUnknownId),
              StatusIs(StatusCode::kResourceExhausted,
                       HasSubstr("users unknown here have half")));
  descriptors_ = 200;
  EXPECT_THAT(admission_.CheckDescriptor(200, kUser), IsOk());
  TakePlaces(kUser, 1);
  EXPECT_FALSE(admission_.CheckDescriptor(200, kUser).ok());
}

TEST_F(AdmissionTest, TheLastDescriptorsAreRoots) {
  const int last = 400 - static_cast<int>(kReservedDescriptors);
  EXPECT_THAT(admission_.CheckDescriptor(last - 1, kUser), IsOk());
  EXPECT_THAT(
      admission_.CheckDescriptor(last, kUser),
      StatusIs(StatusCode::kResourceExhausted, HasSubstr("are root's")));
  EXPECT_THAT(admission_.CheckDescriptor(399, kRoot), IsOk());
}

TEST_F(AdmissionTest, RegistrationsThatComeTooFastAreRefused) {
  limits_.registrations = 2;
  EXPECT_THAT(admission_.CheckRegistration(kUser), IsOk());
  EXPECT_THAT(admission_.CheckRegistration(kUser), IsOk());
  EXPECT_THAT(admission_.CheckRegistration(kUser),
              StatusIs(StatusCode::kResourceExhausted,
                       HasSubstr("--max-registrations")));
  EXPECT_THAT(admission_.CheckRegistration(kUser + 1), IsOk());
}

TEST_F(AdmissionTest, WhoseTerminalsMadeHeadWaitMayNotRegister) {
  for (size_t i = 0; i < kMostHeldUp; ++i) {
    EXPECT_FALSE(admission_.NoteHeldUp(kUser)) << "it may be a coincidence";
  }
  EXPECT_THAT(admission_.CheckRegistration(kUser), IsOk());
  EXPECT_TRUE(admission_.NoteHeldUp(kUser));
  EXPECT_THAT(
      admission_.CheckRegistration(kUser),
      StatusIs(StatusCode::kResourceExhausted, HasSubstr("made head wait")));
}

TEST_F(AdmissionTest, ARuleGivesOthersARight) {
  const PeerIdentity other = Peer(kUser + 1);
  EXPECT_THAT(admission_.CheckRight(Peer(kUser), Right::kSee, session_),
              IsOk());
  EXPECT_THAT(admission_.CheckRight(other, Right::kSee, session_),
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("--allow uid:1002=see@a")));
  allow_.push_back(Value(ParseAllow("uid:1002=see@a")));
  EXPECT_THAT(admission_.CheckRight(other, Right::kSee, session_), IsOk());
  EXPECT_FALSE(admission_.CheckRight(other, Right::kType, session_).ok());
}

TEST_F(AdmissionTest, OfAnAbstractSocketOnlyRulesLetStrangersIn) {
  ListenerSpec spec{.address = "@console"};
  const auto may = [&](SocketKind kind, uid_t uid) {
    return admission_.CheckListener(spec, kind, Peer(uid)).ok();
  };
  EXPECT_FALSE(may(SocketKind::kAbstract, kUser));
  EXPECT_TRUE(may(SocketKind::kAbstract, kRoot));
  EXPECT_TRUE(may(SocketKind::kFile, kUser)) << "its file has rights";
  spec.policy.allow.push_back(Value(ParseAllow("any=see")));
  EXPECT_TRUE(may(SocketKind::kAbstract, kUser));
}

}  // namespace
}  // namespace deptyr
