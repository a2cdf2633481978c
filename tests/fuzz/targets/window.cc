// Windows in which something may run.
#include "schedule/window.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  if (bytes.size() > 512) return;
  const schedule::Instant now = schedule::to_instant({1'790'000'000, 0});
  accepts([&] {
    const schedule::Windows windows({schedule::parse_window(as_text(bytes))}, schedule::Zone::utc());
    const schedule::Instant open = windows.next_open(now);
    require(open >= now && windows.is_open(open), "a window is open when it opens");
    const auto close = windows.next_close(open);
    require(!close || *close > open, "a window closes after it opens");
  });
}
