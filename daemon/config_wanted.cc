#include "config_wanted.h"

#include <algorithm>

#include "base/error.h"
#include "config_current.h"
#include "config_file.h"
#include "config_keys.h"

namespace garner::daemon {

namespace {

template <typename Request>
bool is_named(const std::vector<Wanted<Request>>& all, const std::string& name) {
  return std::any_of(all.begin(), all.end(),
                     [&](const Wanted<Request>& one) { return one.section.name == name; });
}

class WantedReading {
 public:
  WantedReading(const ConfigParts& parts, const v1::ApplyConfigurationRequest& request,
                std::vector<Problem>& problems)
      : parts_(parts), catalog_(parts.catalog()), request_(request), problems_(problems) {}

  WantedConfig run() {
    for (const ConfigSection& section :
         read_config(request_.toml(), {kDestination, kSet, kNotification}, problems_)) {
      if (section.kind == kDestination) {
        take(section, wanted_.destinations, [&] { return destination(section); });
      } else if (section.kind == kSet) {
        take(section, wanted_.sets, [&] { return set(section); });
      } else {
        take(section, wanted_.notifications, [&] { return notification(section); });
      }
    }
    if (request_.remove_others()) find_others();
    return std::move(wanted_);
  }

 private:
  void add_problem(const Place& place, const std::string& message) { problems_.push_back({place, message}); }

  template <typename Request, typename Read>
  void take(const ConfigSection& section, std::vector<Wanted<Request>>& all, const Read& read) {
    const std::size_t before = problems_.size();
    try {
      catalog::check_name(section.name, section.kind);
    } catch (const Error& error) {
      add_problem(section.place, error.what());
    }
    all.push_back(read());
    all.back().readable = all.back().readable && problems_.size() == before;
  }

  Wanted<v1::AddDestinationRequest> destination(const ConfigSection& section) {
    Wanted<v1::AddDestinationRequest> wanted{section, request_of(destination_keys(), section, problems_)};
    wanted.request.set_name(section.name);
    const bool has_secret = !wanted.request.secret_reference().option().empty();
    if (wanted.request.no_encryption() && (has_secret || wanted.request.share_keyring()))
      add_problem(section.place_of("no-encryption"), "a repository without encryption has no keys");
    if (wanted.request.share_keyring() && !has_secret) {
      add_problem(section.place_of("share-keyring"),
                  "share-keyring needs a password-file, key-file or credential; without them the "
                  "installation's keyring is used anyway");
    }
    if (const auto facts = catalog_.configuration().destination(section.name))
      wanted.now = request_for(catalog_, *facts);
    return wanted;
  }

  Wanted<v1::AddSetRequest> set(const ConfigSection& section) {
    Wanted<v1::AddSetRequest> wanted{section, request_of(set_keys(), section, problems_)};
    wanted.request.set_name(section.name);
    for (const v1::CommandSource& source : wanted.request.commands().sources()) {
      if (!source.command().empty() && !source.name().empty()) continue;
      add_problem(section.place_of("command"),
                  "'command' and 'as' are lists of the same length: each command has a "
                  "name for its output");
      break;
    }
    if (const auto found = catalog_.configuration().set(section.name))
      wanted.now = request_for(parts_.sets.describe(*found));
    return wanted;
  }

  Wanted<v1::AddNotificationRequest> notification(const ConfigSection& section) {
    Wanted<v1::AddNotificationRequest> wanted{section, request_of(notification_keys(), section, problems_)};
    v1::AddNotificationRequest& request = wanted.request;
    request.set_name(section.name);
    if (request.kind() == v1::NOTIFICATION_KIND_UNSPECIFIED) {
      add_problem(section.place, "the notification '" + section.name +
                                     "' tells nobody: it has a webhook, a ping, mail or a command");
    }
    if (const auto found = catalog_.notifications().find(section.name)) wanted.now = request_for(*found);
    const v1::AddNotificationRequest before =
        wanted.now && wanted.now->kind() == request.kind() ? *wanted.now : v1::AddNotificationRequest();
    v1::NotificationFiles& files = *request.mutable_files();
    const std::size_t needed = wanted_.needed_files.size();
    const char* const web = request.kind() == v1::NOTIFICATION_KIND_PING ? "ping" : "webhook";
    fill(section, web, before.target(), before.files().target(), *files.mutable_target(),
         *request.mutable_target());
    fill(section, "header-file", before.headers(), before.files().headers(), *files.mutable_headers(),
         *request.mutable_headers());
    fill(section, "password-file", before.password(), before.files().password(), *files.mutable_password(),
         *request.mutable_password());
    fill(section, "ca-file", before.ca_certificates(), before.files().ca_certificates(),
         *files.mutable_ca_certificates(), *request.mutable_ca_certificates());
    wanted.readable = wanted_.needed_files.size() == needed;
    return wanted;
  }

  // What `file` holds: as it is kept where it was read from there before, or else as the client has read it.
  void fill(const ConfigSection& section, const char* key, const std::string& kept,
            const std::string& kept_file, std::string& file, std::string& content) {
    if (file.empty()) return;
    if (file == kKept && kept.empty()) {
      return add_problem(section.place_of(key), "nothing is kept for it: name a file");
    }
    if (file == kKept || file == kept_file) {
      file = kept_file;
      content = kept;
      return;
    }
    const auto given = request_.files().find(file);
    if (given != request_.files().end()) {
      content = given->second;
      return;
    }
    v1::NeededFile& needed = wanted_.needed_files.emplace_back();
    needed.set_option(key);
    needed.set_path(file);
  }

  void find_others() {
    for (const catalog::BackupSet& set : catalog_.configuration().sets()) {
      const std::string& name = set.definition.name();
      if (is_named(wanted_.sets, name)) continue;
      wanted_.other_sets.push_back(name);
      if (parts_.runs.uses_set(name)) {
        add_problem({}, "set '" + name +
                            "', which the file does not name, has an unfinished backup or copy: cancel it "
                            "first");
      }
    }
    for (const catalog::DestinationFacts& facts : catalog_.configuration().destinations()) {
      if (is_named(wanted_.destinations, facts.name)) continue;
      wanted_.other_destinations.push_back(facts);
      if (parts_.runs.uses_destination(facts.name)) {
        add_problem({}, "a run that is not over uses destination '" + facts.name +
                            "', which the file does not name: wait for it, or cancel it");
      }
    }
    for (const catalog::Notification& one : catalog_.notifications().all()) {
      if (!is_named(wanted_.notifications, one.name)) wanted_.other_notifications.push_back(request_for(one));
    }
  }

  const ConfigParts& parts_;
  catalog::Catalog& catalog_;
  const v1::ApplyConfigurationRequest& request_;
  std::vector<Problem>& problems_;
  WantedConfig wanted_;
};

}  // namespace

WantedConfig read_wanted(const ConfigParts& parts, const v1::ApplyConfigurationRequest& request,
                         std::vector<Problem>& problems) {
  return WantedReading(parts, request, problems).run();
}

}  // namespace garner::daemon
