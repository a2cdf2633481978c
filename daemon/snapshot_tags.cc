#include "snapshot_tags.h"

#include <map>
#include <set>

#include "base/error.h"
#include "maintenance/tagging.h"
#include "snapshots.h"

namespace garner::daemon {

namespace {

maintenance::TagEdit make_edit(const v1::TagSnapshotsRequest& request) {
  const bool edits = !request.add().empty() || !request.remove().empty();
  if (int{edits} + int{!request.replace().empty()} + int{request.clear()} != 1) {
    throw Error(ErrorKind::kInvalidInput,
                "either tags are added and removed, or all are replaced, or none is left: say one of these");
  }
  maintenance::TagEdit edit;
  edit.add = {request.add().begin(), request.add().end()};
  edit.remove = {request.remove().begin(), request.remove().end()};
  for (const std::string& tag : edit.add) {
    if (edit.remove.contains(tag))
      throw Error(ErrorKind::kInvalidInput, "tag '" + printable(tag) + "' is to be added and removed");
  }
  if (!edits) edit.replace.emplace(request.replace().begin(), request.replace().end());
  return edit;
}

std::vector<std::shared_ptr<store::Repository>> open_all(Destinations& destinations) {
  std::vector<std::shared_ptr<store::Repository>> all;
  for (const auto& facts : destinations.context().catalog.configuration().destinations())
    all.push_back(destinations.open(facts.name));
  return all;
}

}  // namespace

v1::TagSnapshotsResponse tag_snapshots(Destinations& destinations, const v1::TagSnapshotsRequest& request,
                                       const std::string& zone) {
  const maintenance::TagEdit edit = make_edit(request);
  if (request.names().empty()) throw Error(ErrorKind::kInvalidInput, "no snapshot is named");
  std::vector<crypto::BlobId> ids;
  std::set<std::string> seen;
  for (const std::string& selector : request.names()) {
    for (const std::string& id : choose_snapshots(destinations, selector, {}, zone)) {
      if (seen.insert(id).second) ids.push_back(crypto::BlobId::from_bytes(from_hex(id)));
    }
  }

  struct TagOutcome {
    store::Tags tags;  // at any destination, as lists show them
    bool changed = false;
  };
  std::map<crypto::BlobId, TagOutcome> outcomes;
  for (const auto& repository : open_all(destinations)) {
    for (const maintenance::TaggedSnapshot& one : maintenance::edit_tags(*repository, ids, edit)) {
      TagOutcome& outcome = outcomes[one.id];
      outcome.tags.insert(one.tags.begin(), one.tags.end());
      outcome.changed |= one.changed;
    }
  }
  v1::TagSnapshotsResponse response;
  for (const crypto::BlobId& id : ids) {
    const auto found = outcomes.find(id);
    if (found == outcomes.end()) {
      throw Error(ErrorKind::kNotFound, "there is no snapshot " + id.hex().substr(0, 12) + " any more");
    }
    v1::TagSnapshotsResponse::Snapshot& one = *response.add_snapshots();
    one.set_id(id.hex());
    one.mutable_tags()->Add(found->second.tags.begin(), found->second.tags.end());
    one.set_changed(found->second.changed);
  }
  return response;
}

}  // namespace garner::daemon
