#include "config_export.h"

#include "config_current.h"
#include "config_file.h"
#include "config_keys.h"
#include "config_wanted.h"

namespace garner::daemon {

namespace {

constexpr const char* kHeader =
    "# The configuration of garner, for `garner config apply`. garner-config(5) has the keys.\n";
constexpr const char* kNoReference =
    "# To open its repository elsewhere, name its secret here: password-file, key-file, recovery-key-file "
    "or\n"
    "# credential.\n";

}  // namespace

std::string export_config(const ConfigParts& parts) {
  catalog::Catalog& catalog = parts.catalog();
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
  for (const catalog::Notification& one : catalog.notifications().all())
    text += '\n' + to_toml(kNotification, one.name, values_of(notification_keys(), request_for(one)), "");
  return text;
}

}  // namespace garner::daemon
