#include "destination_edit.h"

#include <array>

#include "base/error.h"
#include "destination_settings.h"
#include "maintenance_message.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kLongestReference = 4096;

}  // namespace

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
  const std::string name = destinations.facts(request.name()).name;
  const catalog::MaintenanceSettings old = catalog.maintenance().settings(name);
  const catalog::MaintenanceSettings changed =
      edited(old, request.maintenance(), schedule::to_instant(destinations.context().clock.now()));
  if (request.has_secret_reference()) check_reference(request.secret_reference());
  const catalog::DestinationSettings used = catalog.destination_settings().find(name);
  const catalog::DestinationSettings settings = edited(used, request.settings());
  catalog.configuration().change([&](catalog::Database&) {
    if (changed != old) catalog.maintenance().save(name, changed);
    if (settings != used) catalog.destination_settings().save(name, settings);
    if (!request.has_secret_reference()) return;
    const v1::SecretReference& reference = request.secret_reference();
    catalog.secrets().save(name, {reference.option(), reference.name(), reference.share_keyring()});
  });
}

}  // namespace garner::daemon
