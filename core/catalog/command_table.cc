#include "catalog/command_table.h"

namespace garner::catalog {

namespace {

// Stored as numbers: never renumbered.
enum class CommandKind { kBefore = 1, kAfter = 2, kOnFailure = 3, kSource = 4 };

void insert(Database& database, const std::string& set, CommandKind kind, std::size_t position,
            const std::string& name, const SetCommands::Command& command) {
  database
      .prepare(
          "INSERT INTO set_commands (set_name, kind, position, name, command, user) VALUES (?, ?, ?, ?, ?, "
          "?)",
          set, static_cast<int>(kind), static_cast<std::uint64_t>(position), name, command.text, command.user)
      .run();
}

}  // namespace

SetCommands CommandTable::find(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  SetCommands commands;
  Statement rows = database.prepare(
      "SELECT kind, name, command, user FROM set_commands WHERE set_name = ? ORDER BY kind, position", set);
  while (rows.step()) {
    SetCommands::Command command{rows.text(2), static_cast<std::uint32_t>(rows.integer(3))};
    switch (static_cast<CommandKind>(rows.integer(0))) {
      case CommandKind::kBefore:
        commands.before = std::move(command);
        break;
      case CommandKind::kAfter:
        commands.after = std::move(command);
        break;
      case CommandKind::kOnFailure:
        commands.on_failure = std::move(command);
        break;
      case CommandKind::kSource:
        commands.sources.push_back({rows.text(1), std::move(command)});
        break;
    }
  }
  Statement limits =
      database.prepare("SELECT hook_seconds, source_seconds FROM set_command_limits WHERE set_name = ?", set);
  if (limits.step()) {
    commands.hook_limit = std::chrono::seconds(limits.integer(0));
    commands.source_limit = std::chrono::seconds(limits.integer(1));
  }
  return commands;
}

void CommandTable::replace(Database& database, const std::string& set, const SetCommands& commands) {
  database.prepare("DELETE FROM set_commands WHERE set_name = ?", set).run();
  if (commands.before) insert(database, set, CommandKind::kBefore, 0, "", *commands.before);
  if (commands.after) insert(database, set, CommandKind::kAfter, 0, "", *commands.after);
  if (commands.on_failure) insert(database, set, CommandKind::kOnFailure, 0, "", *commands.on_failure);
  for (std::size_t i = 0; i < commands.sources.size(); ++i) {
    insert(database, set, CommandKind::kSource, i, commands.sources[i].name, commands.sources[i].command);
  }
  database
      .prepare(
          "INSERT OR REPLACE INTO set_command_limits (set_name, hook_seconds, source_seconds) VALUES (?, ?, "
          "?)",
          set, commands.hook_limit.count(), commands.source_limit.count())
      .run();
}

}  // namespace garner::catalog
