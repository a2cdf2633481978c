#include <set>

#include "base/error.h"
#include "destination_settings.h"
#include "maintenance/forget.h"
#include "retention_message.h"
#include "service.h"
#include "snapshot_tags.h"
#include "snapshots.h"

namespace garner::daemon {

namespace {

constexpr std::uint64_t kLongestGrace = std::uint64_t{100} * 366 * 24 * 3600;

std::vector<std::string> all_destinations(Destinations& destinations) {
  std::vector<std::string> names;
  for (const auto& facts : destinations.context().catalog.configuration().destinations())
    names.push_back(facts.name);
  if (names.empty()) throw Error(ErrorKind::kNotFound, "there is no destination yet");
  return names;
}

// Whole ids in hex of what is named, once each: by SELECTORs, by tags that it has, or by both.
std::set<std::string> choose_named(Destinations& destinations, const std::string& set,
                                   const v1::StartForgetRequest& request, const std::string& zone) {
  std::set<std::string> ids;
  for (const std::string& selector : request.names()) {
    for (std::string& id : choose_snapshots(destinations, selector, set, zone)) ids.insert(std::move(id));
  }
  if (request.tags().empty()) return ids;
  v1::ListSnapshotsRequest tagged;
  tagged.set_set(set);
  *tagged.mutable_tags() = request.tags();
  std::set<std::string> both;
  for (const std::string& id : SnapshotListing(destinations, tagged, zone).ids()) {
    if (request.names().empty() || ids.contains(id)) both.insert(id);
  }
  if (both.empty()) throw Error(ErrorKind::kNotFound, "no snapshot that is named has these tags");
  return both;
}

}  // namespace

grpc::ServerUnaryReactor* GarnerService::StartForget(Context* context, const v1::StartForgetRequest* request,
                                                     v1::Run* response) {
  return parts_.gate.unary(context, "StartForget", [=, this](const Caller& caller) {
    StoredRequest stored;
    stored.dry_run = request->dry_run();
    stored.forget = *request;
    auto& names = *stored.forget.mutable_names();
    stored.forget_set = take_set(parts_.destinations, names);
    // Chosen once, and by all that is said: what is typed wrong forgets nothing.
    const std::set<std::string> ids =
        choose_named(parts_.destinations, stored.forget_set, stored.forget, caller.zone);
    names.Clear();
    stored.forget.clear_tags();
    for (const std::string& id : ids) *names.Add() = id;
    stored.destinations = all_destinations(parts_.destinations);
    const auto set =
        stored.forget_set.empty() ? std::nullopt : catalog().configuration().set(stored.forget_set);
    if (set) stored.destinations = set->destinations;
    const SetRetention asked =
        make_retention(request->retention(), request->destination_retentions(), stored.destinations);
    const bool has_rule = !asked.empty();
    if (!names.empty() && has_rule) {
      throw Error(ErrorKind::kInvalidInput, "either snapshots are named that go, or it is said what is kept");
    }
    if (names.empty() && !has_rule) {
      if (stored.forget_set.empty()) {
        throw Error(ErrorKind::kInvalidInput,
                    "nothing would be kept: say what is to be kept, or name the snapshots that are to go");
      }
      const SetRetention own = load_retention(catalog().retention(), stored.forget_set);
      *stored.forget.mutable_retention() = own.own;
      add_to(*stored.forget.mutable_destination_retentions(), own);
      if (own.empty()) {
        throw Error(ErrorKind::kInvalidInput,
                    "set '" + stored.forget_set +
                        "' has no retention, so everything would be forgotten: say what is "
                        "to be kept, here or with `garner set edit`");
      }
    }
    *response = parts_.runs.add(catalog::RunKind::kForget, "", stored, [&](v1::Run& report) {
      report.mutable_forget()->set_set(stored.forget_set);
      report.mutable_forget()->set_dry_run(stored.dry_run);
    });
  });
}

grpc::ServerUnaryReactor* GarnerService::StartPrune(Context* context, const v1::StartPruneRequest* request,
                                                    v1::Run* response) {
  return parts_.gate.unary(context, "StartPrune", [=, this](const Caller&) {
    if (request->grace_seconds() > kLongestGrace) {
      throw Error(ErrorKind::kInvalidInput, "the grace period is at most 100 years");
    }
    check_percent(request->max_unused_percent());
    check_rewrite(request->max_rewrite_bytes());
    StoredRequest stored;
    stored.dry_run = request->dry_run();
    stored.prune = *request;
    stored.destinations = request->destination().empty()
                              ? all_destinations(parts_.destinations)
                              : std::vector{parts_.destinations.facts(request->destination()).name};
    *response = parts_.runs.add(catalog::RunKind::kPrune, "", stored, [&](v1::Run& report) {
      report.mutable_prune()->set_dry_run(stored.dry_run);
    });
  });
}

grpc::ServerUnaryReactor* GarnerService::PinSnapshot(Context* context, const v1::PinSnapshotRequest* request,
                                                     v1::PinSnapshotResponse* response) {
  return parts_.gate.unary(context, "PinSnapshot", [=, this](const Caller& caller) {
    const ChosenSnapshot chosen = choose_snapshot(parts_.destinations, request->snapshot(), caller.zone);
    const auto id = crypto::BlobId::from_bytes(from_hex(chosen.id));
    response->set_id(chosen.id);
    // At every destination that has it: what is pinned at one could be forgotten at another.
    for (const std::string& name : all_destinations(parts_.destinations)) {
      const std::shared_ptr<store::Repository> repository = parts_.destinations.open(name);
      if (store::find_snapshot(*repository->state(), id.view()) == nullptr) continue;
      if (maintenance::set_pinned(*repository, id, !request->unpin())) response->set_changed(true);
    }
  });
}

grpc::ServerUnaryReactor* GarnerService::TagSnapshots(Context* context,
                                                      const v1::TagSnapshotsRequest* request,
                                                      v1::TagSnapshotsResponse* response) {
  return parts_.gate.unary(context, "TagSnapshots", [=, this](const Caller& caller) {
    *response = tag_snapshots(parts_.destinations, *request, caller.zone);
  });
}

}  // namespace garner::daemon
