// garnerd's options.
#pragma once

#include <optional>
#include <string>

namespace garner::daemon {

struct CommandLine {
  bool foreground = false;
  std::optional<std::string> state_folder;
  std::optional<std::string> socket;
  std::optional<std::string> settings_file;
};

// Nothing when the process should end with `exit_code`: help or version were printed, or what is wrong was
// (2).
std::optional<CommandLine> parse_command_line(int argc, const char* const* argv, int& exit_code);

}  // namespace garner::daemon
