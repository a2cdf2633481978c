// Work that several threads share.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log_context.h"
#include "base/stop_scope.h"

namespace garner::maintenance {

// Calls `work` with 0 to tasks - 1, on up to `threads` threads (0: one for each core), each of which takes
// the next number when it is done. The first exception ends the work and is thrown here.
inline void for_each_in_parallel(std::size_t tasks, unsigned threads,
                                 const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  {
    std::vector<std::jthread> workers;
    const std::size_t wanted = threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
    for (std::size_t number = std::min(wanted, tasks); number > 0; --number) {
      workers.emplace_back(in_log_context([&, stop = StopScope::current()] {
        const StopScope scope(stop);
        try {
          for (std::size_t task; (task = next++) < tasks;) work(task);
        } catch (...) {
          std::lock_guard lock(mutex);
          if (!error) error = std::current_exception();
          next = tasks;
        }
      }));
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace garner::maintenance
