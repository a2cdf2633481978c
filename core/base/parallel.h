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

namespace garner {

// Calls `work` with 0 to tasks - 1, on up to `threads` threads (0: one for each core), each of which takes
// the next number when it is done; on this one if there would be only one. The first exception ends the work
// and is thrown here.
inline void for_each_in_parallel(std::size_t tasks, unsigned threads,
                                 const std::function<void(std::size_t)>& work) {
  const std::size_t wanted =
      std::min<std::size_t>(tasks, threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency()));
  if (wanted == 1) {
    for (std::size_t task = 0; task < tasks; ++task) work(task);
    return;
  }
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  {
    std::vector<std::jthread> workers;
    for (std::size_t number = wanted; number > 0; --number) {
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

}  // namespace garner
