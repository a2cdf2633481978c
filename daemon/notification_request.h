// Notifications as calls carry them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "catalog/catalog.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// What is to be kept of a request. `user` asks, of the daemon of `daemon`; `is_set` knows the sets.
// Error(kInvalidInput) for what cannot work, saying what would; Error(kPermissionDenied) for a command of
// somebody whom this daemon cannot become; Error(kNotFound) for a set that is not there.
catalog::Notification to_notification(const v1::AddNotificationRequest& request, uid_t user, uid_t daemon,
                                      const std::function<bool(const std::string&)>& is_set);

// Without secrets.
v1::Notification to_message(const catalog::Notification& notification, const catalog::DeliveryState& state);

}  // namespace garner::daemon
