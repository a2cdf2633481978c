#include "base/error.h"
#include "run_message.h"
#include "service.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

void add_failing(catalog::RunTable& runs, const catalog::RunRow& run, v1::ListErrorsResponse& response) {
  for (const catalog::FailingPath& failing : runs.failing_paths(run)) {
    v1::FailingPath& added = *response.add_errors();
    added.set_path(printable(failing.path));
    added.set_path_bytes(failing.path);
    added.set_set(run.set);
    added.set_run_id(std::to_string(run.number));
    added.set_message(failing.message);
    *added.mutable_since() = to_timestamp(failing.since);
    added.set_runs(failing.runs);
    added.set_stale(failing.kept);
    added.set_unreadable(failing.unreadable);
  }
  response.set_not_listed(response.not_listed() + runs.errors_not_kept(run));
}

}  // namespace

grpc::ServerUnaryReactor* GarnerService::ListErrors(Context* context, const v1::ListErrorsRequest* request,
                                                    v1::ListErrorsResponse* response) {
  return parts_.gate.unary(context, "ListErrors", [=, this](const Caller&) {
    catalog::RunTable& runs = catalog().runs();
    if (!request->run_id().empty()) {
      const auto run = runs.find(parse_run_number(request->run_id()));
      if (!run) throw Error(ErrorKind::kNotFound, "there is no run " + request->run_id());
      if (!request->set().empty() && run->set != request->set()) {
        throw Error(ErrorKind::kInvalidInput,
                    "run " + request->run_id() + " is none of set " + request->set());
      }
      add_failing(runs, *run, *response);
      return;
    }
    for (const catalog::BackupSet& set : catalog().configuration().sets()) {
      const std::string& name = set.definition.name();
      if (!request->set().empty() && name != request->set()) continue;
      if (const auto run = runs.last_ended(name)) add_failing(runs, *run, *response);
    }
    // One that was removed still has runs.
    if (response->errors().empty() && !request->set().empty()) {
      const auto run = runs.last_ended(request->set());
      if (!run) parts_.sets.get(request->set());
      if (run) add_failing(runs, *run, *response);
    }
  });
}

}  // namespace garner::daemon
