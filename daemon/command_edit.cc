#include "command_edit.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "command/command.h"
#include "path_relation.h"
#include "snapshot/node.h"

namespace garner::daemon {

namespace {

using catalog::SetCommands;

constexpr std::chrono::hours kMostHook{7 * 24};
constexpr std::chrono::hours kMostSource{30 * 24};
constexpr int kMostSources = 100;

SetCommands::Command checked_command(const std::string& text, uid_t user, const std::string& what) {
  if (text.find_first_not_of(" \t\n") == std::string::npos)
    throw Error(ErrorKind::kInvalidInput, what + " is an empty command");
  if (text.size() > command::kLongestCommand) {
    throw Error(ErrorKind::kInvalidInput,
                what + " is longer than 16 KiB: put it in a script, and give the script's path");
  }
  if (text.find('\0') != std::string::npos)
    throw Error(ErrorKind::kInvalidInput, what + ": a command cannot hold a NUL byte");
  return {text, user};
}

void set_hook(std::optional<SetCommands::Command>& hook, const std::string& text, uid_t user,
              const std::string& what) {
  hook.reset();
  if (!text.empty()) hook = checked_command(text, user, what);
}

std::chrono::seconds limit_of(std::uint64_t seconds, std::chrono::seconds usual, std::chrono::hours most,
                              const std::string& what) {
  if (seconds == 0) return usual;
  if (seconds > static_cast<std::uint64_t>(std::chrono::seconds(most).count())) {
    throw Error(ErrorKind::kInvalidInput,
                what + " is at most " + std::to_string(most.count() / 24) + " days");
  }
  return std::chrono::seconds(seconds);
}

void set_sources(SetCommands& commands, const v1::CommandChange& change, uid_t user) {
  commands.sources.clear();
  for (const v1::CommandSource& asked : change.sources()) {
    const std::string& name = asked.name();
    if (!snapshot::is_valid_name(name) || printable(name) != name) {
      throw Error(ErrorKind::kInvalidInput,
                  "'" + printable(name) +
                      "' cannot be the name of a command's output: it is that of a file, "
                      "without slashes, of at most 255 printable bytes");
    }
    if (std::any_of(commands.sources.begin(), commands.sources.end(),
                    [&](const auto& other) { return other.name == name; })) {
      throw Error(ErrorKind::kInvalidInput,
                  "two commands whose output is to be '" + name + "': give each another name");
    }
    commands.sources.push_back({name, checked_command(asked.command(), user, "the one for '" + name + "'")});
  }
}

}  // namespace

uid_t owner_of_commands(uid_t caller) { return geteuid() == 0 ? caller : geteuid(); }

SetCommands edited(const SetCommands& old, const v1::CommandChange& change, uid_t user) {
  SetCommands result = old;
  if (change.has_before()) set_hook(result.before, change.before(), user, "the one before a backup");
  if (change.has_after()) set_hook(result.after, change.after(), user, "the one after a backup");
  if (change.has_on_failure()) set_hook(result.on_failure, change.on_failure(), user, "the one on failure");
  if (change.has_hook_timeout_seconds()) {
    result.hook_limit = limit_of(change.hook_timeout_seconds(), catalog::kDefaultHookLimit, kMostHook,
                                 "the time for a command before or after a backup");
  }
  if (change.has_command_timeout_seconds()) {
    result.source_limit = limit_of(change.command_timeout_seconds(), catalog::kDefaultSourceLimit,
                                   kMostSource, "the time for a command whose output is backed up");
  }
  if (change.no_sources()) result.sources.clear();
  if (change.sources_size() > kMostSources)
    throw Error(ErrorKind::kInvalidInput, "more than 100 commands whose output is backed up, for one set");
  if (!change.sources().empty()) set_sources(result, change, user);
  return result;
}

v1::SetCommands to_message(const SetCommands& commands) {
  v1::SetCommands message;
  if (commands.before) message.set_before(commands.before->text);
  if (commands.after) message.set_after(commands.after->text);
  if (commands.on_failure) message.set_on_failure(commands.on_failure->text);
  message.set_hook_timeout_seconds(static_cast<std::uint64_t>(commands.hook_limit.count()));
  for (const auto& source : commands.sources) {
    v1::CommandSource& added = *message.add_sources();
    added.set_name(source.name);
    added.set_command(source.command.text);
  }
  message.set_command_timeout_seconds(static_cast<std::uint64_t>(commands.source_limit.count()));
  return message;
}

void check_command_paths(const SetCommands& commands, const store::v1::SetDefinition& definition) {
  if (commands.sources.empty()) return;
  for (const std::string& path : definition.sources()) {
    if (is_same_or_inside(path, std::string(snapshot::kCommandFolder))) {
      throw Error(ErrorKind::kInvalidInput, "the source " + printable(path) +
                                                " lies where snapshots have the output of commands, in "
                                                "/command: make a set of its own for it");
    }
    for (const auto& source : commands.sources) {
      struct stat status {};
      const std::string wanted = snapshot::command_path(source.name);
      if (path != "/" || lstat(wanted.c_str(), &status) != 0) continue;
      throw Error(ErrorKind::kInvalidInput, "there is a " + wanted +
                                                " in the source /: call the output of "
                                                "the command something else");
    }
  }
}

}  // namespace garner::daemon
