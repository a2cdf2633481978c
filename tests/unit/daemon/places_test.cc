#include "places.h"

#include <catch2/catch.hpp>
#include <map>

#include "base/error.h"

namespace garner::daemon {
namespace {

Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

const std::optional<std::string> kNone;

TEST_CASE("root's defaults are the system's folders") {
  const Places places = find_places(kNone, kNone, environment({{"HOME", "/root"}}), 0);
  CHECK(places.state_folder == "/var/lib/garner");
  CHECK(places.socket == "/run/garner/garnerd.sock");
}

TEST_CASE("a user's defaults follow the XDG folders") {
  const Places plain = find_places(kNone, kNone, environment({{"HOME", "/home/u"}}), 1000);
  CHECK(plain.state_folder == "/home/u/.local/state/garner");
  CHECK(plain.socket == "/home/u/.local/state/garner/garnerd.sock");
  const Places xdg = find_places(
      kNone, kNone,
      environment(
          {{"HOME", "/home/u"}, {"XDG_STATE_HOME", "/home/u/state"}, {"XDG_RUNTIME_DIR", "/run/user/1000"}}),
      1000);
  CHECK(xdg.state_folder == "/home/u/state/garner");
  CHECK(xdg.socket == "/run/user/1000/garner/garnerd.sock");
  CHECK_THROWS_AS(find_places(kNone, kNone, environment({}), 1000), Error);
}

TEST_CASE("a state folder that is named holds the socket") {
  const auto xdg = std::pair<const std::string, std::string>("XDG_RUNTIME_DIR", "/run/user/1000");
  CHECK(find_places("/s//x/", kNone, environment({xdg}), 1000).socket == "/s/x/garnerd.sock");
  CHECK(find_places(kNone, kNone, environment({xdg, {"GARNER_STATE_DIR", "/e"}}), 0).socket ==
        "/e/garnerd.sock");
  // The option counts for more than the environment.
  const Places both = find_places("/s", kNone, environment({{"GARNER_STATE_DIR", "/e"}}), 0);
  CHECK(both.state_folder == "/s");
}

TEST_CASE("a socket that is named is taken, the option before the environment") {
  CHECK(find_places("/s", kNone, environment({{"GARNER_SOCKET", "/e.sock"}}), 0).socket == "/e.sock");
  CHECK(find_places("/s", "/o.sock", environment({{"GARNER_SOCKET", "/e.sock"}}), 0).socket == "/o.sock");
  CHECK(find_places("/s", "o.sock", environment({}), 0).socket.ends_with("/o.sock"));
}

TEST_CASE("a socket path too long for the kernel is refused with advice") {
  const std::string fits = "/" + std::string(106, 'x');
  CHECK(find_places("/s", fits, environment({}), 0).socket == fits);
  try {
    find_places("/s", fits + "x", environment({}), 0);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    CHECK(std::string(error.what()).find("--socket") != std::string::npos);
  }
}

}  // namespace
}  // namespace garner::daemon
