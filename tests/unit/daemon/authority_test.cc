#include "authority.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "garner/v1/service.pb.h"
#include "peers.h"

namespace garner::daemon {
namespace {

const google::protobuf::ServiceDescriptor& service() {
  return *v1::GetStatusRequest::descriptor()->file()->FindServiceByName("Garner");
}

constexpr uid_t kUser = 1000;
constexpr uid_t kMember = 1001;
constexpr uid_t kStranger = 1002;
bool is_member(uid_t user) { return user == kMember; }

TEST_CASE("every method of the service has a rule, and no other name has one") {
  for (int i = 0; i < service().method_count(); ++i) {
    INFO(service().method(i)->name());
    CHECK(rule_of(service().method(i)->name()).has_value());
  }
  CHECK_FALSE(rule_of("NoSuchMethod").has_value());
  CHECK_FALSE(rule_of("").has_value());
}

TEST_CASE("members of the group see status and metrics, and start, pause and resume backups: nothing else") {
  const std::set<std::string> allowed = {"GetStatus", "WatchStatus", "StartBackup", "ListRuns",  "GetRun",
                                         "WatchRun",  "PauseRun",    "ResumeRun",   "GetMetrics"};
  for (int i = 0; i < service().method_count(); ++i) {
    const std::string name = service().method(i)->name();
    INFO(name);
    CHECK((rule_of(name)->needed <= Authority::kMember) == allowed.contains(name));
    CHECK(rule_of(name)->needed != Authority::kNone);
  }
}

TEST_CASE("a user's daemon serves that user and root, members of the group or not") {
  const AuthorityRules rules(kUser, is_member);
  CHECK(rules.of({kUser, kUser, 1}) == Authority::kFull);
  CHECK(rules.of({0, 0, 1}) == Authority::kFull);
  CHECK(rules.of({kMember, kMember, 1}) == Authority::kNone);
  CHECK(rules.of({kStranger, kStranger, 1}) == Authority::kNone);
}

TEST_CASE("a system daemon serves root in everything, members in little, others in nothing") {
  const AuthorityRules rules(0, is_member);
  CHECK(rules.of({0, 0, 1}) == Authority::kFull);
  CHECK(rules.of({kMember, kMember, 1}) == Authority::kMember);
  // The group that the connection names says nothing: it is the process's, not the user's.
  CHECK(rules.of({kStranger, 0, 1}) == Authority::kNone);
}

TEST_CASE("a call is known by the descriptor of its connection, and by nothing else") {
  PeerTable peers;
  peers.set(17, {kUser, kUser, 4});
  REQUIRE(peers.find("fd:17").has_value());
  CHECK(peers.find("fd:17")->uid == kUser);
  CHECK(peers.find("fd:17")->pid == 4);
  for (const char* other : {"fd:18", "fd:", "fd:17x", "fd: 17", "fd:-17", "fd:99999999999", "17", "unix:17",
                            "", "ipv4:127.0.0.1:17"}) {
    INFO(other);
    CHECK_FALSE(peers.find(other).has_value());
  }
}

TEST_CASE("a connection that gets a number again takes the earlier one's place") {
  PeerTable peers;
  peers.set(17, {0, 0, 4});
  peers.set(17, {kStranger, kStranger, 5});
  CHECK(peers.find("fd:17")->uid == kStranger);
}

}  // namespace
}  // namespace garner::daemon
