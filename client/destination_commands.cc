// destination add, list, show, edit, claim, remove.
#include <map>
#include <memory>

#include "argument.h"
#include "commands.h"
#include "destination_option.h"
#include "destination_text.h"
#include "fact_list.h"
#include "maintenance_option.h"
#include "maintenance_text.h"
#include "place_option.h"
#include "secret_file.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

void add_destination_add(std::vector<Command>& all) {
  struct Arguments {
    std::string name;
    std::string url;
    SecretFiles secret;
    bool no_encryption = false;
    bool share_keyring = false;
    PlaceOptions place;
    MaintenanceOptions maintenance;
    DestinationOptions settings;
  };
  const auto given = std::make_shared<Arguments>();
  Command command{
      .path = "destination add",
      .usage =
          "NAME URL [--password-file F | --key-file F | --recovery-key-file F | --no-encryption] "
          "[--share-keyring] " +
          std::string(kPlaceUsage) + ' ' + kDestinationSettingsUsage + ' ' + kMaintenanceUsage,
      .sentence = "Makes a repository where there is nothing, and opens one that is there.",
      .options = {{"NAME", "", "What it shall be called.", &given->name, true, {}},
                  {"URL",
                   "",
                   "Where it is: a folder's path, s3:https://HOST/BUCKET/PREFIX or sftp://USER@HOST/PATH.",
                   &given->url,
                   true,
                   {}},
                  {"--password-file",
                   "F",
                   "A file with the password, or - for standard input.",
                   &given->secret.password,
                   false,
                   {}},
                  {"--key-file",
                   "F",
                   "A file with a key: 32 bytes to 64 KiB of random data.",
                   &given->secret.key_file,
                   false,
                   {}},
                  {"--recovery-key-file",
                   "F",
                   "A file with the recovery key of a repository that is there.",
                   &given->secret.recovery_key,
                   false,
                   {}},
                  {"--no-encryption",
                   "",
                   "Store everything readable by whoever reaches the destination.",
                   &given->no_encryption,
                   false,
                   {}},
                  {"--share-keyring",
                   "",
                   "With a password or key file and a new repository: seal it with this installation's keys, "
                   "which the "
                   "password or key file then opens too. Default: it gets keys of its own.",
                   &given->share_keyring,
                   false,
                   {}}},
      .examples = {{"garner destination add disk /mnt/backup", "Sealed with this installation's keys."},
                   {"garner destination add disk /mnt/backup --password-file ~/.backup-password", ""},
                   {"garner destination add cloud s3:https://s3.eu-central-1.amazonaws.com/my-bucket/laptop "
                    "--access-keys /etc/garner/cloud.keys",
                    ""},
                   {"garner destination add nas sftp://backup@nas.example.org/srv/laptop "
                    "--ssh-key ~/.ssh/backup",
                    ""},
                   {"garner destination add old /mnt/backup --recovery-key-file key.txt",
                    "Opens what another machine, or this one before it was lost, has backed up."}},
      .details = {"Without a key option this installation's keys are used; the first time they are made, and "
                  "the recovery "
                  "key is shown, once. Files with secrets must be readable by their owner only."},
      .run =
          [given](Session& session) {
            check_name("destination", given->name);
            v1::AddDestinationRequest request;
            request.set_name(given->name);
            request.set_url(absolute_url(given->url));
            check_at_most_one({{"--password-file", given->secret.password.has_value()},
                               {"--key-file", given->secret.key_file.has_value()},
                               {"--recovery-key-file", given->secret.recovery_key.has_value()},
                               {"--no-encryption", given->no_encryption}});
            check_at_most_one(
                {{"--no-encryption", given->no_encryption}, {"--share-keyring", given->share_keyring}});
            if (given->share_keyring && !given->secret.password && !given->secret.key_file) {
              throw usage_failure("--share-keyring needs --password-file or --key-file",
                                  "Without a key option the installation's keyring is used anyway.");
            }
            if (auto secret = read_secret(given->secret)) *request.mutable_secret() = std::move(*secret);
            if (const auto reference = reference_of(given->secret, given->share_keyring))
              *request.mutable_secret_reference() = *reference;
            if (const auto change = given->maintenance.change()) *request.mutable_maintenance() = *change;
            request.set_no_encryption(given->no_encryption);
            request.set_share_keyring(given->share_keyring);
            if (const auto settings = given->settings.change()) *request.mutable_settings() = *settings;
            for (const auto& [name, value] : given->place.change()) {
              if (!value.empty()) (*request.mutable_options())[name] = value;
            }

            const auto answer = session.call(&Stub::AddDestination, request);
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            const std::string name = "Destination " + answer.destination().name();
            session.say(answer.created()
                            ? name + ": made a repository at " + answer.destination().url()
                            : name + ": opened the repository at " + answer.destination().url() + ", with " +
                                  plural(answer.snapshots(), "snapshot", "snapshots"));
            for (const std::string& notice : answer.notices()) session.say(notice, Style::kWarning);
            if (!answer.recovery_key().empty()) {
              session.print(recovery_key_text(answer.recovery_key(), session.output()));
            }
            return kExitDone;
          },
  };
  for (std::string& detail : place_details()) command.details.push_back(std::move(detail));
  given->place.add_to(command.options, /*edit=*/false);
  for (std::string& detail : limit_details()) command.details.push_back(std::move(detail));
  given->settings.add_to(command.options);
  for (const std::string& detail : maintenance_details()) command.details.push_back(detail);
  given->maintenance.add_to(command.options);
  all.push_back(std::move(command));
}

