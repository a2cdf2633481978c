#include "interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace garner::client {

Interrupt::Interrupt(std::initializer_list<int> signals) {
  sigset_t set{};
  sigemptyset(&set);
  bool any = false;
  for (const int signal : signals) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    sigaddset(&set, signal);
    any = true;
  }
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  if (any) descriptor_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

Interrupt::~Interrupt() {
  // One that came too late has nothing to interrupt any more.
  while (take()) {
  }
  if (descriptor_ >= 0) close(descriptor_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupt::take() {
  signalfd_siginfo info{};
  return descriptor_ >= 0 && read(descriptor_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info));
}

}  // namespace garner::client
