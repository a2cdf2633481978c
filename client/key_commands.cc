// key list, add, remove, export, rotate.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "destination_text.h"
#include "new_file.h"
#include "secret_file.h"
#include "session.h"
#include "table.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr const char* kDestinationHelp =
    "The destination whose repository it is. Default: the only one there is.";

template <typename Request>
void name_destination(Request& request, const std::optional<std::string>& name) {
  if (!name) return;
  check_name("destination", *name);
  request.set_destination(*name);
}

std::string short_id(const std::string& id) { return id.substr(0, 12); }

void add_key_list(std::vector<Command>& all) {
  const auto destination = std::make_shared<std::optional<std::string>>();
  all.push_back({
      .path = "key list",
      .usage = "[--destination NAME]",
      .sentence = "Lists what opens a destination's repository.",
      .options = {{"--destination", "NAME", kDestinationHelp, destination.get(), false, {}}},
      .examples = {{"garner key list", ""}},
      .details = {},
      .run =
          [destination](Session& session) {
            v1::ListKeysRequest request;
            name_destination(request, *destination);
            const auto answer = session.call(&Stub::ListKeys, request);
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            Table table({{"ID"}, {"TYPE"}, {"CREATED"}, {"LABEL", false, Column::Cut::kEnd}});
            for (const v1::KeySlotInfo& key : answer.keys()) {
              table.add({short_id(key.id()), key.type(), local_minute(key.created()), key.label()});
            }
            session.print(table.render(session.output()));
            session.print("keyring " + printable(answer.keyring_id()) + ", epoch " +
                          std::to_string(answer.epoch()) + '\n');
            return kExitDone;
          },
  });
}

void add_key_add(std::vector<Command>& all) {
  struct Arguments {
    SecretFiles secret;
    bool recovery = false;
    std::optional<std::string> destination;
    std::optional<std::string> label;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "key add",
      .usage = "{--password-file F | --key-file F | --recovery} [--destination NAME] [--label L]",
      .sentence = "Adds a password, a key file or a recovery key that opens a repository.",
      .options =
          {{"--password-file",
            "F",
            "A file with the new password, or - for standard input.",
            &given->secret.password,
            false,
            {}},
           {"--key-file",
            "F",
            "A file with the new key: 32 bytes to 64 KiB of random data.",
            &given->secret.key_file,
            false,
            {}},
           {"--recovery", "", "Make a new recovery key, and show it, once.", &given->recovery, false, {}},
           {"--destination", "NAME", kDestinationHelp, &given->destination, false, {}},
           {"--label", "L", "What to call it in lists. Default: nothing.", &given->label, false, {}}},
      .examples = {{"garner key add --password-file - --label laptop", "Asks for the password."},
                   {"garner key add --recovery --destination disk", ""}},
      .details = {},
      .run =
          [given](Session& session) {
            check_at_most_one({{"--password-file", given->secret.password.has_value()},
                               {"--key-file", given->secret.key_file.has_value()},
                               {"--recovery", given->recovery}});
            if (!given->secret.any() && !given->recovery) {
              throw usage_failure("key add: give --password-file, --key-file or --recovery",
                                  "See garner key add --help.");
            }
            v1::AddKeyRequest request;
            name_destination(request, given->destination);
            if (given->label) {
              check_utf8("--label", *given->label);
              request.set_label(*given->label);
            }
            if (auto secret = read_secret(given->secret)) *request.mutable_secret() = std::move(*secret);
            const auto answer = session.call(&Stub::AddKey, request);
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            session.say("Added the " + answer.key().type() + ' ' + short_id(answer.key().id()) + ".");
            if (!answer.recovery_key().empty()) {
              session.print(recovery_key_text(answer.recovery_key(), session.output()));
            }
            return kExitDone;
          },
  });
}

void add_key_remove(std::vector<Command>& all) {
  struct Arguments {
    std::string id;
    std::optional<std::string> destination;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "key remove",
      .usage = "ID [--destination NAME]",
      .sentence = "Removes a password, key file or recovery key, which then opens the repository no more.",
      .options =
          {{"ID", "", "As garner key list shows it; at least four digits of it.", &given->id, true, {}},
           {"--destination", "NAME", kDestinationHelp, &given->destination, false, {}}},
      .examples = {{"garner key remove 91c04f2a --destination disk", ""}},
      .details = {"Whoever has a copy of the repository from before can still open that with it: garner key "
                  "rotate gives "
                  "what is written from then on new keys."},
      .run =
          [given](Session& session) {
            check_id_prefix("key", given->id);
            v1::RemoveKeyRequest request;
            name_destination(request, given->destination);
            request.set_id(given->id);
            const auto answer = session.call(&Stub::RemoveKey, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              session.say("Removed the key " + given->id + ".");
            }
            return kExitDone;
          },
  });
}

void add_key_export(std::vector<Command>& all) {
  struct Arguments {
    std::string to;
    std::optional<std::string> destination;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "key export",
      .usage = "--to FILE [--destination NAME]",
      .sentence = "Writes a new key file that opens a repository from any machine.",
      .options = {{"--to",
                   "FILE",
                   "The file to make; one that is there is never overwritten.",
                   &given->to,
                   true,
                   {}},
                  {"--destination", "NAME", kDestinationHelp, &given->destination, false, {}}},
      .examples = {{"garner key export --to /media/stick/garner.key", ""}},
      .details = {"Open the repository with: garner destination add NAME URL --key-file FILE. Only its owner "
                  "may read "
                  "the file."},
      .run =
          [given](Session& session) {
            const std::string path = absolute_path("--to", given->to);
            v1::ExportKeyRequest request;
            name_destination(request, given->destination);
            // Connected first, so that no file is made when there is nobody to ask; the file before the key,
            // so that no key is added that cannot be written down.
            session.daemon();
            NewFile file(path);
            const auto answer = session.call(&Stub::ExportKey, request);
            file.write_durably(answer.key_file());
            if (session.json()) {
              session.print_json(v1::ExportKeyResponse());
            } else {
              session.say("Wrote the key file " + path +
                          ". Keep it where this machine's loss does not reach it.");
            }
            return kExitDone;
          },
  });
}

void add_rotate(std::vector<Command>& all) {
  const auto destination = std::make_shared<std::optional<std::string>>();
  all.push_back({
      .path = "key rotate",
      .usage = "[--destination NAME]",
      .sentence = "Makes new keys for all that is written from now on.",
      .options = {{"--destination", "NAME", kDestinationHelp, destination.get(), false, {}}},
      .examples = {{"garner key rotate", ""}},
      .details = {"Passwords, key files and recovery keys stay and open what is old and what is new. All "
                  "destinations "
                  "that share the keyring get the new keys."},
      .run =
          [destination](Session& session) {
            v1::RotateKeyRequest request;
            name_destination(request, *destination);
            const auto answer = session.call(&Stub::RotateKey, request);
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            std::string names;
            for (const std::string& name : answer.destinations()) names += (names.empty() ? "" : ", ") + name;
            session.say("New keys from now on: epoch " + std::to_string(answer.epoch()) +
                        (names.empty() ? "" : ", at " + names) + ".");
            return kExitDone;
          },
  });
}

}  // namespace

void add_key_commands(std::vector<Command>& all) {
  add_key_list(all);
  add_key_add(all);
  add_key_remove(all);
  add_key_export(all);
  add_rotate(all);
}

}  // namespace garner::client