void add_destination_list(std::vector<Command>& all) {
  all.push_back({
      .path = "destination list",
      .usage = "",
      .sentence = "Lists the destinations.",
      .options = {},
      .examples = {{"garner destination list", ""}},
      .details = {},
      .run =
          [](Session& session) {
            const auto answer = session.call(&Stub::ListDestinations, v1::ListDestinationsRequest());
            if (session.json()) {
              session.print_json(answer);
            } else if (answer.destinations().empty()) {
              session.note("There is no destination yet: garner destination add NAME URL");
            } else {
              session.print(destination_table(answer.destinations(), session.output(), 0));
            }
            return kExitDone;
          },
  });
}

void show_destination(Session& session, const v1::Destination& one) {
  FactList facts;
  facts.add("name", one.name());
  facts.add("url", one.url());
  facts.add("state", state_text(one.state()), state_style(one.state()));
  facts.add("detail", one.detail());
  facts.add("encrypted", one.encrypted() ? "yes" : "no");
  facts.add("repository", one.repository_id());
  if (one.encrypted()) {
    facts.add("keyring", one.keyring_id());
    if (one.key_epoch() > 0) facts.add("key epoch", std::to_string(one.key_epoch()));
  }
  facts.add("generation", human_count(one.generation()));
  if (one.has_growth()) facts.add("grown", growth_text(one.growth()));
  if (!one.index_from().empty()) facts.add("index from", index_source_text(one));
  facts.add("snapshots", human_count(one.snapshots()));
  facts.add("blobs", human_count(one.blobs()));
  if (one.total_bytes() > 0) {
    facts.add("space", human_bytes(one.free_bytes()) + " free of " + human_bytes(one.total_bytes()));
  }
  for (const auto& [name, value] :
       std::map<std::string, std::string>(one.options().begin(), one.options().end()))
    facts.add(name, printable(value));
  if (one.has_requests()) facts.add("requests", requests_text(one.requests()) + ", since the daemon started");
  const auto add_limits = [&](const std::string& label, const auto& limits, std::uint64_t now) {
    for (int i = 0; i < limits.size(); ++i) facts.add(i == 0 ? label : "", printable(limits[i]));
    if (limits.size() > 0) facts.add("", now == 0 ? "now: none" : "now: " + rate_text(now));
  };
  add_limits("upload limit", one.settings().upload_limits(), one.upload_rate());
  add_limits("download limit", one.settings().download_limits(), one.download_rate());
  if (one.settings().has_max_unused_percent())
    facts.add("prune leaves", percent_text(one.settings().max_unused_percent()) + " of a pack unused");
  if (one.settings().has_max_rewrite_bytes())
    facts.add("prune copies", "at most " + human_bytes(one.settings().max_rewrite_bytes()) + " at a time");
  std::string sets;
  for (const std::string& set : one.sets()) sets += (sets.empty() ? "" : ", ") + set;
  facts.add("sets", sets);
  add_maintenance_facts(facts, one.maintenance());
  session.print(facts.render(session.output()));
}

void add_destination_show(std::vector<Command>& all) {
  const auto name = std::make_shared<std::string>();
  all.push_back({
      .path = "destination show",
      .usage = "NAME",
      .sentence = "Shows one destination.",
      .options = {{"NAME", "", "The destination.", name.get(), true, {}}},
      .examples = {{"garner destination show disk", ""}},
      .details = {},
      .run =
          [name](Session& session) {
            check_name("destination", *name);
            v1::GetDestinationRequest request;
            request.set_name(*name);
            const auto answer = session.call(&Stub::GetDestination, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              show_destination(session, answer);
            }
            return kExitDone;
          },
  });
}

