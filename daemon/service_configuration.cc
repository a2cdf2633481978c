#include "base/error.h"
#include "destination_add.h"
#include "destination_edit.h"
#include "service.h"

namespace garner::daemon {

v1::BackupSet GarnerService::with_last_run(v1::BackupSet set) {
  parts_.scheduler.describe(set);
  if (const auto last = catalog().runs().last_of_set(set.name())) {
    *set.mutable_last_run() = parts_.runs.get(last->number);
    set.mutable_last_run()->clear_errors();
  }
  return set;
}

grpc::ServerUnaryReactor* GarnerService::AddDestination(Context* context,
                                                        const v1::AddDestinationRequest* request,
                                                        v1::AddDestinationResponse* response) {
  return parts_.gate.unary(context, "AddDestination", [=, this](const Caller&) {
    *response = add_destination(parts_.destinations, *request);
    parts_.maintenance.describe(*response->mutable_destination());
    parts_.schedule_timer.poke();
  });
}

v1::Destination GarnerService::looked_at(const catalog::DestinationFacts& facts) {
  v1::Destination message = parts_.destinations.describe(facts, parts_.destinations.look(facts.name));
  parts_.maintenance.describe(message);
  return message;
}

grpc::ServerUnaryReactor* GarnerService::ListDestinations(Context* context,
                                                          const v1::ListDestinationsRequest*,
                                                          v1::ListDestinationsResponse* response) {
  return parts_.gate.unary(context, "ListDestinations", [=, this](const Caller&) {
    for (const auto& facts : catalog().configuration().destinations()) {
      *response->add_destinations() = looked_at(facts);
    }
  });
}

grpc::ServerUnaryReactor* GarnerService::GetDestination(Context* context,
                                                        const v1::GetDestinationRequest* request,
                                                        v1::Destination* response) {
  return parts_.gate.unary(context, "GetDestination", [=, this](const Caller&) {
    *response = looked_at(parts_.destinations.facts(request->name()));
  });
}

grpc::ServerUnaryReactor* GarnerService::EditDestination(Context* context,
                                                         const v1::EditDestinationRequest* request,
                                                         v1::Destination* response) {
  return parts_.gate.unary(context, "EditDestination", [=, this](const Caller&) {
    const std::string name = parts_.destinations.facts(request->name()).name;
    check_alone(*request);
    if (request->has_index_from()) parts_.destinations.index_source(name, request->index_from());
    if (request->has_accept_log() && parts_.runs.uses_destination(name)) {
      throw Error(ErrorKind::kConflict, "a run that is not over uses destination '" + name + "'");
    }
    edit_destination(parts_.destinations, *request);
    parts_.destinations.reload(name);
    if (request->has_accept_log()) parts_.destinations.accept_log(name, request->accept_log());
    if (request->has_index_from()) parts_.destinations.read_index_from(name, request->index_from());
    *response = looked_at(parts_.destinations.facts(request->name()));
    parts_.schedule_timer.poke();
  });
}

grpc::ServerUnaryReactor* GarnerService::ClaimDestination(Context* context,
                                                          const v1::ClaimDestinationRequest* request,
                                                          v1::Destination* response) {
  return parts_.gate.unary(context, "ClaimDestination", [=, this](const Caller&) {
    parts_.destinations.claim(request->name());
    *response = looked_at(parts_.destinations.facts(request->name()));
  });
}

grpc::ServerWriteReactor<v1::DestinationTest>* GarnerService::TestDestination(
    Context* context, const v1::TestDestinationRequest* request) {
  Caller caller;
  grpc::Status refused = parts_.gate.admit(context, "TestDestination", caller);
  if (!refused.ok()) return new RefusedStream<v1::DestinationTest>(std::move(refused));
  const std::stop_source stop;
  const auto stream = LatestStream<v1::DestinationTest>::start([stop]() mutable { stop.request_stop(); });
  parts_.gate.post(true, [this, stream, token = stop.get_token(), name = request->name()] {
    try {
      tests_.run(
          name, [&](const v1::DestinationTest& test) { stream->offer(test); }, token);
      stream->end();
    } catch (...) {
      stream->end(status_of(std::current_exception()));
    }
  });
  return stream.get();
}

grpc::ServerUnaryReactor* GarnerService::RemoveDestination(Context* context,
                                                           const v1::RemoveDestinationRequest* request,
                                                           v1::RemoveDestinationResponse*) {
  return parts_.gate.unary(context, "RemoveDestination", [=, this](const Caller&) {
    const auto facts = parts_.destinations.facts(request->name());
    if (parts_.runs.uses_destination(facts.name)) {
      throw Error(ErrorKind::kConflict, "a run that is not over uses destination '" + facts.name + "'");
    }
    catalog().configuration().remove_destination(facts.name);
    // Whoever adds it again takes it as it is then.
    parts_.destinations.context().keys.remove_pin(facts.repository);
    parts_.destinations.close(facts.name);
  });
}

grpc::ServerUnaryReactor* GarnerService::AddSet(Context* context, const v1::AddSetRequest* request,
                                                v1::BackupSet* response) {
  return parts_.gate.unary(context, "AddSet", [=, this](const Caller& caller) {
    ScheduleContext schedule;
    schedule.user = owner_of_commands(caller.peer.uid);
    *response = with_last_run(parts_.sets.add(*request, schedule));
    parts_.schedule_timer.poke();
  });
}

grpc::ServerUnaryReactor* GarnerService::EditSet(Context* context, const v1::EditSetRequest* request,
                                                 v1::BackupSet* response) {
  return parts_.gate.unary(context, "EditSet", [=, this](const Caller& caller) {
    ScheduleContext schedule;
    schedule.user = owner_of_commands(caller.peer.uid);
    *response = with_last_run(parts_.sets.edit(*request, schedule));
    parts_.schedule_timer.poke();
  });
}

grpc::ServerUnaryReactor* GarnerService::ListSets(Context* context, const v1::ListSetsRequest*,
                                                  v1::ListSetsResponse* response) {
  return parts_.gate.unary(context, "ListSets", [=, this](const Caller&) {
    for (const catalog::BackupSet& set : catalog().configuration().sets()) {
      *response->add_sets() = with_last_run(parts_.sets.describe(set));
    }
  });
}

grpc::ServerUnaryReactor* GarnerService::GetSet(Context* context, const v1::GetSetRequest* request,
                                                v1::BackupSet* response) {
  return parts_.gate.unary(context, "GetSet", [=, this](const Caller&) {
    *response = with_last_run(parts_.sets.describe(parts_.sets.get(request->name())));
  });
}

grpc::ServerUnaryReactor* GarnerService::RemoveSet(Context* context, const v1::RemoveSetRequest* request,
                                                   v1::RemoveSetResponse*) {
  return parts_.gate.unary(context, "RemoveSet", [=, this](const Caller&) {
    const catalog::BackupSet set = parts_.sets.get(request->name());
    if (parts_.runs.uses_set(set.definition.name())) {
      throw Error(ErrorKind::kConflict,
                  "set '" + set.definition.name() + "' has an unfinished backup or copy: cancel it first");
    }
    parts_.sets.remove(set.definition.name());
  });
}

}  // namespace garner::daemon
