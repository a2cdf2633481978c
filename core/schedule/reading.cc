#include "schedule/reading.h"

#include <ctime>

#include "base/error.h"
#include "base/file.h"

namespace garner::schedule {

namespace {

// Reading two clocks takes a moment; sleep takes longer.
constexpr std::chrono::seconds kLeastSleep{1};

Duration read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec / 1000);
}

std::string read_boot_id() {
  try {
    std::string id(as_text(read_file("/proc/sys/kernel/random/boot_id", 256)));
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return id;
  } catch (const Error&) {
    return {};  // no reading is compared with that of another process then
  }
}

}  // namespace

Reading read_clocks(const Clock& clock) {
  static const std::string boot_id = read_boot_id();
  return {to_instant(clock.now()), read_clock(CLOCK_BOOTTIME), read_clock(CLOCK_MONOTONIC), boot_id};
}

bool Session::notice(const Reading& now) {
  const Duration asleep = now.boot - now.awake;
  const bool slept = asleep - asleep_ >= kLeastSleep;
  if (slept) {
    settled_ = now.boot + settling_;
    asleep_ = asleep;
  }
  return slept;
}

}  // namespace garner::schedule
