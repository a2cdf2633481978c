// Stands in for logind on a bus of a test's own (DBUS_SYSTEM_BUS_ADDRESS): answers Inhibit, and tells on
// standard output what it was asked and when the lock was given back. With "refuse" it lets nobody block,
// only delay.
#include <fcntl.h>
#include <poll.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

struct Logind {
  bool refuses = false;
  std::vector<int> held;  // reading ends: at their end of file the lock is gone
};

int inhibit(sd_bus_message* message, void* userdata, sd_bus_error* error) {
  Logind& logind = *static_cast<Logind*>(userdata);
  const char *what = nullptr, *who = nullptr, *why = nullptr, *mode = nullptr;
  if (const int result = sd_bus_message_read(message, "ssss", &what, &who, &why, &mode); result < 0)
    return result;
  std::printf("asked %s %s %s: %s\n", what, who, mode, why);
  if (logind.refuses && std::strcmp(mode, "block") == 0) {
    return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "not you");
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  logind.held.push_back(ends[0]);
  const int result = sd_bus_reply_method_return(message, "h", ends[1]);
  close(ends[1]);
  return result;
}

const sd_bus_vtable kMethods[] = {SD_BUS_VTABLE_START(0),
                                  SD_BUS_METHOD("Inhibit", "ssss", "h", inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
                                  SD_BUS_VTABLE_END};

void must(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "scripted_logind: %s: %s\n", what, std::strerror(-result));
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  Logind logind;
  logind.refuses = argc > 1 && std::strcmp(argv[1], "refuse") == 0;
  sd_bus* bus = nullptr;
  must(sd_bus_open_system(&bus), "the bus");
  must(sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                                kMethods, &logind),
       "the object");
  must(sd_bus_request_name(bus, "org.freedesktop.login1", 0), "the name");
  std::puts("ready");
  for (;;) {
    int result = 0;
    while ((result = sd_bus_process(bus, nullptr)) > 0) {
    }
    must(result, "a message");
    std::vector<pollfd> waited{{sd_bus_get_fd(bus), static_cast<short>(sd_bus_get_events(bus)), 0}};
    for (const int end : logind.held) waited.push_back({end, POLLIN, 0});
    if (poll(waited.data(), waited.size(), -1) < 0) return 1;
    std::vector<int> still;
    for (std::size_t i = 1; i < waited.size(); ++i) {
      if ((waited[i].revents & (POLLHUP | POLLERR)) != 0) {
        std::puts("given back");
        close(waited[i].fd);
      } else {
        still.push_back(waited[i].fd);
      }
    }
    logind.held = still;
  }
}
