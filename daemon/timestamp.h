// Times as messages of the API have them.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "base/clock.h"

namespace garner::daemon {

// Another year than a message can tell would make all of an answer unprintable as JSON.
inline google::protobuf::Timestamp to_timestamp(TimePoint time) {
  const TimePoint told = within_calendar(time);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(told.seconds);
  timestamp.set_nanos(static_cast<std::int32_t>(told.nanos));
  return timestamp;
}

}  // namespace garner::daemon
