#include "source/change.h"

#include "snapshot/node.h"

namespace garner::source {
namespace {

// How much older than the scan's start a time must be. The kernel stamps files with the clock of its last
// tick, which is up to 10 ms old: a write just after the scan began may bear a time just before it. A time
// without a fraction of a second comes, as far as anybody can tell, from a file system that keeps whole or
// even seconds.
constexpr std::int64_t kTickSlack = 20'000'000;
constexpr std::int64_t kSecondsSlack = 2'000'000'000;
// A server's clock may be behind: what it stamps while the scan looks bears a time before the scan's start.
constexpr std::int64_t kServerSlack = 60'000'000'000;

bool is_safely_older(TimePoint time, TimePoint scan_start, bool foreign_clock) {
  if (foreign_clock) return time < shifted(scan_start, -kServerSlack);
  return time < shifted(scan_start, time.nanos != 0 ? -kTickSlack : -kSecondsSlack);
}

}  // namespace

// A file that was changed, seen by the scan, and changed again within one tick of its clock has the same
// times after the second change as before it. Only when both times were past by more than such a tick before
// the scan began must a later change have moved one of them. A file whose times lie in the future is
// therefore never taken for unchanged.
bool is_unchanged(const FileStatus& now, const v1::Node& earlier, TimePoint earlier_scan_start) {
  if (earlier.stale() || earlier.inconsistent()) return false;
  if (now.type != earlier.type() || now.inode != earlier.inode()) return false;
  if (now.type == v1::NODE_TYPE_FILE && now.size != earlier.size()) return false;
  if (now.mtime != snapshot::from_proto(earlier.mtime()) ||
      now.ctime != snapshot::from_proto(earlier.ctime())) {
    return false;
  }
  return is_safely_older(now.mtime, earlier_scan_start, now.foreign_clock) &&
         is_safely_older(now.ctime, earlier_scan_start, now.foreign_clock);
}

}  // namespace garner::source
