// Parses the command line with CLI11, from the commands' descriptions. The only part that sees CLI11.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.h"

namespace garner::client {

struct CommandLine {
  const Command* command = nullptr;  // null when `text` is all there is to say
  std::string text;                  // help or version
  std::optional<std::string> socket;
  bool json = false;
  bool no_pager = false;
};

// Fills the commands' targets. Failure(kExitUsage), with the command's usage line as advice.
CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const std::vector<Command>& commands, const std::vector<CommandGroup>& groups,
                               std::size_t width);

}  // namespace garner::client
