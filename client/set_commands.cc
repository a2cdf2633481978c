// set add, list, show, edit, remove.
#include <memory>

#include "argument.h"
#include "command_option.h"
#include "commands.h"
#include "fact_list.h"
#include "retention_option.h"
#include "run_text.h"
#include "schedule_option.h"
#include "schedule_text.h"
#include "session.h"
#include "supply_option.h"
#include "text.h"

namespace garner::client {
namespace {

std::string sources_text(const v1::BackupSet& set) {
  std::string text = joined(set.sources());
  for (const v1::CommandSource& source : set.commands().sources())
    text += (text.empty() ? "" : ", ") + printable(source.name());
  return text;
}

void show_set(Session& session, const v1::BackupSet& set) {
  if (session.json()) {
    session.print_json(set);
    return;
  }
  FactList facts;
  facts.add("name", set.name());
  for (int i = 0; i < set.sources_size(); ++i) facts.add(i == 0 ? "sources" : "", set.sources(i));
  facts.add("destinations", joined(set.destinations()));
  const std::string supply = supply_text(set.supply());
  if (!supply.empty()) facts.add("supply", supply);
  facts.add("one file system", set.one_file_system() ? "yes" : "no");
  facts.add("exclude caches", set.exclude_caches() ? "yes" : "no");
  for (int i = 0; i < set.rules_size(); ++i) facts.add(i == 0 ? "rules" : "", set.rules(i));
  add_command_facts(facts, set.commands());
  add_schedule_facts(facts, set);
  const std::string kept = retention_text(set.retention());
  facts.add("keeps", kept.empty() ? "everything" : kept);
  for (const v1::DestinationRetention& other : set.destination_retentions())
    facts.add("", "at " + other.destination() + ": " + retention_text(other.retention()));
  facts.add("snapshots", human_count(set.snapshots()));
  if (set.has_last_run()) {
    const v1::Run& run = set.last_run();
    facts.add("last run", run.run_id() + ", " + state_text(run) + ", " + local_time(run.queued()),
              state_style(run));
  }
  facts.add("id", set.id());
  session.print(facts.render(session.output()));
}

void check_sources(const std::vector<std::string>& sources,
                   google::protobuf::RepeatedPtrField<std::string>* to) {
  for (const std::string& source : sources) *to->Add() = absolute_path("--source", source);
}

void check_destinations(const std::vector<std::string>& names,
                        google::protobuf::RepeatedPtrField<std::string>* to) {
  for (const std::string& name : names) {
    check_name("destination", name);
    *to->Add() = name;
  }
}

constexpr const char* kRetentionDetail =
    "With --keep options, snapshots that none of them keeps are forgotten by themselves after each backup. "
    "Without any, "
    "everything is kept.";
constexpr const char* kRuleHelp =
    "A rule: a class (ignore, once, auto, always) and a pattern, as in .track files. The last one that "
    "matches "
    "decides.";
constexpr const char* kOneFileSystemHelp = "Do not enter other file systems that are mounted below a source.";
constexpr const char* kExcludeCachesHelp = "Leave out the content of folders that hold a CACHEDIR.TAG.";

void add_set_add(std::vector<Command>& all) {
  struct Arguments {
    std::string name;
    std::vector<std::string> sources;
    std::vector<std::string> destinations;
    SupplyOptions supply;
    bool one_file_system = false;
    bool exclude_caches = false;
    std::vector<std::string> rules;
    CommandOptions commands;
    ScheduleOptions schedule;
    RetentionArguments keep;
  };
  const auto given = std::make_shared<Arguments>();
  Command command{
      .path = "set add",
      .usage = "NAME {--source PATH..., {--command CMD --as NAME}...}... --destination NAME... " +
               std::string(kSupplyUsage) +
               " [--one-file-system] [--exclude-caches] [--rule 'CLASS PATTERN']... "
               "[--command-timeout T] [--before CMD] [--after CMD] [--on-failure CMD] [--hook-timeout T] "
               "[--schedule S | --schedule DEST=S]... [--timezone ZONE] [--random-delay T] [--window W]... "
               "[--when CONDITION]... [--overdue-after T] " +
               std::string(kRetentionUsage),
      .sentence = "Makes a backup set.",
      .options = {{"NAME", "", "What it shall be called.", &given->name, true, {}},
                  {"--source", "PATH", "What to back up: folders or files.", &given->sources, false, {}},
                  {"--destination",
                   "NAME",
                   "Where to; of several, each gets the same snapshots.",
                   &given->destinations,
                   true,
                   {}},
                  {"--one-file-system", "", kOneFileSystemHelp, &given->one_file_system, false, {}},
                  {"--exclude-caches", "", kExcludeCachesHelp, &given->exclude_caches, false, {}},
                  {"--rule", "RULE", kRuleHelp, &given->rules, false, {}, /*one_each_time=*/true}},
      .examples =
          {{"garner set add home --source ~ --destination disk --exclude-caches", ""},
           {"garner set add work --source ~/work --destination disk --rule 'ignore *.o' --rule 'ignore "
            "/build/'",
            "See garner-track(5)."},
           {"garner set add system --source /etc /var /usr/local --destination disk --one-file-system", ""},
           {"garner set add mail --source /srv/mail --destination disk --schedule 'Mon..Fri 22:30' "
            "--overdue-after 3d",
            ""},
           {"garner set add shop --command 'pg_dump shop' --as shop.sql --destination disk", ""},
           {"garner set add photos --source ~/photos --destination disk cloud --supply-from disk",
            "'garner backup photos --destination cloud' reads only what disk lacks."}},
      .details = schedule_details(),
      .run =
          [given](Session& session) {
            check_name("set", given->name);
            v1::AddSetRequest request;
            request.set_name(given->name);
            check_sources(given->sources, request.mutable_sources());
            check_destinations(given->destinations, request.mutable_destinations());
            if (const auto supply = given->supply.change()) *request.mutable_supply() = *supply;
            request.set_one_file_system(given->one_file_system);
            request.set_exclude_caches(given->exclude_caches);
            for (const std::string& rule : given->rules) request.add_rules(rule);
            if (const auto commands = given->commands.change()) *request.mutable_commands() = *commands;
            if (request.sources().empty() && !given->commands.has_sources()) {
              throw usage_failure(
                  "set add: give something to back up: a --source, or a --command with its --as",
                  "See garner set add --help.");
            }
            if (const auto schedule = given->schedule.change()) *request.mutable_schedule() = *schedule;
            add_retention(given->keep, request);
            show_set(session, session.call(&Stub::AddSet, request));
            return kExitDone;
          },
  };
  command.details.push_back(kRetentionDetail);
  for (const std::string& detail : command_details()) command.details.push_back(detail);
  given->supply.add_to(command.options, /*edit=*/false);
  given->commands.add_to(command.options, /*edit=*/false);
  command.details.push_back(kRetentionOfDestination);
  given->schedule.add_to(command.options, /*edit=*/false);
  add_retention_options(given->keep, command.options);
  all.push_back(std::move(command));
}

void add_set_list(std::vector<Command>& all) {
  all.push_back({
      .path = "set list",
      .usage = "",
      .sentence = "Lists the backup sets.",
      .options = {},
      .examples = {{"garner set list", ""}},
      .details = {},
      .run =
          [](Session& session) {
            const auto answer = session.call(&Stub::ListSets, v1::ListSetsRequest());
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            if (answer.sets().empty()) {
              session.note("There is no set yet: garner set add NAME --source PATH... --destination NAME...");
              return kExitDone;
            }
            Table table({{"NAME", false, Column::Cut::kEnd},
                         {"SNAPSHOTS", true},
                         {"LAST RUN"},
                         {"RESULT"},
                         {"DESTINATIONS", false, Column::Cut::kEnd},
                         {"SOURCES", false, Column::Cut::kMiddle}});
            for (const v1::BackupSet& set : answer.sets()) {
              const bool ran = set.has_last_run();
              table.add({set.name(), human_count(set.snapshots()),
                         ran ? local_minute(set.last_run().queued()) : "never",
                         set.overdue() ? Cell("overdue", Style::kBad)
                         : ran         ? Cell(state_text(set.last_run()), state_style(set.last_run()))
                                       : Cell("-"),
                         joined(set.destinations()), sources_text(set)});
            }
            session.print(table.render(session.output()));
            return kExitDone;
          },
  });
}

void add_set_show(std::vector<Command>& all) {
  const auto name = std::make_shared<std::string>();
  all.push_back({
      .path = "set show",
      .usage = "NAME",
      .sentence = "Shows one backup set.",
      .options = {{"NAME", "", "The set.", name.get(), true, {}}},
      .examples = {{"garner set show home", ""}},
      .details = {},
      .run =
          [name](Session& session) {
            check_name("set", *name);
            v1::GetSetRequest request;
            request.set_name(*name);
            show_set(session, session.call(&Stub::GetSet, request));
            return kExitDone;
          },
  });
}

void add_set_edit(std::vector<Command>& all) {
  struct Arguments {
    std::string name;
    std::vector<std::string> sources;
    bool no_source = false;
    std::vector<std::string> destinations;
    SupplyOptions supply;
    bool one_file_system = false;
    bool no_one_file_system = false;
    bool exclude_caches = false;
    bool no_exclude_caches = false;
    std::vector<std::string> rules;
    bool no_rules = false;
    CommandOptions commands;
    ScheduleOptions schedule;
    RetentionArguments keep;
  };
  const auto given = std::make_shared<Arguments>();
  Command command{
      .path = "set edit",
      .usage =
          "NAME {--source PATH... | --no-source, --destination NAME..., " + std::string(kSupplyEditUsage) +
          ", --one-file-system | "
          "--no-one-file-system, --exclude-caches | --no-exclude-caches, "
          "{--rule 'CLASS PATTERN'}... | --no-rules, " +
          std::string(kCommandEditUsage) +
          ", {--schedule S | --schedule DEST=S}... | --no-schedule, "
          "--timezone ZONE, --random-delay T, --window W... | --no-window, --when CONDITION... | --no-when, "
          "--overdue-after T, " +
          std::string(kRetentionEditUsage) + "}...",
      .sentence = "Changes a backup set; what is not given stays as it is.",
      .options = {{"NAME", "", "The set.", &given->name, true, {}},
                  {"--source",
                   "PATH",
                   "What to back up, instead of the sources it has.",
                   &given->sources,
                   false,
                   {}},
                  {"--no-source", "", "Back up no path: commands are left.", &given->no_source, false, {}},
                  {"--destination",
                   "NAME",
                   "Where to, instead of the destinations it has.",
                   &given->destinations,
                   false,
                   {}},
                  {"--one-file-system", "", kOneFileSystemHelp, &given->one_file_system, false, {}},
                  {"--no-one-file-system", "", "Enter them.", &given->no_one_file_system, false, {}},
                  {"--exclude-caches", "", kExcludeCachesHelp, &given->exclude_caches, false, {}},
                  {"--no-exclude-caches", "", "Back them up.", &given->no_exclude_caches, false, {}},
                  {"--rule",
                   "RULE",
                   "A rule, instead of those it has: a class and a pattern, as in .track files.",
                   &given->rules,
                   false,
                   {},
                   /*one_each_time=*/true},
                  {"--no-rules", "", "Take its rules away.", &given->no_rules, false, {}}},
      .examples =
          {{"garner set edit home --source ~ /srv/photos", ""},
           {"garner set edit home --destination disk usb --no-exclude-caches", ""},
           {"garner set edit home --schedule 'every 6h' --window 22:00-06:00", ""},
           {"garner set edit mail --before 'systemctl stop dovecot' --after 'systemctl start dovecot' "
            "--on-failure 'systemctl start dovecot'",
            ""}},
      .details = schedule_details(),
      .run =
          [given](Session& session) {
            check_name("set", given->name);
            check_at_most_one({{"--source", !given->sources.empty()}, {"--no-source", given->no_source}});
            check_at_most_one({{"--one-file-system", given->one_file_system},
                               {"--no-one-file-system", given->no_one_file_system}});
            check_at_most_one({{"--exclude-caches", given->exclude_caches},
                               {"--no-exclude-caches", given->no_exclude_caches}});
            check_at_most_one({{"--rule", !given->rules.empty()}, {"--no-rules", given->no_rules}});
            v1::EditSetRequest request;
            for (const std::string& rule : given->rules) request.add_rules(rule);
            request.set_no_rules(given->no_rules);
            request.set_name(given->name);
            check_sources(given->sources, request.mutable_sources());
            request.set_no_sources(given->no_source);
            check_destinations(given->destinations, request.mutable_destinations());
            if (const auto supply = given->supply.change()) *request.mutable_supply() = *supply;
            if (given->one_file_system || given->no_one_file_system) {
              request.set_one_file_system(given->one_file_system);
            }
            if (given->exclude_caches || given->no_exclude_caches)
              request.set_exclude_caches(given->exclude_caches);
            if (const auto commands = given->commands.change()) *request.mutable_commands() = *commands;
            if (const auto schedule = given->schedule.change()) *request.mutable_schedule() = *schedule;
            if (request.sources().empty() && !given->no_source && request.destinations().empty() &&
                request.rules().empty() && !request.no_rules() && !request.has_one_file_system() &&
                !request.has_exclude_caches() && !request.has_supply() && !request.has_schedule() &&
                !request.has_commands() && !given->keep.any()) {
              throw usage_failure("set edit: give at least one thing to change",
                                  "See garner set edit --help.");
            }
            const RetentionEdits keep = to_edits(given->keep);
            if (keep.own) *request.mutable_retention() = *keep.own;
            for (const auto& [destination, edit] : keep.of_destinations) {
              v1::DestinationRetentionEdit& added = *request.add_destination_retentions();
              added.set_destination(destination);
              *added.mutable_retention() = edit;
            }
            show_set(session, session.call(&Stub::EditSet, request));
            return kExitDone;
          },
  };
  command.details.push_back(kRetentionDetail);
  command.details.push_back(kRetentionOfDestination);
  command.details.push_back("0 takes a rule away.");
  for (const std::string& detail : command_details()) command.details.push_back(detail);
  given->supply.add_to(command.options, /*edit=*/true);
  given->commands.add_to(command.options, /*edit=*/true);
  given->schedule.add_to(command.options, /*edit=*/true);
  add_retention_options(given->keep, command.options);
  all.push_back(std::move(command));
}

void add_set_remove(std::vector<Command>& all) {
  const auto name = std::make_shared<std::string>();
  all.push_back({
      .path = "set remove",
      .usage = "NAME",
      .sentence = "Removes a backup set; its snapshots stay.",
      .options = {{"NAME", "", "The set.", name.get(), true, {}}},
      .examples = {{"garner set remove home", ""}},
      .details = {},
      .run =
          [name](Session& session) {
            check_name("set", *name);
            v1::RemoveSetRequest request;
            request.set_name(*name);
            const auto answer = session.call(&Stub::RemoveSet, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              session.say("Set " + *name + " is removed; its snapshots are still there.");
            }
            return kExitDone;
          },
  });
}

}  // namespace

void add_set_commands(std::vector<Command>& all) {
  add_set_add(all);
  add_set_list(all);
  add_set_show(all);
  add_set_edit(all);
  add_set_remove(all);
}

}  // namespace garner::client
