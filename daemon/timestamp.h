// Times as messages of the API have them.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "base/clock.h"

namespace garner::daemon {

inline google::protobuf::Timestamp to_timestamp(TimePoint time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(time.seconds);
  timestamp.set_nanos(static_cast<std::int32_t>(time.nanos));
  return timestamp;
}

}  // namespace garner::daemon
