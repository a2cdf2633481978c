// Calendar expressions, cron lines and intervals.
#include "schedule/schedule.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  if (bytes.size() > 512) return;
  const schedule::Instant now = schedule::to_instant({1'790'000'000, 0});
  accepts([&] {
    const auto schedule = schedule::Schedule::parse(as_text(bytes), schedule::Zone::utc(), now);
    schedule::Instant last = now;
    for (const schedule::Instant time : schedule.next(now, 4)) {
      require(time > last, "times ascend");
      last = time;
    }
    const auto latest = schedule.last(now, last);
    require(last == now || (latest && *latest == last), "the last time up to a time that comes is that time");
  });
}
