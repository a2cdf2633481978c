// Notifications as calls carry them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "catalog/catalog.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// What is to be kept of a request. A command of it is `user`'s; `is_set` knows the sets. Error(kInvalidInput)
// for what cannot work, saying what would; Error(kNotFound) for a set that is not there.
catalog::Notification to_notification(const v1::AddNotificationRequest& request, uid_t user,
                                      const std::function<bool(const std::string&)>& is_set);

// What a notification of the kind is told of where nothing is said.
catalog::NotificationEvents usual_events(catalog::NotificationKind kind);
// Whether the http or https URL says more than a server. Error(kInvalidInput) for what is none.
bool holds_secret(const std::string& url);

// Without secrets.
v1::Notification to_message(const catalog::Notification& notification, const catalog::DeliveryState& state);

}  // namespace garner::daemon