void add_destination_edit(std::vector<Command>& all) {
  struct Arguments {
    std::string name;
    PlaceOptions place;
    MaintenanceOptions maintenance;
    DestinationOptions settings;
    std::optional<std::string> index_from;
    std::optional<std::string> accept_log;
  };
  const auto given = std::make_shared<Arguments>();
  Command command{
      .path = "destination edit",
      .usage = "NAME {" + std::string(kPlaceEditUsage) + ", " + kDestinationSettingsEditUsage + ", " +
               kMaintenanceEditUsage + ", --index-from local | --index-from self | --index-from DEST, " +
               "--accept-log N}...",
      .sentence = "Changes how a destination is used; what is not given stays as it is.",
      .options = {{"NAME", "", "The destination.", &given->name, true, {}}},
      .examples = {{"garner destination edit disk --prune-schedule 'Sun 12:00' --check-period 90d", ""},
                   {"garner destination edit cloud --limit-upload 2M --limit-upload 22:00..06:00=none",
                    "At most 2 MB a second, but at night as fast as it goes."},
                   {"garner destination edit cloud --limit-upload none", "Without a limit again."},
                   {"garner destination edit disk --max-unused 20 --max-rewrite 4G", ""},
                   {"garner destination edit cloud --access-keys systemd:cloud", ""},
                   {"garner destination edit cloud --index-from disk",
                    "A machine that lacks some of the cloud's index reads it from the disk."}},
      .details = limit_details(),
      .run =
          [given](Session& session) {
            check_name("destination", given->name);
            v1::EditDestinationRequest request;
            request.set_name(given->name);
            if (const auto change = given->maintenance.change()) *request.mutable_maintenance() = *change;
            if (const auto settings = given->settings.change()) *request.mutable_settings() = *settings;
            for (const auto& [name, value] : given->place.change())
              (*request.mutable_options())[name] = value;
            if (given->index_from) {
              if (*given->index_from != "local" && *given->index_from != "self")
                check_name("destination", *given->index_from);
              request.set_index_from(*given->index_from);
            }
            if (given->accept_log)
              request.set_accept_log(parse_generation("--accept-log", *given->accept_log));
            if (!request.has_maintenance() && !request.has_settings() && request.options().empty() &&
                !request.has_index_from() && !request.has_accept_log()) {
              throw usage_failure("destination edit: give at least one thing to change",
                                  "See garner destination edit --help.");
            }
            const auto answer = session.call(&Stub::EditDestination, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              show_destination(session, answer);
            }
            return kExitDone;
          },
  };
  command.options.push_back(
      {"--index-from",
       "WHERE",
       "Where every machine reads what it lacks of the repository's index: local (the destination itself; "
       "the "
       "default), self (the destination itself, anew whenever the daemon opens it), or another destination, "
       "which is given a copy of it. Given by itself.",
       &given->index_from,
       false,
       {}});
  command.options.push_back(
      {"--accept-log",
       "N",
       "Take a repository that is refused, because it was rolled back, forked or rebuilt, as "
       "it is now; N is the number of its newest record, which the refusal names. Given by itself.",
       &given->accept_log,
       false,
       {}});
  command.details.push_back(
      "For prune, and for how a store or server is reached, 'default' takes away what was set.");
  given->place.add_to(command.options, /*edit=*/true);
  given->settings.add_to(command.options);
  for (const std::string& detail : maintenance_details()) command.details.push_back(detail);
  given->maintenance.add_to(command.options);
  all.push_back(std::move(command));
}

void add_claim(std::vector<Command>& all) {
  const auto name = std::make_shared<std::string>();
  all.push_back({
      .path = "destination claim",
      .usage = "NAME",
      .sentence = "Makes this machine the one that writes to a store where only one can.",
      .options = {{"NAME", "", "The destination.", name.get(), true, {}}},
      .examples = {{"garner destination claim cloud", ""}},
      .details = {"Some S3 stores do not know the condition If-None-Match, by which writers are kept from "
                  "overwriting each other. There one machine writes, the one that has claimed the "
                  "destination last, and others restore. See to it that the one before does not back up, "
                  "forget or prune there in the same moment: it notices at its next record, not sooner."},
      .run =
          [name](Session& session) {
            check_name("destination", *name);
            v1::ClaimDestinationRequest request;
            request.set_name(*name);
            const auto answer = session.call(&Stub::ClaimDestination, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              session.say("This machine is the one that writes to destination " + *name + ".");
            }
            return kExitDone;
          },
  });
}

void add_destination_remove(std::vector<Command>& all) {
  const auto name = std::make_shared<std::string>();
  all.push_back({
      .path = "destination remove",
      .usage = "NAME",
      .sentence = "Forgets a destination that no set uses; its repository stays as it is.",
      .options = {{"NAME", "", "The destination.", name.get(), true, {}}},
      .examples = {{"garner destination remove disk", ""}},
      .details = {},
      .run =
          [name](Session& session) {
            check_name("destination", *name);
            v1::RemoveDestinationRequest request;
            request.set_name(*name);
            const auto answer = session.call(&Stub::RemoveDestination, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              session.say("Destination " + *name + " is forgotten; its repository is as it was.");
            }
            return kExitDone;
          },
  });
}

}  // namespace

void add_destination_commands(std::vector<Command>& all) {
  add_destination_add(all);
  add_destination_list(all);
  add_destination_show(all);
  add_destination_edit(all);
  add_claim(all);
  add_destination_test_command(all);
  add_destination_remove(all);
}

}  // namespace garner::client
