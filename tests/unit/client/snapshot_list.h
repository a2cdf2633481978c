// Snapshots as the daemon lists them, for tests. Times are UTC's from then on.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>

#include "garner/v1/service.pb.h"

namespace garner::client {

struct SnapshotList {
  static constexpr std::int64_t kTime = 1'795'938'905;  // 2026-11-29T07:55:05Z, a Sunday

  SnapshotList() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  // The newest first. `id`: its first digits. `age`: seconds before kTime.
  v1::SnapshotInfo& add(const std::string& id, std::int64_t age = 0, const std::string& set = "home") {
    v1::SnapshotInfo& info = *list.add_snapshots();
    info.set_id(id + std::string(64 - id.size(), '0'));
    info.set_set(set);
    info.set_host("attic");
    info.mutable_time()->set_seconds(kTime - age);
    return info;
  }

  v1::ListSnapshotsResponse list;
};

}  // namespace garner::client
