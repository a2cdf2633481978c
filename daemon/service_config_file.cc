#include "config_apply.h"
#include "config_export.h"
#include "service.h"

namespace garner::daemon {

grpc::ServerUnaryReactor* GarnerService::ExportConfiguration(Context* context,
                                                             const v1::ExportConfigurationRequest*,
                                                             v1::ExportConfigurationResponse* response) {
  return parts_.gate.unary(context, "ExportConfiguration", [=, this](const Caller&) {
    response->set_toml(export_config({parts_.destinations, parts_.sets, parts_.runs}));
  });
}

grpc::ServerUnaryReactor* GarnerService::ApplyConfiguration(Context* context,
                                                            const v1::ApplyConfigurationRequest* request,
                                                            v1::ApplyConfigurationResponse* response) {
  return parts_.gate.unary(context, "ApplyConfiguration", [=, this](const Caller& caller) {
    ScheduleContext schedule;
    schedule.user = caller.peer.uid;
    {
      const std::lock_guard lock(applying_);
      *response = apply_config({parts_.destinations, parts_.sets, parts_.runs}, *request, schedule);
    }
    if (response->applied() || response->made_size() > 0) parts_.schedule_timer.poke();
  });
}

}  // namespace garner::daemon
