#include "sets.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "folder_line.h"
#include "retention_message.h"
#include "source/rules.h"

namespace garner::daemon {

namespace {

void check_exists(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) return;
  const bool missing = errno == ENOENT || errno == ENOTDIR;
  throw system_error(errno, "the source " + printable(path),
                     missing ? ErrorKind::kNotFound : ErrorKind::kReadFailed);
}

// What a repository holds was not necessarily written by this program.
bool may_be_set(const store::v1::SetDefinition& definition) {
  try {
    catalog::check_name(definition.name(), "set");
    Uuid::from_bytes(as_bytes(definition.uuid()));
  } catch (const Error&) {
    return false;
  }
  return !definition.sources().empty();
}

// They stand in the entry of every snapshot.
constexpr int kMostSetRules = 1000;
constexpr std::size_t kMostSetRuleBytes = 64u << 10;

// Error(kInvalidInput) names the first that is none.
void check_rules(const store::v1::SetDefinition& definition) {
  std::size_t bytes = 0;
  for (const std::string& rule : definition.rules()) bytes += rule.size();
  if (definition.rules_size() > kMostSetRules || bytes > kMostSetRuleBytes) {
    throw Error(ErrorKind::kInvalidInput,
                "a set has at most " + std::to_string(kMostSetRules) +
                    " rules, and 64 KiB of them together: put them into .track files in the source instead");
  }
  source::parse_set_rules({definition.rules().begin(), definition.rules().end()});
}

// Newest snapshots of sets, by uuid.
using Newest = std::map<std::string, const store::v1::Snapshot*>;

}  // namespace

void Sets::check_sources(store::v1::SetDefinition& definition, const catalog::SetCommands& commands) {
  if (definition.sources().empty() && commands.sources.empty())
    throw Error(ErrorKind::kInvalidInput, "a set needs at least one source: a path, or a command's output");
  for (std::string& source : *definition.mutable_sources()) {
    source = normal_path(source);
    check_exists(source);
  }
  for (int i = 0; i < definition.sources_size(); ++i) {
    const std::string& source = definition.sources(i);
    for (int j = 0; j < definition.sources_size(); ++j) {
      if (i == j || !lies_in(source, definition.sources(j))) continue;
      throw Error(ErrorKind::kInvalidInput, "the source " + printable(source) + " is inside the source " +
                                                printable(definition.sources(j)));
    }
    if (lies_in(source, destinations_.context().state_folder)) {
      throw Error(ErrorKind::kInvalidInput,
                  "the source " + printable(source) + " is garner's state folder, or inside it");
    }
    for (const std::string& repository : destinations_.local_folders()) {
      if (!lies_in(source, repository)) continue;
      throw Error(ErrorKind::kInvalidInput, "the source " + printable(source) + " is the repository " +
                                                printable(repository) + ", or inside it");
    }
  }
}

void Sets::check_destinations(const std::vector<std::string>& names) {
  if (names.empty()) throw Error(ErrorKind::kInvalidInput, "a set needs a destination");
  for (const std::string& name : names) {
    if (!catalog_.configuration().destination(name).has_value()) {
      throw Error(ErrorKind::kNotFound, "there is no destination '" + printable(name) + "'");
    }
  }
  if (names.size() > 1) {
    throw Error(ErrorKind::kInvalidInput,
                "this version backs up a set to one destination; make a second set for the other one");
  }
}

v1::BackupSet Sets::add(const v1::AddSetRequest& request, const ScheduleContext& context) {
  catalog::check_name(request.name(), "set");
  catalog::BackupSet set;
  set.definition.set_uuid(std::string(as_text(Uuid::random().view())));
  set.definition.set_name(request.name());
  *set.definition.mutable_sources() = request.sources();
  *set.definition.mutable_rules() = request.rules();
  check_rules(set.definition);
  set.definition.set_one_file_system(request.one_file_system());
  set.definition.set_exclude_caches(request.exclude_caches());
  set.destinations.assign(request.destinations().begin(), request.destinations().end());
  check_destinations(set.destinations);
  const catalog::SetCommands commands = edited(catalog::SetCommands(), request.commands(), context.user);
  check_sources(set.definition, commands);
  check_command_paths(commands, set.definition);
  const catalog::SetSchedule schedule = edited({}, request.schedule(), set.destinations, context);
  const SetRetention retention =
      make_retention(request.retention(), request.destination_retentions(), set.destinations);
  catalog_.configuration().add_set(set, [&](catalog::Database& database) {
    if (request.has_commands()) catalog::CommandTable::replace(database, set.definition.name(), commands);
    catalog::RetentionTable::replace(database, set.definition.name(), to_catalog(retention));
    if (!request.has_schedule()) return;
    catalog::ScheduleTable::replace(database, set.definition.name(), schedule,
                                    schedule::first_mark(context.now));
  });
  return describe(set);
}

