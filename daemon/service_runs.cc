#include <algorithm>

#include "base/error.h"
#include "copy_request.h"
#include "destination_runs.h"
#include "restore_request.h"
#include "run_message.h"
#include "service.h"

namespace garner::daemon {

namespace {

// Those asked for, or every one.
std::vector<std::string> destinations_for(Destinations& destinations, const std::string& asked) {
  if (!asked.empty()) return {destinations.facts(asked).name};
  std::vector<std::string> names;
  for (const auto& facts : destinations.context().catalog.configuration().destinations())
    names.push_back(facts.name);
  if (names.empty()) throw Error(ErrorKind::kNotFound, "there is no destination yet");
  return names;
}

// By its last check.
bool is_known_damaged(catalog::Catalog& catalog, const std::string& destination) {
  const auto number = catalog.maintenance().last_run(destination, catalog::MaintenanceKind::kCheck);
  const auto row = number ? catalog.runs().find(*number) : std::nullopt;
  return row && to_message(*row).damage_found();
}

// Those asked for, or all of the set's; in the set's order.
std::vector<std::string> asked_destinations(const catalog::BackupSet& set,
                                            const v1::StartBackupRequest& request) {
  const auto& asked = request.destinations();
  for (const std::string& name : asked) {
    if (std::ranges::find(set.destinations, name) != set.destinations.end()) continue;
    throw Error(ErrorKind::kInvalidInput, "destination '" + printable(name) + "' is none of set '" +
                                              set.definition.name() + "': see `garner set show " +
                                              set.definition.name() + "`");
  }
  if (asked.empty()) return set.destinations;
  std::vector<std::string> names = set.destinations;
  std::erase_if(names,
                [&](const std::string& name) { return std::ranges::find(asked, name) == asked.end(); });
  return names;
}

void hide(const Caller& caller, v1::Run& run) {
  if (caller.authority != Authority::kFull) redact(run);
}

}  // namespace

void GarnerService::check_controls(const Caller& caller, std::int64_t run) {
  if (caller.authority == Authority::kFull || parts_.runs.get(run).kind() == v1::RUN_KIND_BACKUP) return;
  throw Error(ErrorKind::kPermissionDenied, "members of the group garner may pause and resume backups only");
}

grpc::ServerUnaryReactor* GarnerService::StartBackup(Context* context, const v1::StartBackupRequest* request,
                                                     v1::Run* response) {
  return parts_.gate.unary(context, "StartBackup", [=, this](const Caller& caller) {
    if (!request->destinations().empty() && caller.authority != Authority::kFull) {
      throw Error(ErrorKind::kPermissionDenied,
                  "members of the group garner may start backups to all destinations of a set only");
    }
    const catalog::BackupSet set = parts_.sets.get(request->set());
    StoredRequest stored = backup_request(set, catalog().commands());
    stored.full_scan = request->full_scan();
    stored.destinations = asked_destinations(set, *request);
    *response = parts_.runs.add(catalog::RunKind::kBackup, set.definition.name(), std::move(stored));
    hide(caller, *response);
  });
}

grpc::ServerUnaryReactor* GarnerService::StartRestore(Context* context,
                                                      const v1::StartRestoreRequest* request,
                                                      v1::Run* response) {
  return parts_.gate.unary(context, "StartRestore", [=, this](const Caller& caller) {
    const PreparedRestore prepared = prepare_restore(parts_.destinations, *request, caller.zone);
    *response = parts_.runs.add(catalog::RunKind::kRestore, "", prepared.stored, [&](v1::Run& report) {
      report.set_snapshot_id(prepared.stored.restore.snapshot());
      report.set_target(printable(prepared.stored.restore.target()));
    });
  });
}

grpc::ServerUnaryReactor* GarnerService::StartCheck(Context* context, const v1::StartCheckRequest* request,
                                                    v1::Run* response) {
  return parts_.gate.unary(context, "StartCheck", [=, this](const Caller&) {
    const double percent = request->read_data_percent();
    if (!(percent >= 0 && percent <= 100)) {
      throw Error(ErrorKind::kInvalidInput, "the share of data to read must be from 0 to 100 percent");
    }
    StoredRequest stored;
    stored.destinations = destinations_for(parts_.destinations, request->destination());
    stored.read_data_percent = percent;
    *response = parts_.runs.add(catalog::RunKind::kCheck, "", std::move(stored));
  });
}

grpc::ServerUnaryReactor* GarnerService::StartRepair(Context* context, const v1::StartRepairRequest* request,
                                                     v1::Run* response) {
  return parts_.gate.unary(context, "StartRepair", [=, this](const Caller&) {
    StoredRequest stored;
    stored.dry_run = request->dry_run();
    stored.destinations = destinations_for(parts_.destinations, request->destination());
    if (request->destination().empty()) {
      std::erase_if(stored.destinations, [&](const std::string& name) {
        return parts_.destinations.look(name).message.state() != v1::DESTINATION_STATE_NEEDS_REPAIR &&
               !is_known_damaged(catalog(), name);
      });
    }
    *response = parts_.runs.add(catalog::RunKind::kRepair, "", std::move(stored));
  });
}

grpc::ServerUnaryReactor* GarnerService::StartCopy(Context* context, const v1::StartCopyRequest* request,
                                                   v1::Run* response) {
  return parts_.gate.unary(context, "StartCopy", [=, this](const Caller& caller) {
    const StoredRequest stored = copy_request(parts_.destinations, *request, caller.zone);
    *response = parts_.runs.add(catalog::RunKind::kCopy, "", stored, [&](v1::Run& report) {
      report.set_snapshot_id(stored.copy.snapshot());
      part_of(report, stored.copy.destination()).set_state(v1::DESTINATION_RUN_STATE_WAITING);
    });
  });
}

grpc::ServerUnaryReactor* GarnerService::ListRuns(Context* context, const v1::ListRunsRequest* request,
                                                  v1::ListRunsResponse* response) {
  return parts_.gate.unary(context, "ListRuns", [=, this](const Caller& caller) {
    *response = parts_.runs.list(*request);
    for (v1::Run& run : *response->mutable_runs()) hide(caller, run);
    // A set that was removed still has runs.
    if (response->runs().empty() && request->before().empty() && !request->set().empty())
      parts_.sets.get(request->set());
  });
}

grpc::ServerUnaryReactor* GarnerService::GetRun(Context* context, const v1::GetRunRequest* request,
                                                v1::Run* response) {
  return parts_.gate.unary(context, "GetRun", [=, this](const Caller& caller) {
    const std::int64_t number = parse_run_number(request->run_id());
    *response = parts_.runs.get(number);
    add_log(*response, catalog().run_log().read(number));
    hide(caller, *response);
  });
}

grpc::ServerWriteReactor<v1::Run>* GarnerService::WatchRun(Context* context,
                                                           const v1::GetRunRequest* request) {
  Caller caller;
  grpc::Status refused = parts_.gate.admit(context, "WatchRun", caller);
  if (!refused.ok()) return new RefusedStream<v1::Run>(std::move(refused));
  std::int64_t number = 0;
  try {
    number = parse_run_number(request->run_id());
  } catch (...) {
    return new RefusedStream<v1::Run>(status_of(std::current_exception()));
  }
  const auto stream = LatestStream<v1::Run>::start();
  parts_.hub.add_run(number, stream, caller.authority != Authority::kFull);
  return stream.get();
}

grpc::ServerUnaryReactor* GarnerService::PauseRun(Context* context, const v1::GetRunRequest* request,
                                                  v1::Run* response) {
  return parts_.gate.unary(context, "PauseRun", [=, this](const Caller& caller) {
    const std::int64_t number = parse_run_number(request->run_id());
    check_controls(caller, number);
    *response = parts_.runs.pause(number);
    hide(caller, *response);
  });
}

grpc::ServerUnaryReactor* GarnerService::ResumeRun(Context* context, const v1::GetRunRequest* request,
                                                   v1::Run* response) {
  return parts_.gate.unary(context, "ResumeRun", [=, this](const Caller& caller) {
    const std::int64_t number = parse_run_number(request->run_id());
    check_controls(caller, number);
    *response = parts_.runs.resume(number);
    hide(caller, *response);
  });
}

grpc::ServerUnaryReactor* GarnerService::CancelRun(Context* context, const v1::GetRunRequest* request,
                                                   v1::Run* response) {
  return parts_.gate.unary(context, "CancelRun", [=, this](const Caller&) {
    *response = parts_.runs.cancel(parse_run_number(request->run_id()));
  });
}

}  // namespace garner::daemon
