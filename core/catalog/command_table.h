// The commands of backup sets: those that run before and after a backup, and those whose output is backed up.
// They are kept here and never at a destination: no command may come from a repository.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog_file.h"

namespace garner::catalog {

inline constexpr std::chrono::hours kDefaultHookLimit{1};
inline constexpr std::chrono::hours kDefaultSourceLimit{24};

// Of one set.
struct SetCommands {
  struct Command {
    std::string text;        // for /bin/sh
    std::uint32_t user = 0;  // who configured it: it runs as this user
    bool operator==(const Command&) const = default;
  };
  struct Source {
    std::string name;  // of the file that its output becomes
    Command command;
    bool operator==(const Source&) const = default;
  };
  std::optional<Command> before;
  std::optional<Command> after;
  std::optional<Command> on_failure;
  std::vector<Source> sources;  // names are unique
  // How long each may take.
  std::chrono::seconds hook_limit = kDefaultHookLimit;
  std::chrono::seconds source_limit = kDefaultSourceLimit;
  bool operator==(const SetCommands&) const = default;
};

// Any thread. Changes are durable when they return.
class CommandTable {
 public:
  explicit CommandTable(CatalogFile& file) : file_(file) {}

  // Of a set that has none, and of one that is not there: no commands, and the usual limits.
  SetCommands find(const std::string& set);
  // Within a change of the configuration: replaces what the set has.
  static void replace(Database& database, const std::string& set, const SetCommands& commands);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
