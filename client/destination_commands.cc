// destination add, list, show, edit, remove.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "destination_option.h"
#include "destination_text.h"
#include "fact_list.h"
#include "secret_file.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

void add_add(std::vector<Command>& all) {
  struct Arguments {
    std::string name;
    std::string url;
    SecretFiles secret;
    bool no_encryption = false;
    bool share_keyring = false;
    DestinationOptions settings;
  };
  const auto given = std::make_shared<Arguments>();
  Command command{
      .path = "destination add",
      .usage =
          "NAME URL [--password-file F | --key-file F | --recovery-key-file F | --no-encryption] "
          "[--share-keyring] " +
          std::string(kDestinationSettingsUsage),
      .sentence = "Makes a repository where there is nothing, and opens one that is there.",
      .options = {{"NAME", "", "What it shall be called.", &given->name, true, {}},
                  {"URL", "", "Where it is: for a folder, its path.", &given->url, true, {}},
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
            request.set_no_encryption(given->no_encryption);
            request.set_share_keyring(given->share_keyring);
            if (const auto settings = given->settings.change()) *request.mutable_settings() = *settings;

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
  for (std::string& detail : limit_details()) command.details.push_back(std::move(detail));
  given->settings.add_to(command.options);
  all.push_back(std::move(command));
}

void add_list(std::vector<Command>& all) {
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

void show(Session& session, const v1::Destination& one) {
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
  facts.add("snapshots", human_count(one.snapshots()));
  facts.add("blobs", human_count(one.blobs()));
  if (one.total_bytes() > 0) {
    facts.add("space", human_bytes(one.free_bytes()) + " free of " + human_bytes(one.total_bytes()));
  }
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
  session.print(facts.render(session.output()));
}

void add_show(std::vector<Command>& all) {
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
              show(session, answer);
            }
            return kExitDone;
          },
  });
}

void add_edit(std::vector<Command>& all) {
  struct Arguments {
    std::string name;
    DestinationOptions settings;
  };
  const auto given = std::make_shared<Arguments>();
  Command command{
      .path = "destination edit",
      .usage = "NAME {" + std::string(kDestinationSettingsEditUsage) + "}...",
      .sentence = "Changes how a destination is used; what is not given stays as it is.",
      .options = {{"NAME", "", "The destination.", &given->name, true, {}}},
      .examples = {{"garner destination edit cloud --limit-upload 2M --limit-upload 22:00..06:00=none",
                    "At most 2 MB a second, but at night as fast as it goes."},
                   {"garner destination edit cloud --limit-upload none", "Without a limit again."},
                   {"garner destination edit disk --max-unused 20 --max-rewrite 4G", ""}},
      .details = limit_details(),
      .run =
          [given](Session& session) {
            check_name("destination", given->name);
            v1::EditDestinationRequest request;
            request.set_name(given->name);
            const auto settings = given->settings.change();
            if (!settings) {
              throw usage_failure("destination edit: give at least one thing to change",
                                  "See garner destination edit --help.");
            }
            *request.mutable_settings() = *settings;
            const auto answer = session.call(&Stub::EditDestination, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              show(session, answer);
            }
            return kExitDone;
          },
  };
  command.details.push_back("For prune, 'default' takes away what was set.");
  given->settings.add_to(command.options);
  all.push_back(std::move(command));
}

void add_remove(std::vector<Command>& all) {
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
  add_add(all);
  add_list(all);
  add_show(all);
  add_edit(all);
  add_remove(all);
}

}  // namespace garner::client
