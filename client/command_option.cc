#include "command_option.h"

#include "argument.h"
#include "failure.h"
#include "schedule_option.h"
#include "schedule_text.h"
#include "text.h"

namespace garner::client {
namespace {

// Its new text, empty for none; nothing when it stays.
std::optional<std::string> hook(const std::string& option, const std::optional<std::string>& text,
                                bool taken_away) {
  check_at_most_one({{"--" + option, text.has_value()}, {"--no-" + option, taken_away}});
  if (taken_away) return std::string();
  if (!text) return std::nullopt;
  check_utf8("--" + option, *text);
  if (text->empty()) {
    throw usage_failure("--" + option + " is empty",
                        "Give a command; garner set edit NAME --no-" + option + " takes it away.");
  }
  return text;
}

void check_output_name(const std::string& name) {
  check_utf8("--as", name);
  const bool fits = !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
                    name.find('/') == std::string::npos;
  if (fits) return;
  throw usage_failure("--as \"" + printable(name) + "\" cannot be the name of a file",
                      "Give a name without slashes, like shop.sql.");
}

}  // namespace

void CommandOptions::add_to(std::vector<Option>& options, bool edit) {
  options.push_back({"--command",
                     "CMD",
                     edit ? "Back up what this command writes, instead of the commands it has."
                          : "Back up what this command writes.",
                     &commands_,
                     false,
                     {}});
  options.push_back({"--as",
                     "NAME",
                     "The file that its output becomes, like shop.sql; one for each command, in their order.",
                     &names_,
                     false,
                     {}});
  if (edit) options.push_back({"--no-command", "", "Back up no command's output.", &no_command_, false, {}});
  options.push_back({"--command-timeout",
                     "T",
                     "How long such a command may take; default 24h, which 0 sets again.",
                     &command_timeout_,
                     false,
                     {}});
  options.push_back({"--before",
                     "CMD",
                     "Run this before each backup; unless it ends with exit code 0, the run fails.",
                     &before_,
                     false,
                     {}});
  if (edit) options.push_back({"--no-before", "", "Run nothing before.", &no_before_, false, {}});
  options.push_back(
      {"--after", "CMD", "Run this when a backup is made, with errors or without.", &after_, false, {}});
  if (edit) options.push_back({"--no-after", "", "Run nothing after.", &no_after_, false, {}});
  options.push_back({"--on-failure", "CMD", "Run this when a backup fails.", &on_failure_, false, {}});
  if (edit)
    options.push_back(
        {"--no-on-failure", "", "Run nothing when a backup fails.", &no_on_failure_, false, {}});
  options.push_back({"--hook-timeout",
                     "T",
                     "How long each of these three may take; default 1h, which 0 sets again.",
                     &hook_timeout_,
                     false,
                     {}});
}

void CommandOptions::add_sources(v1::CommandChange& change) const {
  if (commands_.size() != names_.size()) {
    throw usage_failure(
        commands_.size() > names_.size() ? "a --command has no --as" : "an --as has no --command",
        "Give both, in pairs: --command 'pg_dump shop' --as shop.sql");
  }
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    check_utf8("--command", commands_[i]);
    if (commands_[i].empty()) throw usage_failure("--command is empty: give a command");
    check_output_name(names_[i]);
    v1::CommandSource& source = *change.add_sources();
    source.set_command(commands_[i]);
    source.set_name(names_[i]);
  }
}

std::optional<v1::CommandChange> CommandOptions::change() const {
  check_at_most_one({{"--command", !commands_.empty()}, {"--no-command", no_command_}});
  v1::CommandChange change;
  add_sources(change);
  change.set_no_sources(no_command_);
  if (const auto text = hook("before", before_, no_before_)) change.set_before(*text);
  if (const auto text = hook("after", after_, no_after_)) change.set_after(*text);
  if (const auto text = hook("on-failure", on_failure_, no_on_failure_)) change.set_on_failure(*text);
  if (hook_timeout_) change.set_hook_timeout_seconds(parse_duration("--hook-timeout", *hook_timeout_));
  if (command_timeout_)
    change.set_command_timeout_seconds(parse_duration("--command-timeout", *command_timeout_));
  if (change.ByteSizeLong() == 0) return std::nullopt;
  return change;
}

std::vector<std::string> command_details() {
  return {
      "A CMD is run by /bin/sh in the folder /, as the user who configured it, with nothing in its "
      "environment "
      "but that user's PATH, HOME, USER, LOGNAME, SHELL and LANG, and GARNER_SET, GARNER_RUN and "
      "GARNER_EVENT; "
      "after a backup and on failure also GARNER_STATE (clean, errors, failed, cancelled), GARNER_ERRORS and "
      "GARNER_SNAPSHOT. What it writes is in the run's log: garner run show.",
      "The output of a --command is the file NAME of the snapshot (garner restore SNAPSHOT:NAME) only when "
      "the "
      "command ends with exit code 0. Otherwise its last good output is kept, marked stale, and the run ends "
      "with errors; a set of nothing else fails."};
}

void add_command_facts(FactList& facts, const v1::SetCommands& commands) {
  std::string label = "commands";
  for (const v1::CommandSource& source : commands.sources()) {
    facts.add(label, printable(source.name()) + ": " + printable(source.command()));
    label.clear();
  }
  if (!commands.sources().empty())
    facts.add("command timeout", duration_text(commands.command_timeout_seconds()));
  facts.add("before", printable(commands.before()));
  facts.add("after", printable(commands.after()));
  facts.add("on failure", printable(commands.on_failure()));
  if (!commands.before().empty() || !commands.after().empty() || !commands.on_failure().empty())
    facts.add("hook timeout", duration_text(commands.hook_timeout_seconds()));
}

}  // namespace garner::client
