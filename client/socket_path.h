// Which socket the daemon listens on, by the rules that the daemon follows as well.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace garner::client {

inline constexpr const char* kSystemSocket = "/run/garner/garnerd.sock";

// The value of an environment variable; none when it is unset or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// --socket, GARNER_SOCKET, GARNER_STATE_DIR; otherwise root's daemon is the system's, and a user's is in the
// user's runtime folder or, without one, in the user's state folder. `home` is used when HOME is not set.
std::string socket_path(const std::optional<std::string>& option, const Environment& environment, uid_t user,
                        const std::string& home);

}  // namespace garner::client
