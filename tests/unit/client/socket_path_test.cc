// The same rules as the daemon's.
#include "socket_path.h"

#include <catch2/catch.hpp>
#include <map>

using namespace garner::client;

namespace {

std::string path(const std::optional<std::string>& option, std::map<std::string, std::string> variables,
                 uid_t user) {
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  };
  return socket_path(option, environment, user, "/home/ann");
}

}  // namespace

TEST_CASE("the option comes first, then the socket, then the state folder") {
  CHECK(path("/o", {{"GARNER_SOCKET", "/s"}, {"GARNER_STATE_DIR", "/d"}}, 0) == "/o");
  CHECK(path({}, {{"GARNER_SOCKET", "/s"}, {"GARNER_STATE_DIR", "/d"}}, 0) == "/s");
  CHECK(path({}, {{"GARNER_STATE_DIR", "/d"}}, 1000) == "/d/garnerd.sock");
}

TEST_CASE("root asks the system's daemon, others their own") {
  CHECK(path({}, {{"XDG_RUNTIME_DIR", "/run/user/0"}}, 0) == "/run/garner/garnerd.sock");
  CHECK(path({}, {{"XDG_RUNTIME_DIR", "/run/user/1000"}}, 1000) == "/run/user/1000/garner/garnerd.sock");
  CHECK(path({}, {{"XDG_STATE_HOME", "/h/s"}, {"HOME", "/h"}}, 1000) == "/h/s/garner/garnerd.sock");
  CHECK(path({}, {{"HOME", "/h"}}, 1000) == "/h/.local/state/garner/garnerd.sock");
  CHECK(path({}, {}, 1000) == "/home/ann/.local/state/garner/garnerd.sock");
}
