#include "stream_guard.h"

#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "frame_scanner.h"
#include "support/eventually.h"

namespace garner::daemon {
namespace {

constexpr Peer kMember{1001, 1001, 4};
const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr char kSettings = 4;

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::size_t size = 3) {
  std::string text;
  for (const int shift : {16, 8, 0}) text += static_cast<char>(size >> shift);
  text += static_cast<char>(type);
  text += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(stream >> shift);
  return text + std::string(size, 'x');
}

TEST_CASE("frames are found in whatever pieces they come") {
  const std::string bytes = kPreface + frame(kSettings, 0, 0, 0) + frame(FrameHead::kHeaders, 5, 1) +
                            frame(FrameHead::kData, 0, 0x80000001, 70'000) +
                            frame(FrameHead::kResetStream, 0, 0x01020304);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, bytes.size()}) {
    FrameScanner scanner(FrameScanner::kPreface);
    std::vector<FrameHead> found;
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      scanner.feed(std::string_view(bytes).substr(at, piece),
                   [&](const FrameHead& one) { found.push_back(one); });
    REQUIRE(found.size() == 4);
    CHECK(found[0].type == kSettings);
    CHECK(found[1].type == FrameHead::kHeaders);
    CHECK(found[1].flags == 5);
    CHECK(found[2].stream == 1);
    CHECK(found[3].type == FrameHead::kResetStream);
    CHECK(found[3].stream == 0x01020304);
  }
}

// A caller, and gRPC's end of it.
struct Guarded {
  explicit Guarded(StreamGuard& guard, const Peer& peer = kMember) {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    caller = Fd(ends[0]);
    inner = guard.stand_before(Fd(ends[1]), peer);
  }
  static bool say(const Fd& end, const std::string& bytes) {
    return send(end.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // All that comes until there is `size` of it, or the other side ends.
  static std::string heard(const Fd& end, std::size_t size) {
    std::string all;
    garner::testing::eventually([&] {
      std::array<char, 4096> buffer{};
      const ssize_t got =
          recv(end.get(), buffer.data(), std::min(buffer.size(), size - all.size()), MSG_DONTWAIT);
      if (got > 0) all.append(buffer.data(), static_cast<std::size_t>(got));
      return got == 0 || all.size() == size;
    });
    return all;
  }
  static bool has_ended(const Fd& end) {
    return garner::testing::eventually([&] {
      std::array<char, 4096> buffer{};
      return recv(end.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) == 0;
    });
  }
  bool begin(int streams) {
    std::string bytes;
    for (int i = 0; i < streams; ++i, next += 2) bytes += frame(FrameHead::kHeaders, 5, next);
    return say(caller, bytes) && heard(inner, bytes.size()) == bytes;
  }
  Fd caller;
  Fd inner;
  std::uint32_t next = 1;
};

TEST_CASE("what goes both ways is passed on, and an end is an end for both") {
  StreamGuard guard;
  Guarded one(guard);
  REQUIRE(Guarded::say(one.caller, kPreface));
  CHECK(Guarded::heard(one.inner, kPreface.size()) == kPreface);
  const std::string answer = frame(FrameHead::kData, 0, 1, 5000);
  REQUIRE(Guarded::say(one.inner, answer));
  CHECK(Guarded::heard(one.caller, answer.size()) == answer);
  one.caller.reset();
  CHECK(Guarded::has_ended(one.inner));
  Guarded two(guard);
  two.inner.reset();
  CHECK(Guarded::has_ended(two.caller));
}

TEST_CASE("who opens more streams than he may is hung up on, whatever he has confirmed") {
  StreamGuard guard;
  Guarded one(guard);
  REQUIRE(Guarded::say(one.caller, kPreface));
  REQUIRE(Guarded::heard(one.inner, kPreface.size()) == kPreface);
  REQUIRE(one.begin(kMostCallsOfConnection));
  // Each that is over, whoever has ended it, makes room for another.
  REQUIRE(Guarded::say(one.inner, frame(FrameHead::kHeaders, 4, 1) + frame(FrameHead::kHeaders, 5, 1)));
  REQUIRE_FALSE(Guarded::heard(one.caller, 24).empty());
  REQUIRE(one.begin(1));
  REQUIRE(Guarded::say(one.caller, frame(FrameHead::kResetStream, 0, 3)));
  REQUIRE_FALSE(Guarded::heard(one.inner, 12).empty());
  REQUIRE(one.begin(1));
  // Headers of a stream that is there are no new one.
  REQUIRE(Guarded::say(one.caller, frame(FrameHead::kHeaders, 5, 5)));
  REQUIRE_FALSE(Guarded::heard(one.inner, 12).empty());

  // All of a user's connections together have a bound, too.
  Guarded two(guard);
  REQUIRE(Guarded::say(two.caller, kPreface));
  REQUIRE(Guarded::heard(two.inner, kPreface.size()) == kPreface);
  REQUIRE(two.begin(static_cast<int>(kMostCallsOfMember)));
  Guarded others(guard, {1002, 1002, 5});
  REQUIRE(Guarded::say(others.caller, kPreface));
  REQUIRE(Guarded::heard(others.inner, kPreface.size()) == kPreface);
  REQUIRE(others.begin(10));
  REQUIRE(Guarded::say(two.caller, frame(FrameHead::kHeaders, 5, two.next)));
  CHECK(Guarded::has_ended(two.inner));
  CHECK(Guarded::has_ended(two.caller));

  REQUIRE(Guarded::say(one.caller, frame(FrameHead::kHeaders, 5, one.next)));
  CHECK(Guarded::has_ended(one.inner));
  CHECK(others.begin(10));
}

TEST_CASE("a user has so many connections, and others theirs") {
  StreamGuard guard;
  std::vector<Guarded> all;
  for (std::size_t i = 0; i < kMostConnectionsOfUser; ++i) REQUIRE(all.emplace_back(guard).inner.valid());
  Guarded refused(guard);
  CHECK_FALSE(refused.inner.valid());
  CHECK(Guarded::has_ended(refused.caller));
  CHECK(Guarded(guard, {1002, 1002, 5}).inner.valid());
  all.pop_back();
  CHECK(garner::testing::eventually([&] { return Guarded(guard).inner.valid(); }));
}

}  // namespace
}  // namespace garner::daemon
