#include "sets.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "retention_message.h"
#include "snapshot/age.h"
#include "snapshot/node.h"
#include "source/rules.h"
#include "supply_rule.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

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

// Of one of them: whether it is there, and how it lies to the others. `sources` has it at `number`.
void look_at_source(const FolderLine& line, const std::vector<std::string>& sources, std::size_t number,
                    const std::string& state_folder, const std::vector<std::string>& repositories) {
  const std::string& source = sources[number];
  if (!line.exists(source))
    throw system_error(ENOENT, "the source " + printable(source), ErrorKind::kNotFound);
  for (std::size_t other = 0; other < sources.size(); ++other) {
    if (other == number || !line.lies_in(source, sources[other])) continue;
    throw Error(ErrorKind::kInvalidInput,
                "the source " + printable(source) + " is inside the source " + printable(sources[other]));
  }
  if (line.lies_in(source, state_folder)) {
    throw Error(ErrorKind::kInvalidInput,
                "the source " + printable(source) + " is garner's state folder, or inside it");
  }
  for (const std::string& repository : repositories) {
    if (!line.lies_in(source, repository)) continue;
    throw Error(ErrorKind::kInvalidInput, "the source " + printable(source) + " is the repository " +
                                              printable(repository) + ", or inside it");
  }
}

// Makes their paths normal.
void check_sources(store::v1::SetDefinition& definition, const catalog::SetCommands& commands) {
  if (definition.sources().empty() && commands.sources.empty())
    throw Error(ErrorKind::kInvalidInput, "a set needs at least one source: a path, or a command's output");
  for (std::string& source : *definition.mutable_sources()) source = normal_path(source);
}

constexpr std::size_t kMostDestinations = 8;

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

Sets::Sets(Destinations& destinations)
    : destinations_(destinations), catalog_(destinations.context().catalog) {}

void Sets::look_at_sources(std::vector<std::string> sources, std::vector<std::string> repositories) {
  for (std::string& source : sources) source = normal_path(source);
  for (std::string& url : destinations_.local_urls()) repositories.push_back(std::move(url));
  for (std::size_t number = 0; number < sources.size(); ++number) {
    look_at_source(destinations_.line(), sources, number, destinations_.context().state_folder, repositories);
  }
}

void Sets::check_destinations(const std::vector<std::string>& names) {
  if (names.empty()) throw Error(ErrorKind::kInvalidInput, "a set needs a destination");
  for (const std::string& name : names) {
    if (!catalog_.configuration().destination(name).has_value()) {
      throw Error(ErrorKind::kNotFound, "there is no destination '" + printable(name) + "'");
    }
  }
  if (names.size() > kMostDestinations) {
    throw Error(ErrorKind::kInvalidInput,
                "a set has at most " + std::to_string(kMostDestinations) + " destinations");
  }
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    throw Error(ErrorKind::kInvalidInput, "a set has each of its destinations once");
  // A configuration that is only checked yet has destinations without keys: what they are shows when it is
  // applied.
  const auto has_keys = [](const catalog::DestinationFacts& one) { return one.keyring != Uuid{}; };
  catalog::DestinationFacts first = destinations_.facts(names.front());
  for (const std::string& name : names) {
    const catalog::DestinationFacts facts = destinations_.facts(name);
    if (facts.encrypted == first.encrypted &&
        (facts.keyring == first.keyring || !has_keys(facts) || !has_keys(first))) {
      if (!has_keys(first)) first = facts;
      continue;
    }
    throw Error(
        ErrorKind::kInvalidInput,
        "destinations '" + first.name + "' and '" + name +
            "' have different keys, and a set gives all of its destinations the same snapshot: make a "
            "second set for one of them, or add it anew so that it shares the keys (without a key "
            "option, or with --share-keyring)");
  }
}

// Those that are new and are to be given what the others have; and nothing more of those that went.
void Sets::note_destinations(catalog::Database& database, const catalog::BackupSet& set,
                             const std::vector<std::string>& before, bool any_snapshot) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  const std::string& name = set.definition.name();
  bool any_stays = false;
  for (const std::string& old : before) {
    any_stays = any_stays || has(set.destinations, old);
    if (!has(set.destinations, old)) catalog::SetDestinationTable::forget(database, name, old);
  }
  if (!any_stays || !any_snapshot) return;
  for (const std::string& added : set.destinations) {
    if (has(before, added)) continue;
    catalog::SetDestinationTable::write_behind(database, name, added, destinations_.context().clock.now(),
                                               "it was added to the set");
  }
}

