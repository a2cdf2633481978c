#include "copy_request.h"

#include "snapshots.h"

namespace garner::daemon {

StoredRequest copy_request(Destinations& destinations, const v1::StartCopyRequest& request,
                           const std::string& zone) {
  const catalog::DestinationFacts target = destinations.facts(request.destination());
  const ChosenSnapshot chosen = choose_snapshot(destinations, request.snapshot(), zone);
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
