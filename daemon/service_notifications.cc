#include "base/error.h"
#include "command_edit.h"
#include "notification_request.h"
#include "service.h"

namespace garner::daemon {

namespace {

catalog::Notification find_notification(catalog::Catalog& catalog, const std::string& name) {
  if (auto found = catalog.notifications().find(name)) return *std::move(found);
  std::string known;
  for (const auto& one : catalog.notifications().all()) known += (known.empty() ? "" : ", ") + one.name;
  throw Error(ErrorKind::kNotFound,
              "there is no notification '" + printable(name) + "'" +
                  (known.empty() ? "; `garner notification add` adds one" : "; there are: " + known));
}

}  // namespace

grpc::ServerUnaryReactor* GarnerService::AddNotification(Context* context,
                                                         const v1::AddNotificationRequest* request,
                                                         v1::Notification* response) {
  return parts_.gate.unary(context, "AddNotification", [=, this](const Caller& caller) {
    const catalog::Notification notification = to_notification(
        *request, owner_of_commands(caller.peer.uid),
        [&](const std::string& set) { return catalog().configuration().set(set).has_value(); });
    catalog().notifications().add(notification);
    *response = to_message(notification, {});
  });
}

grpc::ServerUnaryReactor* GarnerService::ListNotifications(Context* context,
                                                           const v1::ListNotificationsRequest*,
                                                           v1::ListNotificationsResponse* response) {
  return parts_.gate.unary(context, "ListNotifications", [=, this](const Caller&) {
    for (const catalog::Notification& one : catalog().notifications().all())
      *response->add_notifications() = to_message(one, catalog().deliveries().state(one.name));
  });
}

grpc::ServerUnaryReactor* GarnerService::GetNotification(Context* context,
                                                         const v1::GetNotificationRequest* request,
                                                         v1::Notification* response) {
  return parts_.gate.unary(context, "GetNotification", [=, this](const Caller&) {
    const catalog::Notification one = find_notification(catalog(), request->name());
    *response = to_message(one, catalog().deliveries().state(one.name));
  });
}

grpc::ServerUnaryReactor* GarnerService::TestNotification(Context* context,
                                                          const v1::GetNotificationRequest* request,
                                                          v1::TestNotificationResponse* response) {
  return parts_.gate.unary(context, "TestNotification", [=, this](const Caller&) {
    const std::string name = find_notification(catalog(), request->name()).name;
    const auto begun = std::chrono::steady_clock::now();
    const Outcome outcome = parts_.notifier.test(name);
    const auto took = std::chrono::steady_clock::now() - begun;
    response->set_delivered(outcome.delivered());
    response->set_error(outcome.error);
    response->set_milliseconds(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  });
}

grpc::ServerUnaryReactor* GarnerService::RemoveNotification(Context* context,
                                                            const v1::GetNotificationRequest* request,
                                                            v1::RemoveNotificationResponse*) {
  return parts_.gate.unary(context, "RemoveNotification", [=, this](const Caller&) {
    catalog().notifications().remove(find_notification(catalog(), request->name()).name);
  });
}

}  // namespace garner::daemon