v1::BackupSet Sets::add(const v1::AddSetRequest& request, const ScheduleContext& context, Sources sources) {
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
  set.supply = to_catalog(request.supply());
  check_supply(set.supply, set.destinations);
  const catalog::SetCommands commands = edited(catalog::SetCommands(), request.commands(), context.user);
  check_sources(set.definition, commands);
  if (sources == Sources::kToBeLookedAt)
    look_at_sources({request.sources().begin(), request.sources().end()});
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

v1::BackupSet Sets::edit(const v1::EditSetRequest& request, const ScheduleContext& context, Sources sources) {
  // What may take long comes before the lock.
  get(request.name());
  if (sources == Sources::kToBeLookedAt)
    look_at_sources({request.sources().begin(), request.sources().end()});
  const std::lock_guard lock(editing_);
  catalog::BackupSet set = get(request.name());
  const std::vector<std::string> destinations_before = set.destinations;
  const bool any_snapshot = snapshots(set) > 0;
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
  // Also when only destinations change: what supplies the others, and each schedule's, must be one of them.
  if (request.has_supply()) set.supply = to_catalog(request.supply());
  check_supply(set.supply, set.destinations);
  const std::string& name = set.definition.name();
  const std::optional<catalog::SetSchedule> before = catalog_.schedules().find(name);
  const catalog::SetSchedule schedule =
      edited(before.value_or(catalog::SetSchedule()), request.schedule(), set.destinations, context);
  const SetRetention retention = edited(load_retention(catalog_.retention(), name), request.retention(),
                                        request.destination_retentions(), set.destinations);
  catalog_.configuration().replace_set(set, [&](catalog::Database& database) {
    note_destinations(database, set, destinations_before, any_snapshot);
    if (request.has_commands()) catalog::CommandTable::replace(database, name, commands);
    catalog::RetentionTable::replace(database, name, to_catalog(retention));
    if (before.has_value() ? schedule != *before : request.has_schedule())
      catalog::ScheduleTable::replace(database, name, schedule, schedule::first_mark(context.now));
  });
  return describe(set);
}

v1::BackupSet Sets::add_rule(const std::string& name, const std::string& rule) {
  const std::lock_guard lock(editing_);
  v1::EditSetRequest request;
  request.set_name(name);
  *request.mutable_rules() = get(name).definition.rules();
  request.add_rules(rule);
  return edit(request);
}

void Sets::change(const std::function<void(catalog::Database&)>& work) {
  const std::lock_guard lock(editing_);
  catalog_.configuration().change(work);
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
  *message.mutable_supply() = to_message(set.supply);
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

void Sets::describe_destinations(const catalog::BackupSet& set, v1::SetStatus& status) {
  const auto states = catalog_.set_destinations().find(set.definition.name());
  for (const std::string& name : set.destinations) {
    v1::SetDestination& one = *status.add_destinations();
    one.set_name(name);
    const auto found = states.find(name);
    if (found == states.end()) continue;
    const catalog::SetDestinationState& state = found->second;
    if (state.last_snapshot) one.set_last_snapshot(state.last_snapshot->hex());
    if (state.last_done) *one.mutable_last_time() = to_timestamp(*state.last_done);
    if (!state.behind_since) continue;
    one.set_behind(true);
    *one.mutable_behind_since() = to_timestamp(*state.behind_since);
    one.set_reason(state.reason);
  }
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
  const TimePoint now = destinations_.context().clock.now();
  Newest newest;
  for (const store::v1::SnapshotEntry& entry : state->snapshots()) {
    const store::v1::Snapshot& made = entry.snapshot();
    // Others may use the same repository.
    if (made.host() != destinations_.context().host) continue;
    const store::v1::Snapshot*& known = newest[made.set().uuid()];
    if (known == nullptr || !snapshot::is_older(snapshot::from_proto(made.finished()),
                                                snapshot::from_proto(known->finished()), now))
      known = &made;
  }
  std::vector<catalog::BackupSet> found;
  for (const auto& [uuid, snapshot] : newest) {
    if (may_be_set(snapshot->set())) found.push_back({snapshot->set(), {destination}});
  }
  return catalog_.configuration().recover_sets(destination, found);
}

}  // namespace garner::daemon
