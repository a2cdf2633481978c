#include "config_apply.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "command_edit.h"
#include "config_current.h"
#include "config_difference.h"
#include "config_keys.h"
#include "config_wanted.h"
#include "destination_add.h"
#include "destination_edit.h"
#include "notification_request.h"
#include "supply_rule.h"

namespace garner::daemon {

namespace {

// Thrown to take back what a check has changed.
struct TakeBack {};

class Applying {
 public:
  Applying(const ConfigParts& parts, const v1::ApplyConfigurationRequest& request,
           const ScheduleContext& context)
      : parts_(parts),
        catalog_(parts.catalog()),
        request_(request),
        context_(context),
        wanted_(read_wanted(parts, request, problems_)) {}

  v1::ApplyConfigurationResponse run() {
    if (problems_.empty() && !wanted_.needed_files.empty()) {
      *response_.mutable_needed_files() = {wanted_.needed_files.begin(), wanted_.needed_files.end()};
      return std::move(response_);
    }
    for (const auto& wanted : wanted_.destinations) {
      if (wanted.readable) check_destination(wanted);
    }
    look_at_sources();
    check_changes();
    if (!problems_.empty()) return refused();
    tell_changes();
    if (request_.dry_run()) return std::move(response_);
    ask_for_secrets();
    if (!response_.needed().empty()) return std::move(response_);
    if (!make_destinations()) return refused();
    parts_.sets.change([this](catalog::Database& database) { make_changes(database); });
    for (const auto& wanted : wanted_.destinations) parts_.destinations.reload(wanted.section.name);
    forget_destinations();
    response_.set_applied(true);
    spdlog::info("the configuration was applied: {} of its sections were changed", response_.changes_size());
    return std::move(response_);
  }

 private:
  void add_problem(const Place& place, const std::string& message) { problems_.push_back({place, message}); }

  // Runs `work`; an error is a problem of the place.
  template <typename Work>
  bool try_at(const Place& place, const Work& work) {
    try {
      work();
      return true;
    } catch (const Error& error) {
      add_problem(place, error.what());
      return false;
    }
  }

  v1::ApplyConfigurationResponse refused() {
    std::stable_sort(problems_.begin(), problems_.end(),
                     [](const Problem& a, const Problem& b) { return a.place < b.place; });
    response_.clear_changes();
    for (const Problem& problem : problems_) {
      v1::ConfigurationProblem& added = *response_.add_problems();
      added.set_line(problem.place.line);
      added.set_column(problem.place.column);
      added.set_message(problem.message);
    }
    return std::move(response_);
  }

  // ---- Checks ----

  void check_destination(const Wanted<v1::AddDestinationRequest>& wanted) {
    const ConfigSection& section = wanted.section;
    const Place url = section.place_of("url");
    if (!wanted.now) {
      try_at(url, [&] { daemon::check_destination(parts_.destinations, wanted.request); });
      for (const auto& other : wanted_.destinations) {
        if (other.section.name < section.name && other.request.url() == wanted.request.url())
          add_problem(url, "this is the url of destination '" + other.section.name + "', too");
      }
      return;
    }
    if (wanted.now->url() != wanted.request.url()) {
      add_problem(url, "destination '" + section.name + "' is at " + printable(wanted.now->url()) +
                           ", and cannot be moved: remove it and add it again");
    }
    if (wanted.now->no_encryption() != wanted.request.no_encryption()) {
      add_problem(section.place_of("no-encryption"),
                  "destination '" + section.name + "' is " +
                      (wanted.now->no_encryption() ? "not encrypted: say no-encryption = true"
                                                   : "encrypted, and stays so"));
    }
  }

  // Their file systems may take long to answer, and everybody waits for who has the catalog: so before that.
  void look_at_sources() {
    std::vector<std::string> repositories;
    for (const auto& wanted : wanted_.destinations) {
      if (!wanted.now && wanted.request.url().starts_with('/')) repositories.push_back(wanted.request.url());
    }
    for (const auto& wanted : wanted_.sets) {
      if (wanted.readable && differs(set_keys(), wanted) && !has_good_sources(wanted, repositories))
        without_sources_.insert(wanted.section.name);
    }
  }

  // One by one, each at its place, and how they lie to each other.
  bool has_good_sources(const Wanted<v1::AddSetRequest>& wanted,
                        const std::vector<std::string>& repositories) {
    const auto& sources = wanted.request.sources();
    bool good = true;
    for (const PlacedValue& placed : wanted.section.values) {
      if (placed.key != "source") continue;
      for (int i = 0; i < sources.size(); ++i) {
        good =
            try_at(element_of(placed, i), [&] { parts_.sets.look_at_sources({sources[i]}, repositories); }) &&
            good;
      }
    }
    if (!good || sources.size() < 2) return good;
    return try_at(wanted.section.place_of("source"), [&] {
      parts_.sets.look_at_sources({sources.begin(), sources.end()}, repositories);
    });
  }

