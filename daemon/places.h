// Where the daemon keeps its state and where its socket is: from options, then the environment, then
// defaults.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace garner::daemon {

// Looks up an environment variable; unset and empty are the same.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

struct Places {
  std::string state_folder;  // absolute, normal
  std::string socket;        // absolute, normal
};

// The state folder: the option, GARNER_STATE_DIR, else /var/lib/garner for root and for others
// $XDG_STATE_HOME/garner or ~/.local/state/garner. The socket: the option, GARNER_SOCKET, garnerd.sock in a
// state folder that was named, else /run/garner/garnerd.sock for root and for others
// $XDG_RUNTIME_DIR/garner/garnerd.sock or garnerd.sock in the state folder. Relative paths count from the
// working folder. Error(kInvalidInput) for a socket path that is too long for the kernel, and where no home
// folder is known.
Places find_places(const std::optional<std::string>& state_option,
                   const std::optional<std::string>& socket_option, const Environment& environment,
                   uid_t user);

}  // namespace garner::daemon
