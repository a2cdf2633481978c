#include "destination_edit.h"

#include <array>

#include "base/error.h"
#include "destination_settings.h"
#include "maintenance_message.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kLongestReference = 4096;

// Whether one machine alone writes is what the store was found to need: by whoever adds or claims it. Without
// it a store that ignores conditions would let records be overwritten.
void check_single_writer(const catalog::DestinationFacts& facts, const destination::PlaceOptions& options) {
  const bool is_single = facts.options.contains("single-writer");
  if (is_single == options.contains("single-writer")) return;
  throw Error(ErrorKind::kInvalidInput,
              is_single ? "destination '" + facts.name +
                              "' was added as a store that only one machine can write to, and stays one: say "
                              "single-writer = true, or remove it and add it again"
                        : "destination '" + facts.name +
                              "' is a store that needs no single writer: leave out single-writer");
}

}  // namespace

void check_alone(const v1::EditDestinationRequest& request) {
  const bool changes_settings = request.has_maintenance() || request.has_secret_reference() ||
                                request.has_settings() || !request.options().empty();
  const int others = (request.has_index_from() ? 1 : 0) + (request.has_accept_log() ? 1 : 0);
  if (others == 0 || (others == 1 && !changes_settings)) return;
  throw Error(ErrorKind::kInvalidInput,
              std::string(request.has_accept_log() ? "--accept-log" : "--index-from") +
                  " is given by itself: change the rest with another `garner destination edit`");
}

void check_maintenance(const v1::MaintenanceChange& change, const Clock& clock) {
  edited({}, change, schedule::to_instant(clock.now()));
}

void check_reference(const v1::SecretReference& reference) {
  static constexpr std::array kFiles{"password-file", "key-file", "recovery-key-file"};
  const std::string& name = reference.name();
  if (reference.option().empty()) return;
  if (name.empty() || name.size() > kLongestReference)
    throw Error(ErrorKind::kInvalidInput, "the name of a secret has 1 to 4,096 bytes");
  if (reference.option() == "credential") {
    if (name.find('/') == std::string::npos && name != "." && name != "..") return;
    throw Error(ErrorKind::kInvalidInput, "the name of a credential is one name, without '/'");
  }
  for (const char* option : kFiles) {
    if (reference.option() != option) continue;
    if (name.starts_with('/')) return;
    throw Error(ErrorKind::kInvalidInput, "the path of a " + reference.option() + " is to begin with '/'");
  }
  throw Error(ErrorKind::kInvalidInput, "there is no kind of secret '" + printable(reference.option()) + "'");
}

void edit_destination(Destinations& destinations, const v1::EditDestinationRequest& request) {
  catalog::Catalog& catalog = destinations.context().catalog;
  const catalog::DestinationFacts facts = destinations.facts(request.name());
  const std::string& name = facts.name;
  const catalog::MaintenanceSettings old = catalog.maintenance().settings(name);
  const catalog::MaintenanceSettings changed =
      edited(old, request.maintenance(), schedule::to_instant(destinations.context().clock.now()));
  if (request.has_secret_reference()) check_reference(request.secret_reference());
  const catalog::DestinationSettings used = catalog.destination_settings().find(name);
  const catalog::DestinationSettings settings = edited(used, request.settings());
  const destination::PlaceOptions options =
      destination::changed(facts.url, facts.options, to_options(request.options()));
  check_single_writer(facts, options);
  if (options != facts.options) destination::open_place(facts.url, options, {});
  catalog.configuration().change([&](catalog::Database& database) {
    if (changed != old) catalog.maintenance().save(name, changed);
    if (settings != used) catalog.destination_settings().save(name, settings);
    if (options != facts.options) catalog.configuration().set_options(database, name, options);
    if (!request.has_secret_reference()) return;
    const v1::SecretReference& reference = request.secret_reference();
    catalog.secrets().save(name, {reference.option(), reference.name(), reference.share_keyring()});
  });
}

}  // namespace garner::daemon
