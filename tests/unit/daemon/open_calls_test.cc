#include "open_calls.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>

namespace garner::daemon {
namespace {

constexpr uid_t kUser = 1000;
constexpr uid_t kOther = 1001;

TEST_CASE("a member may have few calls open, who may do everything many, and each his own") {
  OpenCalls calls;
  for (std::size_t i = 0; i < kMostCallsOfMember; ++i) calls.begin(kUser);
  CHECK_FALSE(calls.has_too_many(kUser, Authority::kMember));
  CHECK(calls.begin(kUser) == kMostCallsOfMember + 1);
  CHECK(calls.has_too_many(kUser, Authority::kMember));
  CHECK_FALSE(calls.has_too_many(kUser, Authority::kFull));
  CHECK_FALSE(calls.has_too_many(kOther, Authority::kMember));
  calls.end(kUser);
  CHECK_FALSE(calls.has_too_many(kUser, Authority::kMember));
  while (calls.of(kUser) < kMostCallsOfOwner) calls.begin(kUser);
  CHECK_FALSE(calls.has_too_many(kUser, Authority::kFull));
  calls.begin(kUser);
  CHECK(calls.has_too_many(kUser, Authority::kFull));
  while (calls.of(kUser) > 0) calls.end(kUser);
}

struct Connection {
  Connection() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0); }
  ~Connection() {
    close_here();
    close(ends[1]);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  void close_here() {
    if (ends[0] >= 0) close(ends[0]);
    ends[0] = -1;
  }
  int here() const { return ends[0]; }
  bool is_hung_up() const {
    char byte = 0;
    return recv(ends[1], &byte, 1, MSG_DONTWAIT) == 0;
  }
  std::array<int, 2> ends{};
};

TEST_CASE("a connection is ended by its name, and no other that has its number by now") {
  PeerTable peers;
  Connection one;
  peers.set(one.here(), {kUser, 0, 1});
  const std::string name = "fd:" + std::to_string(one.here());
  CHECK_FALSE(peers.hang_up("fd:" + std::to_string(one.ends[1])));
  CHECK(peers.hang_up(name));
  CHECK(one.is_hung_up());
  const int number = one.here();
  one.close_here();
  CHECK_FALSE(peers.hang_up(name));
  const Connection next;
  REQUIRE(dup2(next.here(), number) == number);
  CHECK_FALSE(peers.hang_up(name));
  CHECK_FALSE(next.is_hung_up());
  close(number);
}

}  // namespace
}  // namespace garner::daemon
