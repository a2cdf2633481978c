#include "copy_request.h"

#include "base/error.h"
#include "snapshots.h"

namespace garner::daemon {

StoredRequest copy_request(Destinations& destinations, const v1::StartCopyRequest& request) {
  const catalog::DestinationFacts target = destinations.facts(request.destination());
  const ChosenSnapshot chosen = choose_snapshot(destinations, request.snapshot());
  const crypto::Keyring& keyring = chosen.repository->keyring();
  const bool same =
      keyring.encrypted() == target.encrypted && (!target.encrypted || keyring.id() == target.keyring);
  if (!same) {
    throw Error(ErrorKind::kInvalidInput,
                "destination '" + target.name + "' has keys of its own, and snapshot " +
                    chosen.id.substr(0, 8) +
                    " is stored with others: a copy goes between destinations of the same keys. To make a "
                    "destination that shares them, leave out its key options, or give --share-keyring, when "
                    "it is added");
  }
  StoredRequest stored;
  stored.destinations = {target.name};
  stored.copy.set_snapshot(chosen.id);
  stored.copy.set_destination(target.name);
  stored.set.set_name(chosen.snapshot.set().name());
  stored.set.set_uuid(chosen.snapshot.set().uuid());
  return stored;
}

StoredRequest catch_up_request(const catalog::BackupSet& set, const std::string& destination) {
  StoredRequest stored;
  stored.set = set.definition;
  stored.destinations = {destination};
  stored.copy.set_destination(destination);
  stored.by_itself = true;
  return stored;
}

}  // namespace garner::daemon
