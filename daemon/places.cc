#include "places.h"

#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

namespace garner::daemon {

namespace {

constexpr const char* kSocketName = "/garnerd.sock";

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return normal_path(path);
  std::array<char, PATH_MAX> folder{};
  if (getcwd(folder.data(), folder.size()) == nullptr) {
    throw Error(ErrorKind::kInvalidInput,
                "the working folder is not known, so " + printable(path) + " names nothing");
  }
  return normal_path(std::string(folder.data()) + "/" + path);
}

std::string default_state_folder(const Environment& environment, uid_t user) {
  if (user == 0) return "/var/lib/garner";
  if (const auto folder = environment("XDG_STATE_HOME")) return absolute(*folder + "/garner");
  if (const auto home = environment("HOME")) return absolute(*home + "/.local/state/garner");
  throw Error(ErrorKind::kInvalidInput, "HOME is not set: say where to keep state with --state-dir");
}

std::string default_socket(const std::string& state_folder, const Environment& environment, uid_t user) {
  if (user == 0) return "/run/garner/garnerd.sock";
  if (const auto folder = environment("XDG_RUNTIME_DIR")) return absolute(*folder + "/garner" + kSocketName);
  return state_folder + kSocketName;
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Places find_places(const std::optional<std::string>& state_option,
                   const std::optional<std::string>& socket_option, const Environment& environment,
                   uid_t user) {
  Places places;
  const std::optional<std::string> named = state_option ? state_option : environment("GARNER_STATE_DIR");
  places.state_folder = named ? absolute(*named) : default_state_folder(environment, user);
  const std::optional<std::string> socket = socket_option ? socket_option : environment("GARNER_SOCKET");
  places.socket = socket  ? absolute(*socket)
                  : named ? places.state_folder + kSocketName
                          : default_socket(places.state_folder, environment, user);
  const std::size_t longest = sizeof(sockaddr_un{}.sun_path) - 1;
  if (places.socket.size() > longest) {
    throw Error(ErrorKind::kInvalidInput, "the socket's path " + printable(places.socket) + " has " +
                                              std::to_string(places.socket.size()) +
                                              " bytes; the kernel takes " + std::to_string(longest) +
                                              ": name a shorter one with --socket");
  }
  return places;
}

}  // namespace garner::daemon
