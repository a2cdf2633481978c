// Keeps the machine awake for a moment that is better not cut in two, by an inhibitor of logind.
#pragma once

#include <memory>
#include <string>

namespace garner::daemon {

// Asks logind over the system bus (org.freedesktop.login1.Manager.Inhibit) not to suspend or hibernate; if
// this user may not ask that, to wait as long as it is set to. Held until what is returned goes. Nothing
// where there is no bus, no logind, or no answer within two seconds: then the machine may fall asleep, which
// costs time and never data. Any thread; no errors.
std::shared_ptr<void> inhibit_sleep(const std::string& reason);

}  // namespace garner::daemon
