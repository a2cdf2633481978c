// One message on its way to one notification's target.
#pragma once

#include <stop_token>
#include <string>

#include "catalog/notification_table.h"
#include "garner/v1/service.pb.h"
#include "web_transfer.h"

namespace garner::daemon {

struct DeliveryLimits {
  TransferLimits web;
  TransferLimits mail{std::chrono::milliseconds(15'000), std::chrono::milliseconds(60'000)};
  std::chrono::milliseconds command{60'000};
};

// Takes as long as the limits allow at most. Never throws for what is wrong with the target.
Outcome deliver(const catalog::Notification& notification, const v1::NotificationMessage& message,
                const DeliveryLimits& limits, const std::stop_token& stop);

}  // namespace garner::daemon
