// What is configured, as the requests that would make it so.
#pragma once

#include "catalog/catalog.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// `message`: as Sets::describe() gives it.
v1::AddSetRequest request_for(const v1::BackupSet& message);
v1::AddDestinationRequest request_for(catalog::Catalog& catalog, const catalog::DestinationFacts& facts);
// With its secrets, and kKept for the files that it is not known from.
v1::AddNotificationRequest request_for(const catalog::Notification& notification);

// What makes the set, or destination, `now` into `wanted`. Only what differs is in it: schedules count on,
// and conditions keep their users, where they stay.
v1::EditSetRequest edit_between(const v1::AddSetRequest& now, const v1::AddSetRequest& wanted);
v1::EditDestinationRequest edit_between(const v1::AddDestinationRequest& now,
                                        const v1::AddDestinationRequest& wanted);

}  // namespace garner::daemon
