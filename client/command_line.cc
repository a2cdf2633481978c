#include "command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iterator>
#include <map>

#include "failure.h"
#include "help.h"
#include "text.h"

namespace garner::client {
namespace {

// CLI11 takes "[a,b]" for a list of values, and here it is a name or a pattern. With a byte behind it that no
// argument can hold it takes it as it is.
std::string guarded(std::string argument) {
  const std::size_t begin = argument.starts_with("--") ? argument.find('=') + 1 : 0;
  if (argument.substr(begin).starts_with('[') && argument.ends_with(']')) argument += '\0';
  return argument;
}
void unguard(std::string& value) {
  if (value.ends_with('\0')) value.pop_back();
}
void unguard(const Option& option) {
  if (auto* const* text = std::get_if<std::string*>(&option.target)) {
    unguard(**text);
  } else if (auto* const* list = std::get_if<std::vector<std::string>*>(&option.target)) {
    for (std::string& value : **list) unguard(value);
  } else if (auto* const* optional = std::get_if<std::optional<std::string>*>(&option.target)) {
    if (**optional) unguard(***optional);
  }
}

class Parser {
 public:
  Parser(const std::vector<Command>& commands, const std::vector<CommandGroup>& groups, CommandLine& result)
      : commands_(commands), groups_(groups), result_(result) {
    add_common(root_);
    root_.require_subcommand(1);
    version_ = root_.add_flag("--version");
    for (const CommandGroup& group : groups) {
      CLI::App* app = root_.add_subcommand(group.name);
      add_common(*app);
      app->require_subcommand(1);
      group_apps_[app] = &group;
    }
    for (const Command& command : commands) add(command);
  }

  void parse(const std::vector<std::string>& arguments, std::size_t width) {
    std::vector<std::string> reversed;
    std::transform(arguments.rbegin(), arguments.rend(), std::back_inserter(reversed), guarded);
    try {
      root_.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      result_.text = help(width);
      return;
    } catch (const CLI::ParseError& error) {
      // --version asks for no command.
      if (version_->count() > 0 && chosen() == &root_ && root_.remaining().empty()) {
        result_.text = "garner " GARNER_VERSION "\n";
        return;
      }
      throw usage_failure(explain(error), advice(width));
    }
    result_.command = command_apps_.at(chosen());
    for (const Option& option : result_.command->options) unguard(option);
  }

 private:
  void add_common(CLI::App& app) {
    app.set_help_flag("-h,--help");
    app.add_flag("--json", result_.json)->disable_flag_override();
    app.add_flag("--no-pager", result_.no_pager)->disable_flag_override();
    app.add_option("--socket", result_.socket);
  }

  void add(const Command& command) {
    CLI::App* parent = &root_;
    std::string name = command.path;
    if (const auto blank = name.find(' '); blank != std::string::npos) {
      parent = root_.get_subcommand(name.substr(0, blank));
      name.erase(0, blank + 1);
    }
    CLI::App* app = parent->add_subcommand(name);
    add_common(*app);
    for (const Option& option : command.options) add(*app, option);
    command_apps_[app] = &command;
  }

  static void add(CLI::App& app, const Option& option) {
    if (auto* const* flag = std::get_if<bool*>(&option.target)) {
      app.add_flag(option.names, **flag)->disable_flag_override();
      return;
    }
    CLI::Option* added = nullptr;
    if (auto* const* text = std::get_if<std::string*>(&option.target)) {
      added = app.add_option(option.names, **text);
    } else if (auto* const* list = std::get_if<std::vector<std::string>*>(&option.target)) {
      added = app.add_option(option.names, **list);
      if (option.one_each_time) {
        added->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      }
    } else {
      auto* optional = std::get<std::optional<std::string>*>(option.target);
      if (option.implied.empty()) {
        added = app.add_option_function<std::string>(option.names,
                                                     [optional](const std::string& v) { *optional = v; });
      } else {
        // CLI11 takes a flag's value behind '=' only; what is in braces is its value without one.
        added = app.add_flag(option.names + '{' + option.implied + '}', *optional);
      }
    }
    if (!option.value.empty()) added->type_name(option.value);
    if (option.required) added->required();
  }

  // The command or group that the arguments have come to.
  const CLI::App* chosen() const {
    const CLI::App* app = &root_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
    return app;
  }

  std::string name_of(const CLI::App* app) const {
    if (const auto found = command_apps_.find(app); found != command_apps_.end()) return found->second->path;
    if (const auto found = group_apps_.find(app); found != group_apps_.end()) return found->second->name;
    return {};
  }

  std::string help(std::size_t width) const {
    const CLI::App* app = chosen();
    if (const auto found = command_apps_.find(app); found != command_apps_.end()) {
      return command_help(*found->second, width);
    }
    if (const auto found = group_apps_.find(app); found != group_apps_.end()) {
      return group_help(*found->second, commands_, width);
    }
    return program_help(commands_, width);
  }

  std::string explain(const CLI::ParseError& error) const {
    const CLI::App* app = chosen();
    const std::string name = name_of(app);
    const bool takes_command = command_apps_.count(app) == 0;
    auto rest = app->remaining();
    if (rest.empty()) rest = root_.remaining(true);
    for (std::string& word : rest) unguard(word);
    if (takes_command && !rest.empty() && rest.front().starts_with('-')) {
      return "there is no option " + printable(rest.front());
    }
    if (takes_command && !rest.empty()) {
      return "there is no command " + (name.empty() ? "" : name + ' ') + printable(rest.front());
    }
    if (takes_command && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
      return name.empty() ? "give a command" : name + " needs a command";
    }
    if (!rest.empty()) {
      const std::string word = printable(rest.front());
      return name + ": " +
             (word.starts_with('-') ? "there is no option " + word : word + " is one argument too many");
    }
    return name + (name.empty() ? "" : ": ") + printable(error.what());
  }

  std::string advice(std::size_t width) const {
    const CLI::App* app = chosen();
    const std::string name = name_of(app);
    if (const auto found = command_apps_.find(app); found != command_apps_.end()) {
      return usage_line(*found->second, width) + "See garner " + name + " --help.";
    }
    return "See garner " + (name.empty() ? "" : name + ' ') + "--help.";
  }

  const std::vector<Command>& commands_;
  const std::vector<CommandGroup>& groups_;
  CommandLine& result_;
  CLI::App root_;
  CLI::Option* version_ = nullptr;
  std::map<const CLI::App*, const Command*> command_apps_;
  std::map<const CLI::App*, const CommandGroup*> group_apps_;
};

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const std::vector<Command>& commands, const std::vector<CommandGroup>& groups,
                               std::size_t width) {
  CommandLine result;
  Parser(commands, groups, result).parse(arguments, width);
  return result;
}

}  // namespace garner::client
