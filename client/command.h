// What a command is, as data: from it the command line is parsed and the help is written. The places that
// options write to are owned by the command's action, which lives as long as the command.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace garner::client {

class Session;

struct Option {
  using Target = std::variant<bool*,                        // a flag
                              std::string*,                 // a value that must be given
                              std::optional<std::string>*,  // a value that may be given
                              std::vector<std::string>*>;   // one value or more, at once or repeated
  std::string names;  // "--to", "-n,--dry-run", or, without dashes, an argument by its place: "NAME"
  std::string value;  // "DIR"; empty for a flag or an argument
  std::string help;   // a sentence, with the default where there is one
  Target target;
  bool required = false;  // of a vector: at least one
  std::string
      implied;  // of --option[=VALUE]: the value when none is given; such a value is given by '=' only
  bool one_each_time = false;  // of several values: repeated only, so that an argument may stand behind one
};

struct Example {
  std::string line;
  std::string meaning;
};

struct Command {
  std::string path;   // "destination add"
  std::string usage;  // what follows the path: "NAME URL [--share-keyring]"
  std::string sentence;
  std::vector<Option> options;
  std::vector<Example> examples;
  std::vector<std::string> details;  // paragraphs below the options
  std::function<int(Session&)> run;  // returns the exit code
  bool is_for_programs = false;      // not listed among the commands
};

// A word that other commands follow: "destination".
struct CommandGroup {
  std::string name;
  std::string sentence;
};

}  // namespace garner::client
