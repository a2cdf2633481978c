#include "config_apply.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "config_current.h"
#include "config_difference.h"
#include "config_file.h"
#include "config_keys.h"
#include "destination_add.h"
#include "destination_edit.h"

namespace garner::daemon {

namespace {

constexpr const char* kDestination = "destination";
constexpr const char* kSet = "set";
constexpr const char* kHeader =
    "# The configuration of garner, for `garner config apply`. garner-config(5) has the keys.\n";
constexpr const char* kNoReference =
    "# To open its repository elsewhere, name its secret here: password-file, key-file, recovery-key-file "
    "or\n"
    "# credential.\n";

// A thing that the file names, as it is to be.
template <typename Request>
struct Wanted {
  ConfigSection section;
  Request request;
  std::optional<Request> now = {};  // what it is; nothing: it is new
  bool readable = true;             // all of it
};

// Thrown to take back what a check has changed.
struct TakeBack {};

class Applying {
 public:
  Applying(const ConfigParts& parts, const v1::ApplyConfigurationRequest& request,
           const ScheduleContext& context)
      : parts_(parts), catalog_(parts.destinations.context().catalog), request_(request), context_(context) {}

  v1::ApplyConfigurationResponse run() {
    read();
    find_others();
    for (const auto& wanted : destinations_) {
      if (wanted.readable) check_destination(wanted);
    }
    check_changes();
    if (!problems_.empty()) return refused();
    tell_changes();
    if (request_.dry_run()) return std::move(response_);
    ask_for_secrets();
    if (!response_.needed().empty()) return std::move(response_);
    if (!make_destinations()) return refused();
    catalog_.configuration().change([this](catalog::Database& database) { make_changes(database); });
    for (const auto& wanted : destinations_) parts_.destinations.reload_limits(wanted.section.name);
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

  // ---- What is wanted ----

  void read() {
    for (const ConfigSection& section : read_config(request_.toml(), {kDestination, kSet}, problems_)) {
      const std::size_t before = problems_.size();
      try_at(section.place, [&] { catalog::check_name(section.name, section.kind); });
      if (section.kind == kDestination) {
        take_destination(section);
        destinations_.back().readable = problems_.size() == before;
      } else {
        take_set(section);
        sets_.back().readable = problems_.size() == before;
      }
    }
  }

  void take_destination(const ConfigSection& section) {
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
    destinations_.push_back(std::move(wanted));
  }

  void take_set(const ConfigSection& section) {
    Wanted<v1::AddSetRequest> wanted{section, request_of(set_keys(), section, problems_)};
    wanted.request.set_name(section.name);
    for (const v1::CommandSource& source : wanted.request.commands().sources()) {
      if (!source.command().empty() && !source.name().empty()) continue;
      add_problem(section.place_of("command"),
                  "'command' and 'as' are lists of the same length: each command has a "
                  "name for its output");
      break;
    }
    if (const auto set = catalog_.configuration().set(section.name))
      wanted.now = request_for(parts_.sets.describe(*set));
    sets_.push_back(std::move(wanted));
  }

  template <typename Request>
  static bool is_named(const std::vector<Wanted<Request>>& all, const std::string& name) {
    return std::any_of(all.begin(), all.end(),
                       [&](const Wanted<Request>& one) { return one.section.name == name; });
  }

  void find_others() {
    if (!request_.remove_others()) return;
    for (const catalog::BackupSet& set : catalog_.configuration().sets()) {
      const std::string& name = set.definition.name();
      if (is_named(sets_, name)) continue;
      other_sets_.push_back(name);
      if (parts_.runs.uses_set(name)) {
        add_problem({}, "set '" + name +
                            "', which the file does not name, has an unfinished backup: cancel it "
                            "first");
      }
    }
    for (const catalog::DestinationFacts& facts : catalog_.configuration().destinations()) {
      if (is_named(destinations_, facts.name)) continue;
      other_destinations_.push_back(facts);
      if (parts_.runs.uses_destination(facts.name)) {
        add_problem({}, "a run that is not over uses destination '" + facts.name +
                            "', which the file does not name: wait for it, or cancel it");
      }
    }
  }

  // ---- Checks ----

  void check_destination(const Wanted<v1::AddDestinationRequest>& wanted) {
    const ConfigSection& section = wanted.section;
    const Place url = section.place_of("url");
    if (!wanted.now) {
      try_at(url, [&] { daemon::check_destination(parts_.destinations, wanted.request); });
      for (const auto& other : destinations_) {
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

  void check_changes() {
    try {
      catalog_.configuration().change([&](catalog::Database& database) {
        checking_ = true;
        // Sets may name those that are not made yet.
        for (const auto& wanted : destinations_) {
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

  // A set's sources one by one, then together; each at its place.
  bool check_set(const Wanted<v1::AddSetRequest>& wanted) {
    bool good = true;
    for (const PlacedValue& placed : wanted.section.values) {
      const auto place = [&](int i) {
        const auto at = static_cast<std::size_t>(i);
        return at < placed.elements.size() ? placed.elements[at] : placed.place;
      };
      if (placed.key == "source") {
        for (int i = 0; i < wanted.request.sources_size(); ++i) {
          store::v1::SetDefinition one;
          one.add_sources(wanted.request.sources(i));
          good = try_at(place(i), [&] { parts_.sets.check_sources(one, {}); }) && good;
        }
      } else if (placed.key == "destination") {
        for (int i = 0; i < wanted.request.destinations_size(); ++i)
          good =
              try_at(place(i), [&] { parts_.sets.check_destinations({wanted.request.destinations(i)}); }) &&
              good;
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
    for (const std::string& name : other_sets_) step({}, [&] { catalog_.configuration().remove_set(name); });
    for (const auto& wanted : destinations_) {
      if (!wanted.readable || !wanted.now || !differs(destination_keys(), wanted)) continue;
      step(wanted.section.place,
           [&] { edit_destination(parts_.destinations, edit_between(*wanted.now, wanted.request)); });
    }
    for (const auto& wanted : sets_) {
      if (!wanted.readable || !differs(set_keys(), wanted) || (checking_ && !check_set(wanted))) continue;
      step(place_of_rest(wanted), [&] {
        if (wanted.now) {
          parts_.sets.edit(edit_between(*wanted.now, wanted.request), context_);
        } else {
          parts_.sets.add(wanted.request, context_);
        }
      });
    }
    for (const auto& facts : other_destinations_) {
      step({}, [&] { catalog_.configuration().remove_destination_row(database, facts.name); });
    }
  }

  // What is left to be wrong with a set concerns its sources together, or its schedules.
  static Place place_of_rest(const Wanted<v1::AddSetRequest>& wanted) {
    const bool scheduled = !wanted.request.schedule().schedules().empty();
    return wanted.section.place_of(scheduled ? "schedule" : "source");
  }

  template <typename Work>
  void step(const Place& place, const Work& work) {
    if (!checking_) return work();
    try_at(place, work);
  }

  void tell_changes() {
    const auto tell = [this](v1::ConfigurationChange change) {
      if (!change.keys().empty() || change.kind() != v1::CHANGE_KIND_CHANGE)
        *response_.add_changes() = std::move(change);
    };
    for (const auto& wanted : destinations_) {
      tell(difference(kDestination, wanted.section.name,
                      wanted.now ? std::optional(values_of(destination_keys(), *wanted.now)) : std::nullopt,
                      values_of(destination_keys(), wanted.request)));
    }
    for (const auto& facts : other_destinations_) {
      tell(difference(kDestination, facts.name, values_of(destination_keys(), request_for(catalog_, facts)),
                      std::nullopt));
    }
    for (const auto& wanted : sets_) {
      tell(difference(kSet, wanted.section.name,
                      wanted.now ? std::optional(values_of(set_keys(), *wanted.now)) : std::nullopt,
                      values_of(set_keys(), wanted.request)));
    }
    for (const std::string& name : other_sets_) {
      tell(difference(kSet, name,
                      values_of(set_keys(), request_for(parts_.sets.describe(parts_.sets.get(name)))),
                      std::nullopt));
    }
  }

  // ---- Destinations ----

  void ask_for_secrets() {
    for (const auto& wanted : destinations_) {
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
    for (const auto& wanted : destinations_) {
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
    for (const catalog::DestinationFacts& facts : other_destinations_) {
      catalog_.configuration().forget_facts(facts.name);
      parts_.destinations.context().keys.remove_pin(facts.repository);
      parts_.destinations.close(facts.name);
    }
  }

  const ConfigParts& parts_;
  catalog::Catalog& catalog_;
  const v1::ApplyConfigurationRequest& request_;
  const ScheduleContext& context_;
  std::vector<Wanted<v1::AddDestinationRequest>> destinations_;
  std::vector<Wanted<v1::AddSetRequest>> sets_;
  std::vector<std::string> other_sets_;  // that are to be removed
  std::vector<catalog::DestinationFacts> other_destinations_;
  std::vector<Problem> problems_;
  bool checking_ = false;
  v1::ApplyConfigurationResponse response_;
};

}  // namespace

std::string export_config(const ConfigParts& parts) {
  catalog::Catalog& catalog = parts.destinations.context().catalog;
  std::string text = kHeader;
  for (const catalog::DestinationFacts& facts : catalog.configuration().destinations()) {
    const v1::AddDestinationRequest request = request_for(catalog, facts);
    const bool known = !facts.encrypted || !request.secret_reference().option().empty();
    text += '\n' + to_toml(kDestination, facts.name, values_of(destination_keys(), request),
                           known ? "" : kNoReference);
  }
  for (const catalog::BackupSet& set : catalog.configuration().sets()) {
    text += '\n' + to_toml(kSet, set.definition.name(),
                           values_of(set_keys(), request_for(parts.sets.describe(set))), "");
  }
  return text;
}

v1::ApplyConfigurationResponse apply_config(const ConfigParts& parts,
                                            const v1::ApplyConfigurationRequest& request,
                                            const ScheduleContext& context) {
  return Applying(parts, request, context).run();
}

}  // namespace garner::daemon