  void check_changes() {
    try {
      parts_.sets.change([&](catalog::Database& database) {
        checking_ = true;
        // Sets may name those that are not made yet.
        for (const auto& wanted : wanted_.destinations) {
          if (wanted.now) continue;
          catalog::insert_destination(database,
                                      {wanted.request.name(), wanted.request.url(), Uuid::random(),
                                       !wanted.request.no_encryption(), Uuid{}},
                                      /*recover_sets=*/false);
        }
        make_changes(database);
        throw TakeBack{};
      });
    } catch (const TakeBack&) {
    }
    checking_ = false;
  }

  // A set's destinations one by one, and its supply; each at its place.
  bool check_set(const Wanted<v1::AddSetRequest>& wanted) {
    bool good = true;
    for (const PlacedValue& placed : wanted.section.values) {
      if (placed.key == "destination") {
        for (int i = 0; i < wanted.request.destinations_size(); ++i)
          good = try_at(element_of(placed, i),
                        [&] { parts_.sets.check_destinations({wanted.request.destinations(i)}); }) &&
                 good;
      } else if (placed.key == "supply-from" ||
                 (placed.key == "supply" && wanted.request.supply().from().empty())) {
        const std::vector<std::string> names(wanted.request.destinations().begin(),
                                             wanted.request.destinations().end());
        good =
            try_at(placed.place, [&] { check_supply(to_catalog(wanted.request.supply()), names); }) && good;
      }
    }
    return good;
  }

  // ---- Changes ----

  template <typename Request>
  static bool differs(const std::vector<ConfigKey<Request>>& keys, const Wanted<Request>& wanted) {
    return !wanted.now || values_of(keys, *wanted.now) != values_of(keys, wanted.request);
  }

  // Within a transaction. While checking, what cannot be is noted and the rest goes on; otherwise it ends it.
  void make_changes(catalog::Database& database) {
    for (const std::string& name : wanted_.other_sets)
      step({}, [&] { catalog_.configuration().remove_set(name); });
    for (const auto& wanted : wanted_.destinations) {
      if (!wanted.readable || !wanted.now || !differs(destination_keys(), wanted)) continue;
      step(wanted.section.place,
           [&] { edit_destination(parts_.destinations, edit_between(*wanted.now, wanted.request)); });
    }
    for (const auto& wanted : wanted_.sets) {
      if (!wanted.readable || !differs(set_keys(), wanted) || (checking_ && !check_set(wanted))) continue;
      if (without_sources_.contains(wanted.section.name))
        continue;  // while checking: it goes no further then
      step(place_of_rest(wanted), [&] {
        if (wanted.now) {
          parts_.sets.edit(edit_between(*wanted.now, wanted.request), context_, Sets::Sources::kLookedAt);
        } else {
          parts_.sets.add(wanted.request, context_, Sets::Sources::kLookedAt);
        }
      });
    }
    for (const auto& one : wanted_.other_notifications)
      step({}, [&] { catalog_.notifications().remove(one.name()); });
    for (const auto& wanted : wanted_.notifications) {
      if (!wanted.readable || !differs(notification_keys(), wanted)) continue;
      if (checking_ && !check_notification(wanted)) continue;
      step(place_of_target(wanted), [&] { save_notification(wanted); });
    }
    for (const auto& facts : wanted_.other_destinations) {
      step({}, [&] { catalog_.configuration().remove_destination_row(database, facts.name); });
    }
  }

  // What is left to be wrong with a set concerns its sources together, or its schedules.
  static Place place_of_rest(const Wanted<v1::AddSetRequest>& wanted) {
    const bool scheduled = !wanted.request.schedule().schedules().empty();
    return wanted.section.place_of(scheduled ? "schedule" : "source");
  }

  // The sets that it names, each at its place.
  bool check_notification(const Wanted<v1::AddNotificationRequest>& wanted) {
    bool good = true;
    for (const PlacedValue& placed : wanted.section.values) {
      if (placed.key != "set") continue;
      for (int i = 0; i < wanted.request.sets_size(); ++i) {
        const std::string& name = wanted.request.sets(i);
        if (catalog_.configuration().set(name)) continue;
        add_problem(element_of(placed, i), "there is no set '" + printable(name) + "'");
        good = false;
      }
    }
    return good;
  }

  // Whose it is stays where what it runs stays.
  void save_notification(const Wanted<v1::AddNotificationRequest>& wanted) {
    catalog::Notification one = to_notification(
        without_kept(wanted.request), owner_of_commands(context_.user),
        [&](const std::string& set) { return catalog_.configuration().set(set).has_value(); });
    if (!wanted.now) return catalog_.notifications().add(one);
    const auto before = catalog_.notifications().find(one.name);
    if (before && before->kind == one.kind && before->target == one.target) one.user = before->user;
    catalog_.notifications().replace(one);
  }

