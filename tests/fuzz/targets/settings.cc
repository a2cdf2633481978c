// The daemon's settings file.
#include "settings.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  accepts([&] {
    const daemon::Settings settings = daemon::parse_settings(as_text(bytes), "garnerd.toml");
    require(daemon::threads_for(settings, 1u << 20) >= 1, "a run has a thread");
    require(settings.settling_delay.count() >= 0, "no delay is negative");
  });
}
