// garner: asks the daemon, and shows what it answers.
#include <langinfo.h>
#include <pwd.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "command_line.h"
#include "commands.h"
#include "failure.h"
#include "session.h"
#include "socket_path.h"
#include "text.h"

namespace {

using namespace garner::client;

const std::vector<CommandGroup> kGroups{
    {"destination", "Destinations: the places that hold repositories."},
    {"set", "Backup sets: named things to back up, and where to."},
    {"config", "The configuration as a file."},
    {"run", "One run: a backup, restore, copy, forget, prune, check or repair."},
    {"key", "Key slots: what opens a destination's repository."},
    {"notification", "Notifications: who is told when backups fail, are overdue, or are well again."},
};

std::vector<Command> all_commands() {
  std::vector<Command> all;
  add_status_commands(all);
  add_destination_commands(all);
  add_set_commands(all);
  add_rule_commands(all);
  add_config_commands(all);
  add_backup_commands(all);
  add_run_commands(all);
  add_error_commands(all);
  add_snapshot_commands(all);
  add_diff_commands(all);
  add_find_command(all);
  add_versions_command(all);
  add_restore_commands(all);
  add_browse_command(all);
  add_mount_command(all);
  add_copy_commands(all);
  add_tag_command(all);
  add_retention_commands(all);
  add_check_commands(all);
  add_key_commands(all);
  add_log_commands(all);
  add_notification_commands(all);
  add_metrics_commands(all);
  add_complete_command(all);
  return all;
}

// Whether the user's terminal takes UTF-8. From here on, text is measured in a UTF-8 locale.
bool set_up_locale() {
  std::setlocale(LC_CTYPE, "");
  const bool utf8 = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  if (!utf8) std::setlocale(LC_CTYPE, "C.UTF-8");
  return utf8;
}

std::string home_folder() {
  const passwd* user = getpwuid(getuid());
  return user == nullptr ? "/" : user->pw_dir;
}

// Each line by itself made printable: what the daemon said may hold line ends. Fitted to a terminal.
void print_lines(const std::string& prefix, const std::string& text) {
  std::string lines = prefix;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines += printable(std::string_view(text).substr(begin, end - begin)) + '\n';
    begin = end + 1;
  }
  if (isatty(STDERR_FILENO) == 1) lines = fit_lines(lines, terminal_width(STDERR_FILENO));
  std::fputs(lines.c_str(), stderr);
}

int run(const std::vector<std::string>& arguments) {
  const bool utf8 = set_up_locale();
  const Terminal output = inspect_terminal(STDOUT_FILENO, utf8);
  const std::vector<Command> commands = all_commands();
  const CommandLine line = parse_command_line(arguments, commands, kGroups, output.width);
  if (line.command == nullptr) {
    std::fputs(line.text.c_str(), stdout);
    return kExitDone;
  }
  Session session(socket_path(line.socket, process_environment(), geteuid(), home_folder()),
                  line.socket.has_value(), line.json, output, inspect_terminal(STDERR_FILENO, utf8));
  if (!line.no_pager) session.use_pager(choose_pager(std::getenv));
  return line.command->run(session);
}

}  // namespace

int main(int count, char** values) {
  int result = kExitFailed;
  try {
    result = run({values + 1, values + count});
  } catch (const Failure& failure) {
    std::fflush(stdout);
    print_lines("garner: ", failure.what());
    if (!failure.advice().empty()) print_lines("", failure.advice());
    result = failure.exit_code();
  } catch (const std::exception& error) {
    std::fflush(stdout);
    print_lines("garner: ", error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "garner: the output could not be written: %s\n", std::strerror(errno));
    if (result == kExitDone) result = kExitFailed;
  }
  // All is said and written. What gRPC has at work is left to the kernel.
  std::_Exit(result);
}