  static v1::AddNotificationRequest without_kept(v1::AddNotificationRequest request) {
    v1::NotificationFiles& files = *request.mutable_files();
    for (std::string* const file : {files.mutable_target(), files.mutable_headers(), files.mutable_password(),
                                    files.mutable_ca_certificates()}) {
      if (*file == kKept) file->clear();
    }
    return request;
  }

  // What is left to be wrong with a notification concerns whom it tells.
  static Place place_of_target(const Wanted<v1::AddNotificationRequest>& wanted) {
    for (const char* const key : {"webhook", "ping", "mail", "command"}) {
      for (const PlacedValue& placed : wanted.section.values) {
        if (placed.key == key) return placed.place;
      }
    }
    return wanted.section.place;
  }

  static Place element_of(const PlacedValue& placed, int i) {
    const auto at = static_cast<std::size_t>(i);
    return at < placed.elements.size() ? placed.elements[at] : placed.place;
  }

  template <typename Work>
  void step(const Place& place, const Work& work) {
    if (!checking_) return work();
    try_at(place, work);
  }

  void tell_changes() {
    tell_wanted(kDestination, destination_keys(), wanted_.destinations);
    for (const auto& facts : wanted_.other_destinations)
      tell_removed(kDestination, destination_keys(), request_for(catalog_, facts));
    tell_wanted(kSet, set_keys(), wanted_.sets);
    for (const std::string& name : wanted_.other_sets)
      tell_removed(kSet, set_keys(), request_for(parts_.sets.describe(parts_.sets.get(name))));
    tell_wanted(kNotification, notification_keys(), wanted_.notifications);
    for (const auto& one : wanted_.other_notifications) tell_removed(kNotification, notification_keys(), one);
  }

  template <typename Request>
  void tell_wanted(const char* kind, const std::vector<ConfigKey<Request>>& keys,
                   const std::vector<Wanted<Request>>& all) {
    for (const Wanted<Request>& wanted : all) {
      v1::ConfigurationChange change = difference(
          kind, wanted.section.name, wanted.now ? std::optional(values_of(keys, *wanted.now)) : std::nullopt,
          values_of(keys, wanted.request));
      if (!change.keys().empty() || change.kind() != v1::CHANGE_KIND_CHANGE)
        *response_.add_changes() = std::move(change);
    }
  }

  template <typename Request>
  void tell_removed(const char* kind, const std::vector<ConfigKey<Request>>& keys, const Request& request) {
    *response_.add_changes() = difference(kind, request.name(), values_of(keys, request), std::nullopt);
  }

  // ---- Destinations ----

  void ask_for_secrets() {
    for (const auto& wanted : wanted_.destinations) {
      if (wanted.now || wanted.request.secret_reference().option().empty() ||
          request_.secrets().contains(wanted.section.name)) {
        continue;
      }
      v1::NeededSecret& needed = *response_.add_needed();
      needed.set_destination(wanted.section.name);
      *needed.mutable_reference() = wanted.request.secret_reference();
    }
  }

  // False when one could not be made: those before it stay, and their recovery keys are told.
  bool make_destinations() {
    for (const auto& wanted : wanted_.destinations) {
      if (wanted.now) continue;
      v1::AddDestinationRequest request = wanted.request;
      const auto secret = request_.secrets().find(wanted.section.name);
      if (secret != request_.secrets().end()) *request.mutable_secret() = secret->second;
      request.mutable_secret_reference()->set_share_keyring(request.share_keyring());
      try {
        const v1::AddDestinationResponse answer = add_destination(parts_.destinations, request);
        v1::MadeDestination& made = *response_.add_made();
        made.set_name(wanted.section.name);
        made.set_created(answer.created());
        made.set_recovery_key(answer.recovery_key());
        *made.mutable_notices() = answer.notices();
      } catch (const Error& error) {
        std::string rest = ". Sets were not changed";
        for (const v1::MadeDestination& made : response_.made())
          rest += "; destination '" + made.name() + "' was added and stays";
        add_problem(wanted.section.place_of("url"), error.what() + rest);
        return false;
      }
    }
    return true;
  }

  // After the commit.
  void forget_destinations() {
    for (const catalog::DestinationFacts& facts : wanted_.other_destinations) {
      catalog_.configuration().forget_facts(facts.name);
      parts_.destinations.context().keys.remove_pin(facts.repository);
      parts_.destinations.close(facts.name);
    }
  }

  const ConfigParts& parts_;
  catalog::Catalog& catalog_;
  const v1::ApplyConfigurationRequest& request_;
  const ScheduleContext& context_;
  std::vector<Problem> problems_;
  const WantedConfig wanted_;
  std::set<std::string> without_sources_;  // names of sets with sources that cannot be
  bool checking_ = false;
  v1::ApplyConfigurationResponse response_;
};

}  // namespace

v1::ApplyConfigurationResponse apply_config(const ConfigParts& parts,
                                            const v1::ApplyConfigurationRequest& request,
                                            const ScheduleContext& context) {
  return Applying(parts, request, context).run();
}

}  // namespace garner::daemon
