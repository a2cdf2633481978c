// What a configuration as a file asks for, beside what there is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config_parts.h"
#include "config_value.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

constexpr const char* kDestination = "destination";
constexpr const char* kSet = "set";
constexpr const char* kNotification = "notification";

// A thing that the file names, as it is to be.
template <typename Request>
struct Wanted {
  ConfigSection section;
  Request request;
  std::optional<Request> now = {};  // what it is; nothing: it is new
  bool readable = true;             // all of it
};

struct WantedConfig {
  std::vector<Wanted<v1::AddDestinationRequest>> destinations;
  std::vector<Wanted<v1::AddSetRequest>> sets;
  std::vector<Wanted<v1::AddNotificationRequest>> notifications;  // with what their files hold
  std::vector<v1::NeededFile> needed_files;  // that notifications refer to, and the request has not

  // Not named by the file, and to be removed.
  std::vector<catalog::DestinationFacts> other_destinations;
  std::vector<std::string> other_sets;
  std::vector<v1::AddNotificationRequest> other_notifications;
};

// As far as it can be read; the rest is in `problems`.
WantedConfig read_wanted(const ConfigParts& parts, const v1::ApplyConfigurationRequest& request,
                         std::vector<Problem>& problems);

}  // namespace garner::daemon
