#include "socket_path.h"

#include <cstdlib>

namespace garner::client {

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

std::string socket_path(const std::optional<std::string>& option, const Environment& environment, uid_t user,
                        const std::string& home) {
  if (option) return *option;
  if (const auto socket = environment("GARNER_SOCKET")) return *socket;
  if (const auto folder = environment("GARNER_STATE_DIR")) return *folder + "/garnerd.sock";
  if (user == 0) return kSystemSocket;
  if (const auto runtime = environment("XDG_RUNTIME_DIR")) return *runtime + "/garner/garnerd.sock";
  if (const auto state = environment("XDG_STATE_HOME")) return *state + "/garner/garnerd.sock";
  return environment("HOME").value_or(home) + "/.local/state/garner/garnerd.sock";
}

}  // namespace garner::client
