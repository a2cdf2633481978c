#include "sleep_inhibitor.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-bus.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "base/file.h"

namespace garner::daemon {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLogindPatience{2000};

struct CloseBus {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};

// One call, from its sending to its answer.
struct Answer {
  bool came = false;
  int error = 0;  // errno; 0: `lock` is valid
  Fd lock;
};

int take_answer(sd_bus_message* message, void* into, sd_bus_error*) {
  Answer& answer = *static_cast<Answer*>(into);
  answer.came = true;
  int lock = -1;
  if (sd_bus_message_is_method_error(message, nullptr) > 0) {
    answer.error = sd_bus_message_get_errno(message);
  } else if (const int result = sd_bus_message_read(message, "h", &lock); result < 0) {
    answer.error = -result;
  } else {
    answer.lock = Fd(fcntl(lock, F_DUPFD_CLOEXEC, 3));
    if (!answer.lock.valid()) answer.error = errno;
  }
  return 0;
}

// A bus that connects and then says nothing would hold up a synchronous call for a minute and a half.
Answer ask_logind(sd_bus& bus, const std::string& reason, const char* mode, Clock::time_point deadline) {
  Answer answer;
  int result = sd_bus_call_method_async(&bus, nullptr, "org.freedesktop.login1", "/org/freedesktop/login1",
                                        "org.freedesktop.login1.Manager", "Inhibit", take_answer, &answer,
                                        "ssss", "sleep", "garner", reason.c_str(), mode);
  while (result >= 0 && !answer.came) {
    result = sd_bus_process(&bus, nullptr);
    if (result != 0 || answer.came) continue;
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      result = -ETIMEDOUT;
    } else {
      result = sd_bus_wait(&bus, static_cast<std::uint64_t>(left.count()));
    }
  }
  if (result < 0 && !answer.came) answer.error = -result;
  return answer;
}

}  // namespace

std::shared_ptr<void> inhibit_sleep(const std::string& reason) {
  const Clock::time_point deadline = Clock::now() + kLogindPatience;
  sd_bus* opened = nullptr;
  int error = -sd_bus_open_system(&opened);
  const std::unique_ptr<sd_bus, CloseBus> bus(opened);
  if (bus != nullptr && error <= 0) {
    Answer answer = ask_logind(*bus, reason, "block", deadline);
    if (answer.error == EACCES || answer.error == EPERM) answer = ask_logind(*bus, reason, "delay", deadline);
    if (answer.error == 0) return std::make_shared<Fd>(std::move(answer.lock));
    error = answer.error;
  }
  spdlog::debug("sleep is not inhibited: {}", std::generic_category().message(error));
  return nullptr;
}

}  // namespace garner::daemon
