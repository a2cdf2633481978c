// config export, apply.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "argument.h"
#include "commands.h"
#include "config_text.h"
#include "destination_text.h"
#include "new_file.h"
#include "notification_file.h"
#include "secret_file.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

// The content of the file, or of standard input for "-".
std::string read_config(const std::string& path) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "standard input" : printable(path);
  const int file = standard_input ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) throw usage_failure(name + " cannot be opened: " + std::strerror(errno));
  std::string content;
  std::array<char, 16384> buffer{};
  ssize_t count = 0;
  do {
    count = read(file, buffer.data(), buffer.size());
    if (count > 0) content.append(buffer.data(), static_cast<std::size_t>(count));
  } while ((count > 0 && content.size() <= kLargestFile) || (count < 0 && errno == EINTR));
  const int error = errno;
  if (!standard_input) close(file);
  if (count < 0) throw usage_failure(name + " cannot be read: " + std::strerror(error));
  if (content.size() > kLargestFile) throw usage_failure(name + " is larger than 1 MiB");
  if (!is_utf8(content)) throw usage_failure(name + " is not UTF-8, as TOML is");
  return content;
}

void add_config_export(std::vector<Command>& all) {
  const auto path = std::make_shared<std::optional<std::string>>();
  all.push_back({
      .path = "config export",
      .usage = "[FILE]",
      .sentence = "Writes destinations, sets and notifications as a file that config apply reads.",
      .options = {{"FILE", "", "A new file. Default: standard output.", path.get(), false, {}}},
      .examples = {{"garner config export garner.toml", ""}},
      .details = {"Secrets are not in it: it names the files they were read from. The keys are described in "
                  "garner-config(5)."},
      .run =
          [path](Session& session) {
            std::optional<NewFile> file;
            if (*path) file.emplace(absolute_path("FILE", **path));
            const auto answer = session.call(&Stub::ExportConfiguration, v1::ExportConfigurationRequest());
            if (file) file->write_durably(answer.toml());
            if (session.json()) {
              session.print_json(answer);
            } else if (!file) {
              session.print(answer.toml());
            }
            return kExitDone;
          },
  });
}

// The answer; secrets of what is new are read when the daemon asks for them: it asks for each once.
v1::ApplyConfigurationResponse apply(Session& session, v1::ApplyConfigurationRequest request) {
  while (true) {
    v1::ApplyConfigurationResponse answer = session.call(&Stub::ApplyConfiguration, request);
    if (answer.needed().empty() && answer.needed_files().empty()) return answer;
    for (const v1::NeededSecret& needed : answer.needed())
      (*request.mutable_secrets())[needed.destination()] = read_reference(needed.reference());
    for (const v1::NeededFile& needed : answer.needed_files())
      (*request.mutable_files())[needed.path()] = read_notification_file(needed.option(), needed.path());
  }
}

void show_changes(Session& session, const v1::ApplyConfigurationResponse& answer, bool dry_run) {
  session.print(changes_text(answer.changes(), session.output()));
  for (const v1::MadeDestination& made : answer.made()) {
    session.say("Destination " + made.name() +
                (made.created() ? ": made a repository" : ": opened the repository that is there"));
    for (const std::string& notice : made.notices()) session.say(notice, Style::kWarning);
    // It is shown once.
    if (!made.recovery_key().empty()) session.print(recovery_key_text(made.recovery_key(), session.output()));
  }
  if (!answer.problems().empty()) return;
  if (answer.changes().empty()) {
    session.say("Nothing to change.");
  } else if (dry_run) {
    session.say("A dry run: nothing was changed.");
  } else {
    session.say("Applied.");
  }
}

void add_apply(std::vector<Command>& all) {
  struct Arguments {
    std::string path;
    bool dry_run = false;
    bool remove_others = false;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "config apply",
      .usage = "FILE [--dry-run] [--remove-others]",
      .sentence = "Makes destinations, sets and notifications as a file says, and tells what that changes.",
      .options = {{"FILE", "", "The file, or - for standard input.", &given->path, true, {}},
                  {"-n,--dry-run",
                   "",
                   "Tell what would be changed, and change nothing.",
                   &given->dry_run,
                   false,
                   {}},
                  {"--remove-others",
                   "",
                   "Remove sets, destinations and notifications that the file does not name; snapshots and "
                   "repositories stay. Default: they stay as they are.",
                   &given->remove_others,
                   false,
                   {}}},
      .examples = {{"garner config apply garner.toml --dry-run", ""},
                   {"garner config apply garner.toml", ""}},
      .details =
          {"Nothing is changed before all of the file was found to be right. What it does not say of a thing "
           "that it names is as without. Applied again it changes nothing.",
           "Files with secrets are opened for what is new, and must be readable by their owner only. The "
           "keys are described in garner-config(5)."},
      .run =
          [given](Session& session) {
            v1::ApplyConfigurationRequest request;
            request.set_toml(read_config(given->path));
            request.set_dry_run(given->dry_run);
            request.set_remove_others(given->remove_others);
            const v1::ApplyConfigurationResponse answer = apply(session, std::move(request));
            if (session.json()) {
              session.print_json(answer);
            } else {
              show_changes(session, answer, given->dry_run);
            }
            if (answer.problems().empty()) return kExitDone;
            session.flush();
            std::fputs(problems_text(given->path, answer.problems()).c_str(), stderr);
            return kExitUsage;
          },
  });
}

}  // namespace

void add_config_commands(std::vector<Command>& all) {
  add_config_export(all);
  add_apply(all);
}

}  // namespace garner::client
