// What notifications say: of one event or of many, as a message of the API, as text for people, as a mail.
// Pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/delivery_table.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// Of one event; of several, a summary that names the first hundred. `run_of` finds the run of an event.
using RunOf = std::function<std::optional<v1::Run>(std::int64_t number)>;
v1::NotificationMessage compose(const std::string& notification,
                                const std::vector<catalog::QueuedEvent>& events, const std::string& host,
                                const RunOf& run_of);
// What `notification test` sends.
v1::NotificationMessage compose_test(const std::string& notification, const std::string& host, TimePoint now);

// One line of proto3 JSON with the field names of service.proto, every field present.
std::string to_json(const v1::NotificationMessage& message);

// For a mail: "[garner@host] Backup of home failed", and the facts of the run below the text.
std::string subject_of(const v1::NotificationMessage& message);
std::string body_of(const v1::NotificationMessage& message);

// What is pinged after these events: "/start", "/fail", or nothing for a success. Of several events the last
// one of each set counts, and one failure makes it a failure.
std::string ping_suffix(const v1::NotificationMessage& message);
// `url` with the suffix at the end of its path.
std::string ping_url(const std::string& url, const std::string& suffix);

}  // namespace garner::daemon