v1::BackupSet Sets::edit(const v1::EditSetRequest& request, const ScheduleContext& context) {
  catalog::BackupSet set = get(request.name());
  const catalog::SetCommands commands =
      edited(catalog_.commands().find(request.name()), request.commands(), context.user);
  if (request.no_sources()) set.definition.clear_sources();
  if (!request.sources().empty()) *set.definition.mutable_sources() = request.sources();
  if (!request.sources().empty() || (set.definition.sources().empty() && commands.sources.empty()))
    check_sources(set.definition, commands);
  check_command_paths(commands, set.definition);
  if (!request.destinations().empty()) {
    set.destinations.assign(request.destinations().begin(), request.destinations().end());
    check_destinations(set.destinations);
  }
  if (request.has_one_file_system()) set.definition.set_one_file_system(request.one_file_system());
  if (request.no_rules()) set.definition.clear_rules();
  if (!request.rules().empty()) *set.definition.mutable_rules() = request.rules();
  if (!request.rules().empty()) check_rules(set.definition);
  if (request.has_exclude_caches()) set.definition.set_exclude_caches(request.exclude_caches());
  // Also when only destinations change: each schedule's must be one of them.
  const std::string& name = set.definition.name();
  const std::optional<catalog::SetSchedule> before = catalog_.schedules().find(name);
  const catalog::SetSchedule schedule =
      edited(before.value_or(catalog::SetSchedule()), request.schedule(), set.destinations, context);
  const SetRetention retention = edited(load_retention(catalog_.retention(), name), request.retention(),
                                        request.destination_retentions(), set.destinations);
  catalog_.configuration().replace_set(set, [&](catalog::Database& database) {
    if (request.has_commands()) catalog::CommandTable::replace(database, name, commands);
    catalog::RetentionTable::replace(database, name, to_catalog(retention));
    if (before.has_value() ? schedule != *before : request.has_schedule())
      catalog::ScheduleTable::replace(database, name, schedule, schedule::first_mark(context.now));
  });
  return describe(set);
}

catalog::BackupSet Sets::get(const std::string& name) {
  std::optional<catalog::BackupSet> found = catalog_.configuration().set(name);
  if (found.has_value()) return *std::move(found);
  std::string known;
  for (const auto& set : catalog_.configuration().sets()) {
    known += (known.empty() ? "" : ", ") + set.definition.name();
  }
  throw Error(ErrorKind::kNotFound,
              "there is no set '" + printable(name) + "'" +
                  (known.empty() ? "; `garner set add` adds one" : "; there are: " + known));
}

v1::BackupSet Sets::describe(const catalog::BackupSet& set) {
  v1::BackupSet message;
  message.set_name(set.definition.name());
  message.set_id(Uuid::from_bytes(as_bytes(set.definition.uuid())).text());
  for (const std::string& source : set.definition.sources()) {
    message.add_sources(printable(source));
    message.add_source_paths(source);
  }
  for (const std::string& name : set.destinations) message.add_destinations(name);
  message.set_one_file_system(set.definition.one_file_system());
  message.set_exclude_caches(set.definition.exclude_caches());
  for (const std::string& rule : set.definition.rules()) {
    message.add_rules(source::rule_text(rule));
    message.add_rule_bytes(rule);
  }
  message.set_snapshots(snapshots(set));
  if (const auto schedule = catalog_.schedules().find(set.definition.name()))
    *message.mutable_schedule() = to_message(*schedule);
  *message.mutable_commands() = to_message(catalog_.commands().find(set.definition.name()));
  const SetRetention retention = load_retention(catalog_.retention(), set.definition.name());
  *message.mutable_retention() = retention.own;
  add_to(*message.mutable_destination_retentions(), retention);
  return message;
}

std::uint64_t Sets::snapshots(const catalog::BackupSet& set) {
  // A snapshot that is at several destinations is one.
  std::uint64_t most = 0;
  for (const auto& known : catalog_.configuration().destinations()) {
    const DestinationView view = destinations_.view(known.name);
    const auto count = view.snapshots_of_set.find(set.definition.uuid());
    if (count != view.snapshots_of_set.end()) most = std::max(most, count->second);
  }
  return most;
}

std::vector<std::string> Sets::recover(const std::string& destination) {
  const std::shared_ptr<store::Repository> repository = destinations_.open(destination);
  const auto state = repository->state();
  Newest newest;
  for (const store::v1::SnapshotEntry& entry : state->snapshots()) {
    // Others may use the same repository.
    if (entry.snapshot().host() == destinations_.context().host) {
      newest[entry.snapshot().set().uuid()] = &entry.snapshot();
    }
  }
  std::vector<catalog::BackupSet> found;
  for (const auto& [uuid, snapshot] : newest) {
    if (may_be_set(snapshot->set())) found.push_back({snapshot->set(), {destination}});
  }
  return catalog_.configuration().recover_sets(destination, found);
}

}  // namespace garner::daemon
