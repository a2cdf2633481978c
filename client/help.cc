#include "help.h"

#include <algorithm>

#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kWidest = 100;  // longer lines of prose are hard to read
constexpr std::size_t kOptionColumn = 28;
constexpr const char* kNoPager = "Long output as it is, through no pager (also GARNER_PAGER, PAGER).";

// The parts of a usage line that stay on one line: what stands in brackets or braces, and single words.
std::vector<std::string> usage_parts(const std::string& usage) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (const char c : usage) {
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == ' ' && depth == 0) {
      if (!part.empty()) parts.push_back(std::move(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

// `first` and `usage`, with further lines indented under the usage.
std::string broken(const std::string& first, const std::string& usage, std::size_t width) {
  const std::size_t indent = std::min<std::size_t>(display_width(first) + 1, 12);
  std::string text;
  std::string line = first;
  const auto next_line = [&](const std::string& begin) {
    text += line + '\n';
    line = std::string(indent, ' ') + begin;
  };
  for (const std::string& part : usage_parts(usage)) {
    if (line.size() + 1 + part.size() <= width) {
      line += ' ' + part;
    } else if (indent + part.size() <= width) {
      next_line(part);
    } else {
      // Longer than a line: broken between its alternatives.
      std::string word;
      bool begins = true;
      for (std::size_t at = 0; at <= part.size(); ++at) {
        if (at < part.size() && part[at] != ' ') {
          word += part[at];
          continue;
        }
        if (line.size() + 1 + word.size() <= width && !(begins && line.size() > indent)) {
          line += ' ' + word;
        } else {
          next_line(word);
        }
        begins = false;
        word.clear();
      }
    }
  }
  return text + line + '\n';
}

std::string described(const std::string& name, const std::string& help, std::size_t width) {
  const auto lines = wrap(help, width > kOptionColumn + 20 ? width - kOptionColumn : 20);
  std::string text = "  " + name;
  bool first = true;
  for (const std::string& line : lines) {
    if (first && display_width(text) + 2 <= kOptionColumn) {
      text = pad_right(text, kOptionColumn) + line + '\n';
    } else {
      if (first) text += '\n';
      text += std::string(kOptionColumn, ' ') + line + '\n';
    }
    first = false;
  }
  return text;
}

std::string option_name(const Option& option) {
  std::string name = option.names;
  if (const auto comma = name.find(','); comma != std::string::npos) name.insert(comma + 1, " ");
  if (!option.implied.empty()) return name + "[=" + option.value + "]";
  if (option.value.empty()) return name;
  name += ' ' + option.value;
  if (std::holds_alternative<std::vector<std::string>*>(option.target)) name += "...";
  return name;
}

bool is_argument(const Option& option) { return option.names.front() != '-'; }

std::string paragraph(const std::string& text, std::size_t width) {
  std::string result;
  for (const std::string& line : wrap(text, width)) result += line + '\n';
  return result;
}

}  // namespace

std::string usage_line(const Command& command, std::size_t width) {
  return broken("Usage: garner", "[--socket PATH] [--json] " + command.path + ' ' + command.usage,
                std::min(width, kWidest));
}

std::string command_help(const Command& command, std::size_t width) {
  width = std::min(width, kWidest);
  std::string text = usage_line(command, width) + '\n' + paragraph(command.sentence, width);
  std::string arguments;
  std::string options;
  for (const Option& option : command.options) {
    (is_argument(option) ? arguments : options) += described(option_name(option), option.help, width);
  }
  if (!arguments.empty()) text += "\nArguments:\n" + arguments;
  text += "\nOptions:\n" + options;
  text += described("--json", "The answer as one JSON object.", width);
  text += described("--socket PATH", "The daemon's socket (also GARNER_SOCKET, GARNER_STATE_DIR).", width);
  text += described("--no-pager", kNoPager, width);
  text += described("-h, --help", "This text.", width);
  for (const std::string& detail : command.details) text += '\n' + paragraph(detail, width);
  text += command.examples.size() == 1 ? "\nExample:\n" : "\nExamples:\n";
  for (const Example& example : command.examples) {
    text += "  " + example.line + '\n';
    if (!example.meaning.empty()) {
      for (const std::string& line : wrap(example.meaning, width - 6)) text += "      " + line + '\n';
    }
  }
  return text;
}

std::string group_help(const CommandGroup& group, const std::vector<Command>& commands, std::size_t width) {
  width = std::min(width, kWidest);
  std::string text = "Usage: garner [--socket PATH] [--json] " + group.name + " COMMAND\n\n";
  text += paragraph(group.sentence, width) + "\nCommands:\n";
  const Example* example = nullptr;
  for (const Command& command : commands) {
    if (!command.path.starts_with(group.name + ' ')) continue;
    text += broken("  " + command.path, command.usage, width);
    for (const std::string& line : wrap(command.sentence, width - 6)) text += "      " + line + '\n';
    if (example == nullptr) example = &command.examples.front();
  }
  if (example != nullptr) text += "\nExample:\n  " + example->line + '\n';
  return text + "\ngarner " + group.name + " COMMAND --help tells more.\n";
}

std::string program_help(const std::vector<Command>& commands, std::size_t width) {
  width = std::min(width, kWidest);
  std::string text = "Usage: garner [--socket PATH] [--json] COMMAND\n\n";
  text += paragraph(
      "Backs up, restores and looks after backups by asking garnerd, the daemon that does the work.", width);
  text += "\nCommands:\n";
  for (const Command& command : commands) {
    if (!command.is_for_programs) text += described(command.path, command.sentence, width);
  }
  text += "\nOptions:\n";
  text += described("--json", "The answer as one JSON object.", width);
  text += described("--socket PATH", "The daemon's socket (also GARNER_SOCKET, GARNER_STATE_DIR).", width);
  text += described("--no-pager", kNoPager, width);
  text += described("--version", "The version.", width);
  text += described("-h, --help", "This text; after a command, that command's.", width);
  text +=
      '\n' +
      paragraph("In usage lines [ ] may be left out, A | B is one of them, {A,B}... at least one of them.",
                width);
  text += "\nExamples:\n";
  text += "  garner destination add disk /mnt/backup\n";
  text += "  garner set add home --source ~ --destination disk\n";
  text += "  garner backup home\n";
  text += "  garner restore latest:/home/ann/letters --to /tmp/letters\n";
  text += '\n' + paragraph(
                     "Exit codes: 0 done; 1 failed or cancelled; 2 wrong usage; 3 done, but not all of it; "
                     "4 daemon not reachable; 5 not permitted; 6 damaged data found.",
                     width);
  return text;
}

}  // namespace garner::client
