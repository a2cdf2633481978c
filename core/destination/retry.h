// What is asked of a server again, after how long.
#pragma once

#include <chrono>
#include <random>

namespace garner::destination {

// Waits that double, from a fifth of a second to a quarter of a minute, of which a random part is taken: so
// that those whom a server has thrown out together do not come back together. One thread.
class Backoff {
 public:
  std::chrono::milliseconds next();

 private:
  std::chrono::milliseconds wait_{200};
  std::minstd_rand random_{std::random_device{}()};
};

// False when this thread is to stop (StopScope).
bool wait_unless_stopped(std::chrono::milliseconds time);

}  // namespace garner::destination
