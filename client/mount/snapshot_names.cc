#include "mount/snapshot_names.h"

#include <array>
#include <ctime>

#include "source_path.h"

namespace garner::client::mount {

std::string local_second(const google::protobuf::Timestamp& time) {
  const std::time_t seconds = time.seconds();
  std::tm local{};
  std::array<char, 64> text{};
  localtime_r(&seconds, &local);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &local)};
}

SnapshotNames::SnapshotNames(const v1::ListSnapshotsResponse& list, const std::set<std::string>& only) {
  for (int i = list.snapshots_size() - 1; i >= 0; --i) {
    const v1::SnapshotInfo& info = list.snapshots(i);
    if (!only.empty() && !only.contains(info.id())) continue;
    std::size_t digits = kIdDigits;
    while (digits < info.id().size() && snapshots.contains(info.id().substr(0, digits))) ++digits;
    const std::string name = info.id().substr(0, digits);
    snapshots[name] = info.id();

    std::map<std::string, Link>& set = sets[info.set()];
    const Link link{"../../snapshots/" + name, info.time()};
    const std::string time = local_second(info.time());
    set[set.contains(time) ? time + "-" + name : time] = link;
    if (!info.recovered()) set["latest"] = link;

    Scope& scope = scopes[info.set()];
    for (const std::string& source : info.sources()) scope.sources.insert(from_printable(source));
    if (!only.empty()) {
      scope.names.push_back(info.id());
    } else if (scope.names.empty()) {
      scope.names.push_back(info.set());
    }
  }
}

}  // namespace garner::client::mount
