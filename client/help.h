// The text of --help, from the commands' descriptions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "command.h"

namespace garner::client {

// "Usage: garner [--socket PATH] [--json] backup SET …", broken into lines between its parts.
std::string usage_line(const Command& command, std::size_t width);

std::string command_help(const Command& command, std::size_t width);

// `garner GROUP --help`: the usage lines of its commands.
std::string group_help(const CommandGroup& group, const std::vector<Command>& commands, std::size_t width);

// `garner --help`: every command with its sentence.
std::string program_help(const std::vector<Command>& commands, std::size_t width);

}  // namespace garner::client
