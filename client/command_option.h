// The options of `set add` and `set edit` that name commands: those around a backup, and those whose output
// is backed up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "fact_list.h"
#include "garner/v1/service.pb.h"

namespace garner::client {

inline constexpr const char* kCommandEditUsage =
    "{--command CMD --as NAME}... | --no-command, --command-timeout T, --before CMD | --no-before, "
    "--after CMD | --no-after, --on-failure CMD | --no-on-failure, --hook-timeout T";

// Where the options' values go; it outlives the command.
class CommandOptions {
 public:
  // `edit`: with those that take something away.
  void add_to(std::vector<Option>& options, bool edit);
  // What was given; nothing when none was. Throws usage_failure() for what cannot be.
  std::optional<v1::CommandChange> change() const;
  bool has_sources() const { return !commands_.empty(); }

 private:
  void add_sources(v1::CommandChange& change) const;

  std::vector<std::string> commands_;
  std::vector<std::string> names_;
  bool no_command_ = false;
  std::optional<std::string> command_timeout_;
  std::optional<std::string> before_;
  bool no_before_ = false;
  std::optional<std::string> after_;
  bool no_after_ = false;
  std::optional<std::string> on_failure_;
  bool no_on_failure_ = false;
  std::optional<std::string> hook_timeout_;
};

// Paragraphs of the help on what commands are given and what their end means.
std::vector<std::string> command_details();
void add_command_facts(FactList& facts, const v1::SetCommands& commands);

}  // namespace garner::client
